"""The input is painted anew for each frame, in the same memory and with the same grey around it."""

import cv2
import numpy as np

from server.domain.frame import Frame, PixelLayout
from server.inference.canvas import KEPT_PIXELS, InputCanvas
from server.inference.letterbox import Letterbox
from tests.builders import make_frame
from tests.scenes import draw_firearm


def test_the_padding_stays_grey_from_frame_to_frame() -> None:
    """Only the place of the picture is painted."""
    canvas = InputCanvas(Letterbox.fit(width=64, height=36, imgsz=320))
    pixels = canvas.pixels

    for value in (10, 200):
        canvas.paint(make_frame(width=64, height=36, layout=PixelLayout.BGR, value=value))

        assert canvas.pixels is pixels
        assert (pixels[0, :6] == 114).all()
        assert (pixels[0, -6:] == 114).all()
        assert (pixels[0, 6:-6] == value).all()


def test_a_frame_of_the_inner_size_is_copied_as_it_is() -> None:
    """Without resizing not a pixel changes."""
    bgr = draw_firearm((320, 192)).bgr
    canvas = InputCanvas(Letterbox.fit(width=320, height=192, imgsz=320))

    canvas.paint(Frame(bgr, PixelLayout.BGR))

    assert np.array_equal(canvas.pixels[0], bgr)


def test_an_i420_frame_is_painted_in_the_same_colours() -> None:
    """Planes and BGR of one picture give the same input, but for the resolution of its colours."""
    bgr = draw_firearm((640, 480)).bgr
    i420 = np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2YUV_I420), np.uint8)
    letterbox = Letterbox.fit(width=640, height=480, imgsz=416)
    from_bgr, from_i420 = InputCanvas(letterbox), InputCanvas(letterbox)

    from_bgr.paint(Frame(bgr, PixelLayout.BGR))
    from_i420.paint(Frame(i420, PixelLayout.I420))

    assert np.abs(from_bgr.pixels.astype(int) - from_i420.pixels).mean() < 1.0


def test_the_memory_of_a_large_picture_s_colours_is_not_kept() -> None:
    """Full HD's stays for the next frame, that of a larger picture goes with the frame."""
    for width, height, kept in ((1920, 1080, True), (3840, 2160, False)):
        canvas = InputCanvas(Letterbox.fit(width=width, height=height, imgsz=320))
        canvas.paint(make_frame(width=width, height=height))

        assert (canvas._converted is not None) is kept
        assert (width * height <= KEPT_PIXELS) is kept
