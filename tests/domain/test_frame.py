"""Frame: sizes and planes."""

import numpy as np
import pytest

from server.domain.frame import Frame, PixelLayout
from tests.builders import make_frame


@pytest.mark.parametrize("layout", list(PixelLayout))
def test_size_is_that_of_the_picture(layout: PixelLayout) -> None:
    """The chroma rows of an I420 frame do not count."""
    frame = make_frame(width=64, height=48, layout=layout)
    assert (frame.width, frame.height) == (64, 48)


def test_planes_are_views_in_order_y_u_v() -> None:
    """Each plane shows its own part of the memory, U before V."""
    pixels = np.concatenate([np.full((48, 64), 1), np.full((12, 64), 2), np.full((12, 64), 3)]).astype(np.uint8)
    y, u, v = Frame(pixels, PixelLayout.I420).planes()
    assert (y.shape, u.shape, v.shape) == ((48, 64), (24, 32), (24, 32))
    assert (int(y.max()), int(u.min()), int(v.min())) == (1, 2, 3)
    assert np.shares_memory(u, pixels)


def test_a_bgr_frame_has_no_planes() -> None:
    """Asking for them is a mistake that is named."""
    with pytest.raises(ValueError, match="bgr"):
        make_frame(layout=PixelLayout.BGR).planes()
