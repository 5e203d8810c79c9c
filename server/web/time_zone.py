"""The time zone of schedules and messages."""

import zoneinfo
from pathlib import Path

from server.domain.errors import SettingsError

_LOCAL_TIME = Path("/etc/localtime")


def time_zone(name: str) -> zoneinfo.ZoneInfo:
    """The zone of that name, of the machine where it is empty, with its summer time. Blocks; raises SettingsError."""
    if not name:
        return _machines()
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError) as exc:
        raise SettingsError(f"alerts.time_zone: there is no time zone {name!r}; it has a form as Europe/Berlin") from exc


def _machines() -> zoneinfo.ZoneInfo:
    try:
        named = str(_LOCAL_TIME.resolve()).partition("/zoneinfo/")[2]
        if named:
            return zoneinfo.ZoneInfo(named)
        with _LOCAL_TIME.open("rb") as file:
            return zoneinfo.ZoneInfo.from_file(file, key="local")
    except (OSError, ValueError, zoneinfo.ZoneInfoNotFoundError):
        return zoneinfo.ZoneInfo("UTC")
