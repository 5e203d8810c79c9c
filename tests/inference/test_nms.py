"""Of overlapping boxes of one class only the surest stays."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from server.inference.nms import MAX_DETECTIONS, suppress


def kept(boxes: Sequence[Sequence[float]], confidence: list[float], *, classes: list[int], iou: float = 0.7) -> list[int]:
    """The indices of the boxes that stay."""
    xyxy = np.array(boxes, np.float32).reshape(-1, 4)
    stay = suppress(xyxy, np.array(confidence, np.float32), class_id=np.array(classes, np.int32), iou=iou)
    return [int(index) for index in stay]


def test_the_surer_of_two_overlapping_boxes_stays() -> None:
    """Two boxes around one object become one."""
    assert kept([[0, 0, 100, 100], [5, 0, 105, 100]], [0.5, 0.8], classes=[0, 0]) == [1]


def test_overlapping_boxes_of_two_classes_both_stay() -> None:
    """A person who holds a firearm does not hide it."""
    assert kept([[0, 0, 100, 100], [5, 0, 105, 100]], [0.5, 0.8], classes=[0, 1]) == [1, 0]


def test_boxes_that_overlap_less_than_the_limit_both_stay() -> None:
    """The limit decides."""
    half = [[0, 0, 100, 100], [50, 0, 150, 100]]

    assert kept(half, [0.5, 0.8], classes=[0, 0], iou=0.7) == [1, 0]
    assert kept(half, [0.5, 0.8], classes=[0, 0], iou=0.3) == [1]


def test_boxes_come_out_by_falling_confidence() -> None:
    """The surest box is first."""
    assert kept([[0, 0, 9, 9], [20, 0, 29, 9], [40, 0, 49, 9]], [0.3, 0.9, 0.6], classes=[0, 0, 0]) == [1, 2, 0]


def test_no_boxes_give_no_boxes() -> None:
    """An empty picture is no special case."""
    assert kept([], [], classes=[]) == []


def test_one_box_stays() -> None:
    """A single box has nothing to overlap with."""
    assert kept([[0, 0, 9, 9]], [0.3], classes=[0]) == [0]


def test_very_many_boxes_are_bounded() -> None:
    """A caller who asks for confidence 0 gets the surest ones."""
    random = np.random.default_rng(1)
    corner: npt.NDArray[np.float32] = random.uniform(0, 5000, (20_000, 2)).astype(np.float32)
    boxes, confidence = np.concatenate([corner, corner + 10], axis=1), random.uniform(0, 1, 20_000).astype(np.float32)

    stay = suppress(boxes, confidence, class_id=np.zeros(20_000, np.int32), iou=0.7)

    assert len(stay) == MAX_DETECTIONS
    assert confidence[stay[0]] == confidence.max()
    assert (np.diff(confidence[stay]) <= 0).all()
