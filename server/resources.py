"""What comes with Sightline: its version, and where its files are, inside an installed wheel or beside the package."""

from functools import cache
from importlib import metadata
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent
_INSTALLED = PACKAGE / "_data"
_CHECKOUT = PACKAGE.parent


def static_dir() -> Path:
    """The folder with the page."""
    return _find(installed="static", checkout="static")


def delivered_model() -> Path:
    """The folder with the model that is served when none is named."""
    return _find(installed="models/firearm-yolov8n", checkout="models/firearm-yolov8n")


def openapi_file() -> Path:
    """The description of the HTTP interface."""
    return _find(installed="openapi.yaml", checkout="docs/openapi.yaml")


@cache  # reading it opens files, and answers name it
def version() -> str:
    """The installed version, `0+source` where the package was never installed."""
    try:
        return metadata.version("sightline")
    except metadata.PackageNotFoundError:
        return "0+source"


def _find(*, installed: str, checkout: str) -> Path:
    return _INSTALLED / installed if _INSTALLED.is_dir() else _CHECKOUT / checkout
