"""docs/limits.md says what the settings are."""

import re

import msgspec

from server.config.settings import Settings
from tests.conftest import REPOSITORY

ROW = re.compile(r"^\| [^|]+ \| `([a-z_]+)\.([a-z_]+)` \| ([^|]+) \| [^|]+ \|$", re.MULTILINE)
LIMITED = re.compile(r"^(max_(?!bitrate)|min_upload|min_free|stall_s$)|_(timeout|stall)_s$")
# Cameras are the owner's own.
OTHERS = {"cameras.max_cameras", "cameras.connect_timeout_s", "cameras.read_timeout_s"}


def settings_by_name() -> dict[str, object]:
    """All settings with their defaults."""
    return {
        f"{section.name}.{field.name}": getattr(getattr(Settings(), section.name), field.name)
        for section in msgspec.structs.fields(Settings)
        for field in msgspec.structs.fields(section.type)
    }


def test_each_row_has_the_default_of_its_setting() -> None:
    """As docs/configuration.md, in the same words."""
    rows = ROW.findall((REPOSITORY / "docs/limits.md").read_text("utf-8"))
    assert len(rows) > 40
    defaults = settings_by_name()
    for section, name, default in rows:
        assert default == _written(defaults[f"{section}.{name}"]), f"{section}.{name}"


def _written(value: object) -> str:
    if value is None:
        return "unset"
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value)


def test_every_limit_has_a_row() -> None:
    """A setting whose name says that it bounds something stands there."""
    rows = {f"{section}.{name}" for section, name, _ in ROW.findall((REPOSITORY / "docs/limits.md").read_text("utf-8"))}
    bounding = {name for name in settings_by_name() if LIMITED.search(name.partition(".")[2])}
    assert bounding - rows - OTHERS == set()
