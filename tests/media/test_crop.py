"""Crops of pictures."""

import cv2
import numpy as np
import pytest

from server.domain.detection import Box
from server.media.crop import HEIGHT_PX, WIDTH_PX, crop, crop_jpeg

RED = (0, 0, 255)


@pytest.mark.parametrize("box", [(300, 200, 340, 220), (0, 0, 20, 10), (620, 470, 640, 480), (0, 0, 640, 480), (5, 5, 5, 5)])
def test_the_object_is_in_the_crop_and_keeps_its_form(box: Box) -> None:
    """Whatever the object's size and place, the crop has its fixed size and shows the object undistorted."""
    pixels = np.zeros((480, 640, 3), np.uint8)
    x1, y1, x2, y2 = (int(side) for side in box)
    pixels[y1:y2, x1:x2] = RED
    view = crop(pixels, box)
    assert view.shape == (HEIGHT_PX, WIDTH_PX, 3)
    rows, columns = np.nonzero(view[..., 2] > 128)
    if x2 - x1 > 0 and (x2 - x1, y2 - y1) != (640, 480):
        assert np.ptp(columns) / np.ptp(rows) == pytest.approx((x2 - x1) / (y2 - y1), rel=0.15)


def test_a_small_picture_is_shown_whole() -> None:
    """There are no surroundings to be had."""
    pixels = np.full((30, 40, 3), 200, np.uint8)
    assert (crop(pixels, (10, 10, 20, 20)) == 200).all()


def test_a_jpeg_becomes_a_jpeg() -> None:
    """The way from file to answer."""
    data = cv2.imencode(".jpg", np.full((480, 640, 3), 90, np.uint8))[1].tobytes()
    view = cv2.imdecode(np.frombuffer(crop_jpeg(data, (300, 200, 340, 220)), np.uint8), cv2.IMREAD_COLOR)
    assert view is not None
    assert view.shape == (HEIGHT_PX, WIDTH_PX, 3)
