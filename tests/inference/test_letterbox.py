"""A picture of any size is fitted into the input as Ultralytics fits it, and boxes find the way back."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.inference.letterbox import Letterbox


@pytest.mark.parametrize(
    ("width", "height", "imgsz", "canvas", "inner", "corner"),
    [
        (640, 480, 640, (640, 480), (640, 480), (0, 0)),
        (1280, 720, 640, (640, 384), (640, 360), (0, 12)),
        (810, 1080, 640, (480, 640), (480, 640), (0, 0)),
        (1280, 720, 320, (320, 192), (320, 180), (0, 6)),
        (100, 50, 320, (320, 160), (320, 160), (0, 0)),
        (517, 389, 416, (416, 320), (416, 313), (0, 3)),
        (3000, 10, 320, (320, 32), (320, 1), (0, 15)),
    ],
)
def test_the_input_is_the_smallest_that_ultralytics_would_make(
    width: int, height: int, imgsz: int, canvas: tuple[int, int], inner: tuple[int, int], corner: tuple[int, int]
) -> None:
    """Size, inner size and position are those of `LetterBox(auto=True)`."""
    letterbox = Letterbox.fit(width=width, height=height, imgsz=imgsz)

    assert (letterbox.width, letterbox.height) == canvas
    assert (letterbox.inner_width, letterbox.inner_height) == inner
    assert (letterbox.left, letterbox.top) == corner


def test_a_fixed_input_is_padded_on_both_sides() -> None:
    """A wide picture in a square input lies in its middle."""
    letterbox = Letterbox.into(width=1280, height=720, canvas=(320, 320))

    assert (letterbox.inner_width, letterbox.inner_height) == (320, 180)
    assert (letterbox.left, letterbox.top) == (0, 70)


sides = st.integers(1, 5000)
sizes = st.integers(5, 40).map(lambda blocks: 32 * blocks)


@given(width=sides, height=sides, imgsz=sizes)
def test_every_picture_gets_an_input_within_bounds(width: int, height: int, imgsz: int) -> None:
    """The sides are multiples of 32 up to imgsz, and the picture lies inside."""
    letterbox = Letterbox.fit(width=width, height=height, imgsz=imgsz)

    assert letterbox.width % 32 == letterbox.height % 32 == 0
    assert 32 <= letterbox.width <= imgsz
    assert 32 <= letterbox.height <= imgsz
    assert 0 <= letterbox.left <= letterbox.width - letterbox.inner_width < 32
    assert 0 <= letterbox.top <= letterbox.height - letterbox.inner_height < 32


@given(width=sides, height=sides, imgsz=sizes)
def test_the_whole_input_maps_to_the_whole_source(width: int, height: int, imgsz: int) -> None:
    """The corners of the resized picture are the corners of the source, and nothing lies outside it."""
    letterbox = Letterbox.fit(width=width, height=height, imgsz=imgsz)
    inner = [letterbox.left, letterbox.top, letterbox.left + letterbox.inner_width, letterbox.top + letterbox.inner_height]
    boxes = np.array([inner, [-50, -50, imgsz + 50, imgsz + 50]], np.float32)

    mapped = letterbox.to_source(boxes)

    np.testing.assert_allclose(mapped, [[0, 0, width, height]] * 2, rtol=1e-5, atol=1e-3)
    assert mapped.dtype == np.float32
