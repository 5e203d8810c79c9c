"""Of overlapping boxes of one class only the surest stays, where they lie on average if that is asked for."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from server.inference.nms import MAX_DETECTIONS, VOTER_SHARE, suppress, vote


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


def placed(
    boxes: Sequence[Sequence[float]], confidence: list[float], *, classes: list[int], iou: float = 0.7
) -> list[list[float]]:
    """Where the boxes lie that stay."""
    xyxy, ids = np.array(boxes, np.float32).reshape(-1, 4), np.array(classes, np.int32)
    sure = np.array(confidence, np.float32)
    stay = suppress(xyxy, sure, class_id=ids, iou=iou)
    return [[float(side) for side in box] for box in vote(xyxy, sure, class_id=ids, kept=stay, iou=iou)]


class TestVoting:
    """A box that stays lies where all lie that show the same."""

    ONE = (0.0, 0.0, 100.0, 100.0)
    NEAR = (4.0, 0.0, 104.0, 100.0)

    def test_boxes_of_one_object_are_averaged(self) -> None:
        """Whichever of them was the surest."""
        assert placed([self.ONE, self.NEAR], [0.5, 0.8], classes=[0, 0]) == [[2, 0, 102, 100]]

    def test_a_box_that_shows_another_part_has_no_vote(self) -> None:
        """It overlaps enough to go, and too little to be the same."""
        assert placed([self.ONE, (15, 0, 115, 100)], [0.8, 0.5], classes=[0, 0]) == [list(self.ONE)]

    def test_a_box_that_is_hardly_sure_has_no_vote(self) -> None:
        """A share of the confidence of the one that stays decides."""
        least = 0.8 * VOTER_SHARE

        assert placed([self.ONE, self.NEAR], [0.8, least - 0.01], classes=[0, 0]) == [list(self.ONE)]
        assert placed([self.ONE, self.NEAR], [0.8, least + 0.01], classes=[0, 0]) == [[2, 0, 102, 100]]

    def test_a_box_of_another_class_has_no_vote(self) -> None:
        """A firearm does not move the person who holds it."""
        assert placed([self.ONE, self.NEAR], [0.8, 0.5], classes=[0, 1]) == [list(self.ONE), list(self.NEAR)]

    def test_boxes_that_stay_side_by_side_keep_their_places(self) -> None:
        """Who lets boxes overlap more gets each where it was."""
        assert placed([self.ONE, self.NEAR], [0.8, 0.5], classes=[0, 0], iou=0.95) == [list(self.ONE), list(self.NEAR)]

    def test_a_box_without_an_area_stays_where_it_is(self) -> None:
        """What overlaps nothing, itself neither, has its own vote."""
        assert placed([(7, 7, 7, 9), self.ONE], [0.8, 0.5], classes=[0, 0]) == [[7, 7, 7, 9], list(self.ONE)]

    def test_nothing_has_no_place(self) -> None:
        """An empty picture is no special case."""
        assert placed([], [], classes=[]) == []
