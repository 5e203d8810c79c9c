"""Picture files of less than a kilobyte whose headers claim any size."""

import struct
import zlib
from collections.abc import Callable


def png_claiming(width: int, height: int) -> bytes:
    """PNG (section 11.2.1): the size stands in IHDR."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(900))) + chunk(b"IEND", b"")


def jpeg_claiming(width: int, height: int) -> bytes:
    """JPEG (ITU T.81, B.2.2): the size stands in the frame header, SOF0."""
    frame = struct.pack(">BHHB", 8, height, width, 3) + bytes((1, 0x22, 0, 2, 0x11, 0, 3, 0x11, 0))
    scan = bytes((3, 1, 0, 2, 0, 3, 0, 0, 63, 0))
    return (
        b"\xff\xd8"
        + b"\xff\xdb" + struct.pack(">H", 67) + b"\0" + bytes([1] * 64)
        + b"\xff\xc0" + struct.pack(">H", 2 + len(frame)) + frame
        + b"\xff\xda" + struct.pack(">H", 2 + len(scan)) + scan
        + bytes(100) + b"\xff\xd9"
    )  # fmt: skip


def webp_claiming(width: int, height: int) -> bytes:
    """WebP with a canvas of its own (RFC 9649, 2.7): three bytes each in VP8X, less one. An animation of one frame of 1x1."""
    canvas = b"\x02\0\0\0" + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    frame = bytes(12) + (100).to_bytes(3, "little") + b"\0" + _webp_chunk(b"VP8L", bytes.fromhex("2f00000000888808"))
    body = b"WEBP" + _webp_chunk(b"VP8X", canvas) + _webp_chunk(b"ANIM", bytes(6)) + _webp_chunk(b"ANMF", frame)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def _webp_chunk(name: bytes, body: bytes) -> bytes:
    return name + struct.pack("<I", len(body)) + body + bytes(len(body) % 2)


def bmp_claiming(width: int, height: int) -> bytes:
    """BMP: 32 bits each in BITMAPINFOHEADER."""
    header = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 24, 0, 0, 0, 0, 0, 0)
    return b"BM" + struct.pack("<IHHI", 54 + 900, 0, 0, 54) + header + bytes(900)


def tiff_claiming(width: int, height: int) -> bytes:
    """TIFF 6.0: the size stands in tags of the first directory."""
    tags = [
        (256, 4, width), (257, 4, height), (258, 3, 8), (259, 3, 1), (262, 3, 1), (273, 4, 200), (277, 3, 1),
        (278, 4, height), (279, 4, 900 - 200),
    ]  # fmt: skip
    directory = struct.pack("<H", len(tags)) + b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in tags)
    return (b"II*\0" + struct.pack("<I", 8) + directory + bytes(4)).ljust(900, b"\0")


def gif_claiming(width: int, height: int) -> bytes:
    """GIF89a, section 18: the screen's size."""
    return _gif(screen=(width, height), frame=(4, 4))


def gif_frame_claiming(width: int, height: int) -> bytes:
    """GIF89a, section 20: a frame that is larger than the screen, which is 4x4."""
    return _gif(screen=(4, 4), frame=(width, height))


def _gif(*, screen: tuple[int, int], frame: tuple[int, int]) -> bytes:
    colours = b"\x80\0\0" + bytes(6)
    picture = b"," + struct.pack("<HHHHB", 0, 0, *frame, 0) + b"\x02\x02\x4c\x01\0"
    return b"GIF89a" + struct.pack("<HH", *screen) + colours + picture + b";"


CLAIMING: dict[str, Callable[[int, int], bytes]] = {
    "PNG": png_claiming,
    "JPEG": jpeg_claiming,
    "WebP": webp_claiming,
    "BMP": bmp_claiming,
    "TIFF": tiff_claiming,
    "GIF": gif_claiming,
    "GIF frame": gif_frame_claiming,
}
"""What makes a file of each format; GIF in both of the ways in which it says a size."""
