"""Planes of any matrix and range become limited BT.601, exact to the rounding."""

import numpy as np
import numpy.typing as npt
import pytest

from server.media.colour import BT601, to_limited_bt601

BT709 = (0.2126, 0.0722)
COLOURS = [
    (0.0, 0.0, 0.0),
    (1.0, 1.0, 1.0),
    (0.8, 0.2, 0.1),
    (0.1, 0.7, 0.3),
    (0.2, 0.1, 0.9),
    (0.5, 0.5, 0.5),
    (0.9, 0.8, 0.2),
]


def planes(rgb: tuple[float, float, float], *, weights: tuple[float, float], full_range: bool) -> npt.NDArray[np.uint8]:
    """A 4x4 picture of one colour, stored by the definition of its matrix and range."""
    red, blue = weights
    r, g, b = rgb
    luma = red * r + (1 - red - blue) * g + blue * b
    black, luma_steps, chroma_steps = (0, 255, 255) if full_range else (16, 219, 224)
    u = 128 + chroma_steps * (b - luma) / (2 * (1 - blue))
    v = 128 + chroma_steps * (r - luma) / (2 * (1 - red))
    rows = [[black + luma_steps * luma] * 4] * 4 + [[u] * 4] + [[v] * 4]
    return np.clip(np.rint(rows), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("rgb", COLOURS)
@pytest.mark.parametrize("weights", [BT601, BT709], ids=["bt601", "bt709"])
@pytest.mark.parametrize("full_range", [False, True], ids=["limited", "full"])
def test_a_colour_keeps_its_meaning(rgb: tuple[float, float, float], weights: tuple[float, float], *, full_range: bool) -> None:
    """The planes are those that the colour has in limited BT.601."""
    converted = to_limited_bt601(
        planes(rgb, weights=weights, full_range=full_range), luma_weights=weights, full_range=full_range
    )

    wanted = planes(rgb, weights=BT601, full_range=False)
    assert np.abs(converted.astype(int) - wanted).max() <= 1


def test_levels_outside_the_range_are_clipped() -> None:
    """Whiter than white and impossible chroma do not wrap around."""
    pixels = np.full((6, 4), 255, np.uint8)

    converted = to_limited_bt601(pixels, luma_weights=BT709, full_range=False)

    assert converted.min() >= 200


def test_the_source_is_left_alone() -> None:
    """New memory is returned."""
    pixels = planes(COLOURS[2], weights=BT709, full_range=True)
    before = pixels.copy()

    to_limited_bt601(pixels, luma_weights=BT709, full_range=True)

    assert np.array_equal(pixels, before)
