"""Films that the tests of cameras share."""

from pathlib import Path

import pytest

from tests.rtsp.rig import write_film


@pytest.fixture(scope="session")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A minute of H.264 whose pictures carry their number."""
    return write_film(tmp_path_factory.mktemp("films") / "h264.mkv")
