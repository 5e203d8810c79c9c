"""Tests of pairing objects with detections."""

import itertools

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from server.pipeline.association import Boxes, assign, associate, iou_matrix

UNPAIRED = 4.0


def make_boxes(*xyxy: tuple[float, float, float, float], class_id: int = 0) -> Boxes:
    """Boxes of one class."""
    return Boxes(np.array(xyxy, np.float64).reshape(-1, 4), np.full(len(xyxy), class_id, np.int32))


def cheapest(costs: list[list[float | None]], columns: int) -> float:
    """The least cost of any pairing, by trying each."""
    best = float("inf")
    choices = [*range(columns), *([None] * len(costs))]
    for picked in set(itertools.permutations(choices, len(costs))):
        total = 0.0
        for row, column in zip(costs, picked, strict=True):
            price = None if column is None else row[column]
            total += UNPAIRED if column is None else float("inf") if price is None else price
        best = min(best, total)
    return best


@given(st.lists(st.lists(st.none() | st.integers(0, 200), min_size=3, max_size=3), min_size=1, max_size=4))
def test_no_pairing_is_cheaper_than_the_one_returned(grid: list[list[int | None]]) -> None:
    """The pairing is as good as the best found by trying all of them."""
    costs = [[None if price is None else price / 100 for price in row] for row in grid]
    edges = [[(column, price) for column, price in enumerate(row) if price is not None] for row in costs]
    pairs = assign(edges, columns=3)
    total = UNPAIRED * (len(costs) - len(pairs))
    for row, column in pairs:
        price = costs[row][column]
        assert price is not None
        total += price
    assert len({column for _, column in pairs}) == len(pairs)
    assert abs(total - cheapest(costs, 3)) < 1e-9


def test_a_detection_between_two_objects_goes_where_the_whole_fits_best() -> None:
    """An object gives its best detection up when another one has nothing else."""
    objects = make_boxes((0, 0, 100, 100), (20, 0, 120, 100))
    detections = make_boxes((15, 0, 115, 100), (60, 0, 160, 100))
    pairs = associate(objects, detections, gates_px=np.zeros(2), min_iou=0.3)
    assert pairs == [(0, 0), (1, 1)]


def test_boxes_that_do_not_overlap_pair_within_the_gate() -> None:
    """A small box that moved more than its size is found by distance."""
    pairs = associate(make_boxes((0, 0, 12, 12)), make_boxes((20, 0, 32, 12)), gates_px=np.array([25.0]), min_iou=0.1)
    assert pairs == [(0, 0)]


def test_boxes_beyond_the_gate_do_not_pair() -> None:
    """A box too far away is another object."""
    assert associate(make_boxes((0, 0, 12, 12)), make_boxes((30, 0, 42, 12)), gates_px=np.array([25.0]), min_iou=0.1) == []


def test_a_near_box_of_another_size_does_not_pair() -> None:
    """Distance alone pairs only boxes of like size."""
    assert associate(make_boxes((0, 0, 12, 12)), make_boxes((14, 0, 74, 60)), gates_px=np.array([99.0]), min_iou=0.3) == []


def test_classes_do_not_pair_with_each_other() -> None:
    """The same box in another class is another object."""
    box = (0.0, 0.0, 50.0, 50.0)
    assert associate(make_boxes(box), make_boxes(box, class_id=1), gates_px=np.array([99.0]), min_iou=0.1) == []


def test_boxes_without_area_overlap_nothing() -> None:
    """Intersection over union of empty boxes is 0, not a division by zero."""
    empty = make_boxes((5, 5, 5, 5)).xyxy
    assert iou_matrix(empty, empty)[0, 0] == 0


def test_overlap_is_intersection_over_union() -> None:
    """Two boxes that share a third of what they cover together have 1/3."""
    assert np.isclose(iou_matrix(make_boxes((0, 0, 10, 10)).xyxy, make_boxes((5, 0, 15, 10)).xyxy)[0, 0], 1 / 3)
