"""Tests of reading and writing picture files."""

import io
import struct
import time
import zlib

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import ExifTags, Image, ImageOps

from server.domain.errors import TooLarge, Unprocessable, UnsupportedFormat
from server.media.picture import FORMATS, PictureHeader, decode, encode_jpeg, probe

MAX_PIXELS = 50_000_000


def make_image() -> Image.Image:
    """A 64x48 picture with a different colour in each quarter, so that every turn shows."""
    pixels = np.zeros((48, 64, 3), np.uint8)
    pixels[:24, :32] = (200, 30, 60)
    pixels[:24, 32:] = (10, 220, 90)
    pixels[24:, :32] = (240, 240, 20)
    return Image.fromarray(pixels)


def to_file(image: Image.Image, kind: str, **options: object) -> bytes:
    """The picture as a file."""
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def read(data: bytes) -> npt.NDArray[np.uint8]:
    """The pixels of a picture file, red first."""
    return decode(data, probe(data, max_pixels=MAX_PIXELS))[:, :, ::-1]


def png_of_size(width: int, height: int) -> bytes:
    """A tiny PNG file whose header claims any size."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(900))) + chunk(b"IEND", b"")


@pytest.mark.parametrize("kind", FORMATS)
def test_reads_every_format(kind: str) -> None:
    """Each format gives the picture that was written, as near as it can."""
    found = read(to_file(make_image(), kind))
    assert found.shape == (48, 64, 3)
    assert np.abs(found.astype(int) - np.asarray(make_image())).mean() < 6


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_turns_the_picture_as_exif_says(kind: str, orientation: int) -> None:
    """The pixels are upright, and the header gives the size of the upright picture."""
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    options: dict[str, object] = {"exif": exif, **({"lossless": True} if kind == "WEBP" else {})}
    data = to_file(make_image(), kind, **options)
    with Image.open(io.BytesIO(data)) as image:
        upright = np.asarray(ImageOps.exif_transpose(image).convert("RGB"))
    header = probe(data, max_pixels=MAX_PIXELS)
    assert (header.height, header.width) == upright.shape[:2] == ((64, 48) if orientation >= 5 else (48, 64))
    assert np.abs(read(data).astype(int) - upright).max() <= 4


@pytest.mark.parametrize(
    ("mode", "kind"),
    [(mode, "PNG") for mode in ("L", "LA", "P", "1", "RGBA")]
    + [(mode, "TIFF") for mode in ("L", "1", "RGBA", "CMYK")]
    + [("L", "JPEG"), ("CMYK", "JPEG"), ("RGBA", "WEBP"), ("P", "GIF"), ("P", "BMP")],
)
def test_reads_every_kind_of_pixel(mode: str, kind: str) -> None:
    """Grey, palette, transparent and four-colour pictures come out as three channels."""
    image = make_image().convert(mode)
    found = read(to_file(image, kind))
    assert found.shape == (48, 64, 3)
    assert np.abs(found.astype(int) - np.asarray(image.convert("RGB"))).mean() < 6


def test_drops_transparency_without_darkening() -> None:
    """A transparent pixel keeps its colour."""
    image = make_image().convert("RGBA")
    image.putalpha(0)
    assert read(to_file(image, "PNG"))[0, 0].tolist() == [200, 30, 60]


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_scales_sixteen_bits_to_eight(kind: str) -> None:
    """A 16-bit picture keeps its brightness."""
    ramp = np.linspace(0, 65535, 64 * 48).astype(np.uint16).reshape(48, 64)
    found = read(to_file(Image.fromarray(ramp), kind))
    assert np.abs(found[:, :, 0].astype(int) - (ramp >> 8)).max() <= 1


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "TIFF", "PNG"])
def test_takes_the_first_of_several_pictures(kind: str) -> None:
    """An animation or a document of several pages gives its first picture."""
    data = to_file(make_image(), kind, save_all=True, append_images=[make_image().rotate(180)])
    assert np.abs(read(data)[5, 5].astype(int) - [200, 30, 60]).max() < 10


def test_a_jpeg_with_further_pictures_is_a_jpeg() -> None:
    """The multi-picture files of telephones are read as JPEG."""
    data = to_file(make_image(), "MPO", save_all=True, append_images=[make_image()])
    assert probe(data, max_pixels=MAX_PIXELS) == PictureHeader("JPEG", 64, 48)
    assert read(data).shape == (48, 64, 3)


def test_refuses_a_picture_with_too_many_pixels_by_its_header() -> None:
    """A 1 KB file that claims 50,000 x 50,000 pixels is refused without decoding it."""
    data = png_of_size(50_000, 50_000)
    assert len(data) < 1024
    started = time.process_time()
    with pytest.raises(TooLarge, match="50000x50000"):
        probe(data, max_pixels=MAX_PIXELS)
    # Not a speed: decoding would take seconds and 7.5 GB.
    assert time.process_time() - started < 0.5


def test_the_pixel_limit_itself_is_allowed() -> None:
    """A picture of exactly as many pixels as the limit is taken."""
    data = to_file(make_image(), "PNG")
    assert probe(data, max_pixels=64 * 48).width == 64
    with pytest.raises(TooLarge):
        probe(data, max_pixels=64 * 48 - 1)


def test_a_limit_above_pillows_own_counts() -> None:
    """The limit of the settings alone decides, also far above Pillow's."""
    assert probe(png_of_size(20_000, 20_000), max_pixels=400_000_000).width == 20_000


