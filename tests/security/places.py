"""Places: folders of the server that no answer may name."""

import sys
from pathlib import Path

from server.config.settings import Settings
from tests.conftest import REPOSITORY


def places_in(told: str, settings: Settings) -> list[str]:
    """What of the machine a text gives away: where the server, its data and its Python lie, or a traceback."""
    insides = (
        str(REPOSITORY),
        settings.server.data_dir,
        sys.prefix,
        sys.base_prefix,
        str(Path.home()),
        "Traceback",
        '", line ',
    )
    return [inside for inside in insides if inside in told]
