"""Settings: defaults, then a TOML file, then the environment, then flags; unknown keys are refused."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_origin

import msgspec

from server.config.settings import Settings
from server.domain.errors import SettingsError

PREFIX = "SIGHTLINE_"
Layer = dict[str, dict[str, Any]]


def load_settings(*, file: Path | None, environ: Mapping[str, str], flags: Layer) -> Settings:
    """Returns the defaults with a TOML file, `SIGHTLINE_SECTION__KEY` variables and flags laid over them, in this order.

    Raises SettingsError with one line that names the place and the key.
    """
    settings = Settings()
    if file is not None:
        settings = _lay_over(settings, _read_toml(file), origin=str(file), strict=True)
    settings = _lay_over(settings, _from_environ(environ), origin="environment", strict=False)
    return _lay_over(settings, flags, origin="command line", strict=False)


def _lay_over(settings: Settings, layer: Layer, *, origin: str, strict: bool) -> Settings:
    try:
        given = msgspec.convert(layer, Settings, strict=strict)
    except msgspec.ValidationError as exc:
        raise SettingsError(f"{origin}: {exc}") from exc
    sections = {
        name: msgspec.structs.replace(getattr(settings, name), **{key: getattr(getattr(given, name), key) for key in keys})
        for name, keys in layer.items()
    }
    return msgspec.structs.replace(settings, **sections)


def _read_toml(file: Path) -> Layer:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    # A TOMLDecodeError is a ValueError, as is a number of thousands of digits; thousands of brackets are a RecursionError.
    except (OSError, ValueError, RecursionError) as exc:
        raise SettingsError(f"cannot read the settings file {file}: {exc}") from exc


def _from_environ(environ: Mapping[str, str]) -> Layer:
    layer: Layer = {}
    for name, value in environ.items():
        section, separator, key = name.removeprefix(PREFIX).lower().partition("__")
        if name.startswith(PREFIX) and separator:
            is_list = (section, key) in _list_keys()
            layer.setdefault(section, {})[key] = _parse_list(value, setting=f"{section}.{key}") if is_list else value
    return layer


def _list_keys() -> set[tuple[str, str]]:
    """Section and key of every setting that is a list."""
    return {
        (section.name, field.name)
        for section in msgspec.structs.fields(Settings)
        for field in msgspec.structs.fields(section.type)
        if get_origin(field.type) is list
    }


def _parse_list(value: str, *, setting: str) -> list[Any]:
    """Items separated by commas, or a JSON list."""
    if not value.lstrip().startswith("["):
        return [item.strip() for item in value.split(",") if item.strip()]
    try:
        return msgspec.json.decode(value.encode(), type=list)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as exc:  # the value may be a secret
        raise SettingsError(f"environment: {setting} begins with [ and is no JSON list") from exc