@pytest.mark.parametrize("data", [b"", b"hello", b"%PDF-1.7\n", b"<svg xmlns='http://www.w3.org/2000/svg'/>", bytes(4096)])
def test_refuses_what_is_no_picture(data: bytes) -> None:
    """Anything but the six formats is an unsupported format."""
    with pytest.raises(UnsupportedFormat):
        probe(data, max_pixels=MAX_PIXELS)


@pytest.mark.parametrize("kind", ["PPM", "ICO", "JPEG2000"])
def test_refuses_other_picture_formats(kind: str) -> None:
    """A format that Pillow could read but that is not on the list is refused."""
    with pytest.raises(UnsupportedFormat):
        probe(to_file(make_image(), kind), max_pixels=MAX_PIXELS)


@pytest.mark.parametrize("share", [0.4, 0.9])
@pytest.mark.parametrize("kind", FORMATS)
def test_refuses_a_picture_that_was_cut_off(kind: str, share: float) -> None:
    """A file that ends too early is damaged, never half a picture."""
    noise = np.random.default_rng(0).integers(0, 255, (200, 200, 3), dtype=np.uint8)
    data = to_file(Image.fromarray(noise), kind)
    with pytest.raises(Unprocessable):
        read(data[: int(len(data) * share)])


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("kind", FORMATS)
def test_refuses_a_picture_whose_header_was_cut_off(kind: str) -> None:
    """The first bytes alone are a damaged picture, not an unknown format."""
    with pytest.raises(Unprocessable):
        read(to_file(make_image(), kind)[:20])


def test_refuses_a_png_that_claims_a_huge_chunk() -> None:
    """A length of 4 GB in a tiny file is refused before anything makes room for it."""
    data = bytearray(to_file(make_image(), "PNG"))
    data[33:37] = b"\xff\xff\xff\xf0"  # the length of the first chunk behind the header
    started = time.process_time()
    with pytest.raises(Unprocessable):
        read(bytes(data))
    # Not a speed: making room takes many seconds, and 4 GB.
    assert time.process_time() - started < 0.5


def test_reads_a_png_with_something_behind_its_end() -> None:
    """What stands behind the last chunk is nobody's business."""
    assert read(to_file(make_image(), "PNG") + b"\xff\xff\xff\xffmore").shape == (48, 64, 3)


def test_refuses_a_picture_without_pixels() -> None:
    """A header with a side of zero is damaged."""
    with pytest.raises(Unprocessable):
        probe(png_of_size(0, 10), max_pixels=MAX_PIXELS)


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("kind", FORMATS)
@given(changes=st.lists(st.tuples(st.integers(0, 2**16), st.integers(0, 255)), min_size=1, max_size=12))
@settings(max_examples=60, deadline=None)
def test_damaged_bytes_never_raise_anything_else(kind: str, changes: list[tuple[int, int]]) -> None:
    """Whatever stands in a file, it is read or refused with one of our errors."""
    data = bytearray(to_file(make_image(), kind))
    for position, value in changes:
        data[position % len(data)] = value
    try:
        assert read(bytes(data)).dtype == np.uint8
    except (TooLarge, Unprocessable, UnsupportedFormat):
        pass


def test_jpeg_looks_the_same() -> None:
    """A picture written as JPEG is read back nearly unchanged."""
    pixels = np.ascontiguousarray(np.asarray(make_image())[:, :, ::-1])
    assert np.abs(read(encode_jpeg(pixels))[:, :, ::-1].astype(int) - pixels).mean() < 6


def test_refuses_to_write_a_jpeg_with_too_long_a_side() -> None:
    """JPEG knows no side above 65,500 pixels; such a picture is refused with a sentence."""
    with pytest.raises(Unprocessable, match="66000x8"):
        encode_jpeg(np.zeros((8, 66_000, 3), np.uint8))
