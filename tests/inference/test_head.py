"""The layout of a model's output is recognised by its shape, and detections are read from it."""

import numpy as np
import pytest

from server.domain.detection import DetectOptions
from server.domain.errors import ModelError
from server.inference.head import Head
from server.inference.letterbox import Letterbox
from tests.inference.tiny_models import ROWS, end_to_end_output, raw_output

SAME_SIZE = Letterbox.fit(width=320, height=320, imgsz=320)


@pytest.mark.parametrize(
    ("shape", "classes", "head"),
    [
        ((1, 84, 8400), 80, Head.RAW),
        ((1, 84, None), 80, Head.RAW),
        ((None, 5, None), 1, Head.RAW),
        ((1, 6, 2100), 2, Head.RAW),
        ((1, 300, 6), 80, Head.END_TO_END),
        ((1, None, 6), 1, Head.END_TO_END),
    ],
)
def test_a_detector_is_recognised(shape: tuple[int | None, ...], classes: int, head: Head) -> None:
    """Raw and end-to-end outputs are told apart, dynamic or not."""
    assert Head.of(shape, classes=classes) is head


@pytest.mark.parametrize(
    ("shape", "reason"),
    [
        ((1, 25200, 85), "YOLOv5"),
        ((1, 1000), "not that of a YOLOv8 detector"),
        ((1, 116, 8400), "does not fit 80 classes"),
        ((4, 84, 8400), "not that of a YOLOv8 detector"),
        ((), "not that of a YOLOv8 detector"),
    ],
)
def test_another_output_is_refused_with_its_reason(shape: tuple[int | None, ...], reason: str) -> None:
    """A model that cannot be read says why."""
    with pytest.raises(ModelError, match=reason):
        Head.of(shape, classes=80)


@pytest.mark.parametrize(("head", "output"), [(Head.RAW, raw_output()), (Head.END_TO_END, end_to_end_output())])
class TestReading:
    """Both heads say the same in their own way."""

    def test_boxes_confidence_and_class_are_read(self, head: Head, output: np.ndarray) -> None:
        """Each row comes out as a detection."""
        detections = head.read(output, letterbox=SAME_SIZE, options=DetectOptions(confidence=0.25, iou=0.7))

        assert [(*found.xyxy, round(found.confidence, 3), found.class_id) for found in detections] == [
            tuple(row) for row in ROWS
        ]

    def test_what_is_not_sure_enough_is_left_out(self, head: Head, output: np.ndarray) -> None:
        """The confidence asked for decides."""
        detections = head.read(output, letterbox=SAME_SIZE, options=DetectOptions(confidence=0.7, iou=0.7))

        assert detections.class_id.tolist() == [0]

    def test_only_the_wanted_classes_are_read(self, head: Head, output: np.ndarray) -> None:
        """A class filter picks detections."""
        options = DetectOptions(confidence=0.25, iou=0.7, classes=frozenset({1}))

        assert head.read(output, letterbox=SAME_SIZE, options=options).class_id.tolist() == [1]

    def test_an_empty_class_filter_reads_nothing(self, head: Head, output: np.ndarray) -> None:
        """No class wanted, nothing found."""
        options = DetectOptions(confidence=0.25, iou=0.7, classes=frozenset())

        assert len(head.read(output, letterbox=SAME_SIZE, options=options)) == 0

    def test_the_result_does_not_live_in_the_output(self, head: Head, output: np.ndarray) -> None:
        """The engine may write its next output into the same memory."""
        memory = output.copy()
        detections = head.read(memory, letterbox=SAME_SIZE, options=DetectOptions(confidence=0.25, iou=0.7))
        before = detections.xyxy.copy()
        memory[:] = 0

        assert np.array_equal(detections.xyxy, before)
        assert detections.confidence[0] == pytest.approx(0.9)
