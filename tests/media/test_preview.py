"""Previews of frames."""

import cv2
import numpy as np
import pytest

from server.domain.frame import PixelLayout
from server.media.preview import preview_jpeg
from tests.builders import make_frame


@pytest.mark.parametrize("layout", list(PixelLayout))
@pytest.mark.parametrize(("width", "height", "shown"), [(1920, 1080, (960, 540)), (640, 480, (640, 480)), (4000, 2, (960, 1))])
def test_is_scaled_down_and_never_up(layout: PixelLayout, width: int, height: int, shown: tuple[int, int]) -> None:
    """In the proportions of the frame, whatever its layout."""
    picture = cv2.imdecode(
        np.frombuffer(preview_jpeg(make_frame(width=width, height=height, layout=layout), max_width_px=960), np.uint8), 1
    )
    assert picture is not None
    assert (picture.shape[1], picture.shape[0]) == shown
    assert abs(float(picture.mean()) - 128) < 4
