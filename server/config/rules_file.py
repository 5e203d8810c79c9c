"""Rules file: the fields of the section `alerts` and a mask, to try out on recorded video."""

import tomllib
from pathlib import Path
from typing import Any

import msgspec

from server.config.section import Section
from server.config.watching import Alerts
from server.domain.errors import InvalidRequest
from server.domain.region import Mask, Region, RegionKind


class MaskEntry(Section, frozen=True):
    """A region as the API has it."""

    kind: RegionKind
    points: list[tuple[float, float]]


def read_rules(path: Path) -> tuple[Alerts, Mask]:
    """Reads a TOML file: the fields themselves, or a settings file with `[alerts]`, and `mask` beside them. Blocks.

    Raises InvalidRequest when it cannot be read or used.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
        fields = _fields(content)
        mask = msgspec.convert(fields.pop("mask", content.get("mask", [])), list[MaskEntry])
        return msgspec.convert(fields, Alerts), Mask(tuple(Region(one.kind, tuple(one.points)) for one in mask))
    # Not every fault of a TOML file is a TOMLDecodeError, see load.py.
    except (OSError, ValueError, RecursionError, msgspec.ValidationError, InvalidRequest) as exc:
        raise InvalidRequest(f"{path}: is no file of alert rules: {exc}") from exc


def _fields(content: dict[str, Any]) -> dict[str, Any]:
    """The alert settings, wherever they stand."""
    section = content.get("alerts", content)
    if not isinstance(section, dict):
        raise InvalidRequest("`alerts` is not a section")
    return dict(section)
