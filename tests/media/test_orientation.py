"""Orientation of recorded pictures: each of the eight ways, against a picture drawn that way."""

import numpy as np
import numpy.typing as npt
import pytest

from server.media.orientation import Orientation

Plane = npt.NDArray[np.uint8]
ONE = 1 << 16
WAYS = {
    "upright": (ONE, 0, 0, ONE),
    "a quarter clockwise": (0, ONE, -ONE, 0),
    "half": (-ONE, 0, 0, -ONE),
    "a quarter counterclockwise": (0, -ONE, ONE, 0),
    "mirrored": (-ONE, 0, 0, ONE),
    "upside down, mirrored": (ONE, 0, 0, -ONE),
    "transposed": (0, ONE, ONE, 0),
    "transposed the other way": (0, -ONE, -ONE, 0),
}


@pytest.mark.parametrize("way", WAYS)
def test_planes_are_moved_as_the_matrix_says(way: str) -> None:
    """Each pixel goes to (a x + c y, b x + d y), moved into the picture; the colours go along."""
    a, b, c, d = WAYS[way]
    height, width = 6, 8
    pixels = np.arange(height * width * 3 // 2, dtype=np.uint8).reshape(-1, width)
    turned = Orientation.of_matrix((a, b, 0, c, d, 0, 0, 0, 1 << 30)).upright(pixels)
    shown = (width, height) if a == 0 else (height, width)
    expected = [_moved(pixels[:height], (a, b, c, d))]
    expected += [_moved(plane, (a, b, c, d)) for plane in pixels[height:].reshape(2, height // 2, width // 2)]
    assert turned.shape == (shown[0] * 3 // 2, shown[1])
    assert turned.ravel().tolist() == [value for plane in expected for value in plane.ravel().tolist()]


def _moved(plane: Plane, matrix: tuple[int, int, int, int]) -> Plane:
    """Each pixel by itself."""
    a, b, c, d = (value // ONE for value in matrix)
    spots = {(a * x + c * y, b * x + d * y): int(plane[y, x]) for y in range(plane.shape[0]) for x in range(plane.shape[1])}
    left, top = min(x for x, _ in spots), min(y for _, y in spots)
    moved = np.zeros(plane.shape[::-1] if a == 0 else plane.shape, np.uint8)
    for (x, y), value in spots.items():
        moved[y - top, x - left] = value
    return moved
