"""JPEG frames of live streams: from a file to I420 planes, and back."""

import cv2
import numpy as np
import numpy.typing as npt

from server.domain.errors import Unprocessable, UnsupportedFormat
from server.media.picture import decode, encode_jpeg, probe

Planes = npt.NDArray[np.uint8]
"""I420 pixels, `(height * 3 // 2, width)`."""

# A frame is looked at for a moment: at the 90 of pictures by POST it would be half as large again.
QUALITY = 80
_START = b"\xff\xd8\xff"


def decode_i420(data: bytes, *, max_pixels: int) -> Planes:
    """Returns the upright picture as limited-range BT.601 I420; an odd side loses its last pixel.

    Blocks while it decodes: never call it on the event loop. Raises UnsupportedFormat for what is no JPEG, TooLarge above
    `max_pixels`, which the header tells before anything is decoded, and Unprocessable for a damaged picture.
    """
    if not data.startswith(_START):
        raise UnsupportedFormat("the frame is not a JPEG picture")
    pixels = decode(data, probe(data, max_pixels=max_pixels, setting="live.max_frame_pixels"))
    height, width = pixels.shape[0] & ~1, pixels.shape[1] & ~1
    if height == 0 or width == 0:
        raise Unprocessable("the frame is less than two pixels wide or high")
    even = np.ascontiguousarray(pixels[:height, :width])
    return cv2.cvtColor(even, cv2.COLOR_BGR2YUV_I420).astype(np.uint8, copy=False)


def encode_i420(pixels: Planes, *, quality: int = QUALITY) -> bytes:
    """A JPEG file of limited-range BT.601 I420 planes. Blocks; any thread but the event loop."""
    return encode_jpeg(cv2.cvtColor(pixels, cv2.COLOR_YUV2BGR_I420).astype(np.uint8, copy=False), quality=quality)
