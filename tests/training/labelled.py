"""Builders for evaluation: pictures whose boxes and detections are given in pixels."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from server.domain.detection import Box
from server.training.coco_metrics import CheckedPicture
from server.training.labelled_pictures import UNKNOWN_SOURCE, LabelledPicture
from tests.builders import make_detections

WIDTH, HEIGHT = 400, 300


def make_checked(
    boxes: Sequence[Box] = (),
    detected: Sequence[tuple[Box, float]] = (),
    *,
    box_class: Sequence[int] | None = None,
    detected_class: Sequence[int] | None = None,
    source: str = UNKNOWN_SOURCE,
) -> CheckedPicture:
    """A checked picture of 400x300 pixels; all is of class 0 if nothing else is said."""
    fractions = np.array(boxes, np.float64).reshape(-1, 4) / np.array([WIDTH, HEIGHT, WIDTH, HEIGHT])
    classes = np.array([0] * len(boxes) if box_class is None else box_class, np.int32)
    found = make_detections(
        [box for box, _ in detected], confidence=[confidence for _, confidence in detected], class_id=detected_class
    )
    return CheckedPicture(LabelledPicture(Path("drawn.png"), fractions, classes, source), (HEIGHT, WIDTH), found)
