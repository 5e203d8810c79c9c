"""Crops: an object of a picture with its surroundings, enlarged."""

import cv2

from server.domain.detection import Box
from server.media.picture import Pixels, decode, encode_jpeg, probe

# So much of the surroundings that a person sees what the object belongs to.
SURROUNDINGS = 3.0
LEAST_PX = 48
WIDTH_PX, HEIGHT_PX = 400, 300
# The pictures are our own; a header that claims more is damaged.
_MOST_PIXELS = 64_000_000


def crop_jpeg(data: bytes, xyxy: Box) -> bytes:
    """A JPEG of 400 x 300 pixels around a box, given in pixels of the JPEG `data`.

    Blocks: never on the event loop. Raises Unprocessable for a damaged picture.
    """
    return encode_jpeg(crop(decode(data, probe(data, max_pixels=_MOST_PIXELS)), xyxy))


def crop(pixels: Pixels, xyxy: Box) -> Pixels:
    """The same of BGR pixels `(h, w, 3) uint8`; at the picture's edge the view moves inwards."""
    height, width = pixels.shape[:2]
    x1, y1, x2, y2 = xyxy
    wide = max(SURROUNDINGS * (x2 - x1), SURROUNDINGS * (y2 - y1) * WIDTH_PX / HEIGHT_PX, LEAST_PX)
    view_width = min(wide, width, height * WIDTH_PX / HEIGHT_PX)
    view_height = view_width * HEIGHT_PX / WIDTH_PX
    left = round(min(max((x1 + x2 - view_width) / 2, 0), width - view_width))
    top = round(min(max((y1 + y2 - view_height) / 2, 0), height - view_height))
    view = pixels[top : top + max(1, round(view_height)), left : left + max(1, round(view_width))]
    return cv2.resize(view, (WIDTH_PX, HEIGHT_PX), interpolation=cv2.INTER_CUBIC).astype(pixels.dtype, copy=False)
