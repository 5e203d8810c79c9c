"""JPEG frames: to the planes that the live path works on, and back."""

import io

import numpy as np
import pytest
from PIL import Image

from server.domain.errors import TooLarge, Unprocessable, UnsupportedFormat
from server.media.jpeg import decode_i420, encode_i420
from tests.marked_video import marked_picture, read_number
from tests.web.pictures import picture_file

MANY = 10_000_000


def jpeg_of(width: int, height: int, *, colour: tuple[int, int, int] = (128, 128, 128), **options: object) -> bytes:
    """A JPEG file of one RGB colour."""
    buffer = io.BytesIO()
    Image.new("RGB", (width, height), colour).save(buffer, "JPEG", **options)
    return buffer.getvalue()


def test_a_picture_survives_the_way_there_and_back() -> None:
    """Planes that are encoded and decoded again are the same to within what JPEG loses."""
    pixels = marked_picture(1234)
    back = decode_i420(encode_i420(pixels), max_pixels=MANY)
    assert back.shape == pixels.shape
    assert read_number(back) == 1234
    assert np.abs(back.astype(int) - pixels.astype(int)).mean() < 3


@pytest.mark.parametrize(
    ("colour", "yuv"),
    [((255, 255, 255), (235, 128, 128)), ((0, 0, 0), (16, 128, 128)), ((255, 0, 0), (81, 90, 240))],
)
def test_planes_are_limited_bt601(colour: tuple[int, int, int], yuv: tuple[int, int, int]) -> None:
    """White, black and red have the levels that detector, annotator and encoders expect."""
    pixels = decode_i420(jpeg_of(32, 16, colour=colour), max_pixels=MANY)
    means = [pixels[:16].mean(), *(plane.mean() for plane in pixels[16:].reshape(2, 8, 16))]
    assert means == pytest.approx(yuv, abs=3)


def test_an_odd_side_loses_its_last_pixel() -> None:
    """Planes have even sides."""
    assert decode_i420(jpeg_of(33, 17), max_pixels=MANY).shape == (24, 32)


def test_a_turned_picture_is_set_upright() -> None:
    """A phone that tells its orientation by EXIF is taken at its word."""
    exif = Image.Exif()
    exif[0x0112] = 6
    assert decode_i420(jpeg_of(32, 16, exif=exif), max_pixels=MANY).shape == (48, 16)


@pytest.mark.parametrize("data", [b"", b"no picture", picture_file("PNG"), picture_file("WEBP"), b"\xff\xd8"])
def test_another_format_is_refused(data: bytes) -> None:
    """A frame is JPEG, also where the server could read another format."""
    with pytest.raises(UnsupportedFormat, match="not a JPEG"):
        decode_i420(data, max_pixels=MANY)


@pytest.mark.parametrize("data", [b"\xff\xd8\xff", b"\xff\xd8\xff" + bytes(100), picture_file("JPEG")[:200]])
def test_a_damaged_frame_is_refused(data: bytes) -> None:
    """What begins like a JPEG and is none is damaged."""
    with pytest.raises(Unprocessable):
        decode_i420(data, max_pixels=MANY)


def test_a_huge_frame_is_refused_by_its_header() -> None:
    """More pixels than the limit are not decoded."""
    with pytest.raises(TooLarge, match="640x480"):
        decode_i420(jpeg_of(640, 480), max_pixels=640 * 480 - 1)


def test_a_line_is_no_frame() -> None:
    """One pixel high leaves nothing when the odd line is taken away."""
    with pytest.raises(Unprocessable, match="two pixels"):
        decode_i420(jpeg_of(100, 1), max_pixels=MANY)
