"""PNG files: every pixel comes back, whatever reads them."""

import io

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from server.media.png import encode_png
from tests.scenes import draw_firearm


def read(file: bytes) -> npt.NDArray[np.uint8]:
    """The pixels that OpenCV finds in a file."""
    pixels = cv2.imdecode(np.frombuffer(file, np.uint8), cv2.IMREAD_COLOR)
    assert pixels is not None
    return pixels.astype(np.uint8)


@pytest.mark.parametrize("size", [(1, 1), (37, 53), (3, 200_000), (2_000, 1), (700, 900)], ids=str)
def test_every_pixel_comes_back(size: tuple[int, int]) -> None:
    """Noise of any shape, in one strip or many, is read back unchanged by two other libraries."""
    pixels = np.random.default_rng(1).integers(0, 256, (*size, 3), dtype=np.uint8)
    file = encode_png(pixels)
    assert np.array_equal(read(file), pixels)
    with Image.open(io.BytesIO(file)) as image:  # which compares the checksums
        assert (image.format, image.mode) == ("PNG", "RGB")
        assert np.array_equal(np.asarray(image)[:, :, ::-1], pixels)


def test_a_part_of_a_larger_picture_is_written_alone() -> None:
    """Rows that do not lie side by side in memory are taken as they are."""
    pixels = draw_firearm().bgr[10:90:2, 20:120]
    assert np.array_equal(read(encode_png(pixels)), pixels)


def test_a_drawn_picture_becomes_a_fraction_of_its_pixels() -> None:
    """The filter and the compression do their work: plain surfaces take next to nothing."""
    pixels = np.full((480, 640, 3), (40, 90, 160), np.uint8)
    assert len(encode_png(pixels)) < pixels.nbytes / 100
