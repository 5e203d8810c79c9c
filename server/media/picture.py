"""Pictures as files: the header first, then the pixels, and back into a file."""

import io
import struct
import warnings
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

# Importing a plugin registers its format; without these the first WebP or TIFF makes Pillow import all of its fifty.
from PIL import (  # noqa: F401
    BmpImagePlugin,
    ExifTags,
    GifImagePlugin,
    Image,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

from server.domain.errors import TooLarge, Unprocessable, UnsupportedFormat

Pixels = npt.NDArray[np.uint8]

FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF")
JPEG_QUALITY = 90

# Pillow's own limit is a fixed number, and a warning below twice that number; `probe` has the one of the settings in its place.
Image.MAX_IMAGE_PIXELS = None
# Damaged pictures are their senders' affair: they get an error, and the server's own output says nothing of them.
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")
cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)

# What Pillow's parsers raise on a damaged header, found by changing bytes at random.
_DAMAGED = (OSError, ValueError, SyntaxError, LookupError, TypeError, ArithmeticError, AttributeError, EOFError, struct.error)

# How files of our formats begin: tells a damaged picture from something that is no picture.
_MAGIC = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"RIFF", b"BM", b"II*\0", b"MM\0*", b"GIF8")


@dataclass(frozen=True, slots=True)
class PictureHeader:
    """What the header of a picture file says.

    `width` and `height` are those of the upright picture, in pixels. `orientation` is the EXIF orientation (1 to 8) that
    decoding still has to undo.
    """

    format: str
    width: int
    height: int
    orientation: int = 1


def probe(data: bytes, *, max_pixels: int, setting: str = "") -> PictureHeader:
    """Reads the header alone.

    Raises UnsupportedFormat for what is not one of `FORMATS`, TooLarge above `max_pixels`, which `setting` decides, and
    Unprocessable for a damaged header.
    """
    _check_size(*_webp_canvas(data), max_pixels=max_pixels, setting=setting)
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            header = _read_header(image)
    except _DAMAGED as exc:
        if begins_like_a_picture(data[:12]):
            raise Unprocessable("the picture is damaged: its header cannot be read") from exc
        raise UnsupportedFormat("the file is not a JPEG, PNG, WebP, BMP, TIFF or GIF picture") from exc
    if header.width < 1 or header.height < 1:
        raise Unprocessable("the picture is damaged: its header gives it no pixels")
    _check_size(header.width, header.height, max_pixels=max_pixels, setting=setting)
    return header


def _check_size(width: int, height: int, *, max_pixels: int, setting: str) -> None:
    if width * height > max_pixels:
        decided = f" ({setting})" if setting else ""
        raise TooLarge(f"the picture has {width}x{height} pixels, more than the limit of {max_pixels:,}{decided}")


def _webp_canvas(data: bytes) -> tuple[int, int]:
    """The canvas of an extended WebP (RFC 9649, 2.7), else nothing: Pillow makes room for an animation's when it opens it."""
    if data[:4] != b"RIFF" or data[8:16] != b"WEBPVP8X" or len(data) < 30:
        return 0, 0
    return int.from_bytes(data[24:27], "little") + 1, int.from_bytes(data[27:30], "little") + 1


def begins_like_a_picture(head: bytes) -> bool:
    """Whether the first twelve bytes of a file are those of one of `FORMATS`; AVI begins as WebP does, up to the eighth."""
    return head.startswith(_MAGIC) and (not head.startswith(b"RIFF") or head[8:12] == b"WEBP")


def decode(data: bytes, header: PictureHeader) -> Pixels:
    """The upright picture as `(height, width, 3) uint8`, blue first, without alpha; the first one where the file has several.

    Blocks while it decodes: never call it on the event loop. Raises Unprocessable for a damaged picture.
    """
    if header.format == "PNG":
        _check_png_chunks(data)
    pixels = _decode_gif(data) if header.format == "GIF" else _decode_opencv(data)
    pixels = _turn_upright(pixels, header.orientation)
    if pixels.shape != (header.height, header.width, 3):
        raise Unprocessable("the picture is damaged: its pixels do not fit its header")
    return pixels


def encode_jpeg(pixels: Pixels, *, quality: int = JPEG_QUALITY) -> bytes:
    """A JPEG file of a BGR picture. Blocks; any thread but the event loop."""
    try:
        written, encoded = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])
    except cv2.error as exc:
        raise Unprocessable(_not_writable(pixels)) from exc
    if not written:
        raise Unprocessable(_not_writable(pixels))
    return encoded.tobytes()


def _read_header(image: Image.Image) -> PictureHeader:
    picture_format = "JPEG" if image.format == "MPO" else str(image.format)  # MPO: a JPEG with further pictures behind it
    width, height = image.size
    orientation = _orientation(image, picture_format)
    if orientation >= 5:
        width, height = height, width
    return PictureHeader(picture_format, width, height, orientation)


def _orientation(image: Image.Image, picture_format: str) -> int:
    # For TIFF, Pillow gives the upright size and OpenCV the upright picture. A PNG whose EXIF data stands behind its pixels
    # would have to be decoded here to find it.
    if picture_format == "TIFF" or (picture_format == "PNG" and "exif" not in image.info):
        return 1
    found = image.getexif().get(ExifTags.Base.Orientation, 1)
    return found if found in range(1, 9) else 1


def _check_png_chunks(data: bytes) -> None:
    """Refuses a PNG with a chunk that is longer than the file: OpenCV would first make room for it, up to 4 GB."""
    position = 8
    while position < len(data):
        length = int.from_bytes(data[position : position + 4], "big")
        position += 12 + length  # length, name, body, checksum (PNG, section 5.3)
        if position > len(data):
            raise Unprocessable("the picture is damaged: it ends too early")
        if data[position - length - 8 : position - length - 4] == b"IEND":
            return


def _decode_opencv(data: bytes) -> Pixels:
    flags = cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION
    try:
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except cv2.error as exc:
        raise Unprocessable("the picture is damaged and cannot be decoded") from exc
    if pixels is None:
        raise Unprocessable("the picture is damaged and cannot be decoded")
    return pixels.astype(np.uint8, copy=False)


def _decode_gif(data: bytes) -> Pixels:
    # OpenCV reads GIF only from 4.11 on.
    try:
        with Image.open(io.BytesIO(data), formats=("GIF",)) as image:
            rgb = np.asarray(image.convert("RGB"))
    except _DAMAGED as exc:
        raise Unprocessable("the picture is damaged and cannot be decoded") from exc
    return np.ascontiguousarray(rgb[:, :, ::-1])


def _turn_upright(pixels: Pixels, orientation: int) -> Pixels:
    # EXIF 2.32, tag 0x0112: 5 to 8 are mirrored along the main diagonal, on top of the flips that 1 to 4 are.
    if orientation == 1:
        return pixels
    if orientation >= 5:
        pixels = pixels.transpose(1, 0, 2)
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return np.ascontiguousarray(pixels)


def _not_writable(pixels: Pixels) -> str:
    return f"a picture of {pixels.shape[1]}x{pixels.shape[0]} pixels does not fit into a JPEG file"
