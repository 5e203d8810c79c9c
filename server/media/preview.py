"""Previews: a frame as a small JPEG file, for a glance while a video is being checked."""

import cv2
import numpy as np

from server.domain.frame import Frame, PixelLayout
from server.media.jpeg import QUALITY
from server.media.picture import encode_jpeg


def preview_jpeg(frame: Frame, *, max_width_px: int) -> bytes:
    """A JPEG file of the frame, scaled down to `max_width_px` where it is wider. Blocks; any thread but the event loop."""
    pixels = frame.pixels
    if frame.layout is PixelLayout.I420:
        pixels = cv2.cvtColor(pixels, cv2.COLOR_YUV2BGR_I420).astype(np.uint8, copy=False)
    if frame.width > max_width_px:
        size = (max_width_px, max(1, round(frame.height * max_width_px / frame.width)))
        pixels = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
    return encode_jpeg(pixels, quality=QUALITY)
