"""Tests of the COCO metrics: figures that can be worked out by hand, and what the report relies on."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.domain.detection import Box
from server.training.coco_metrics import OBJECT_SIZES_PX, CheckedPicture, CocoMetrics
from server.training.picture_metrics import point_at
from tests.training.labelled import make_checked

A: Box = (10, 10, 50, 40)
B: Box = (200, 100, 260, 160)
ELSEWHERE: Box = (300, 10, 340, 40)


def shifted(box: Box, by_px: float) -> Box:
    """The box moved to the right."""
    return (box[0] + by_px, box[1], box[2] + by_px, box[3])


def coco(*checked: CheckedPicture, classes: int = 1, imgsz: int = 400) -> CocoMetrics:
    """Metrics of pictures that fill the input."""
    return CocoMetrics(checked, classes=classes, imgsz=imgsz)


def test_all_found_is_one() -> None:
    """Every box found exactly, nothing else shown."""
    metrics = coco(make_checked([A, B], [(A, 0.9), (B, 0.8)]))
    assert metrics.averages().map50 == pytest.approx(1)
    assert metrics.averages().map50_95 == pytest.approx(1)


def test_half_found_is_half() -> None:
    """With one of two found, precision is 1 up to recall 0.5 and 0 beyond: 51 of COCO's 101 points."""
    assert coco(make_checked([A, B], [(A, 0.9)])).averages().map50 == pytest.approx(51 / 101)


def test_a_surer_false_alarm_halves_precision() -> None:
    """The only box is found by the second detection: precision 1/2 at every recall."""
    assert coco(make_checked([A], [(ELSEWHERE, 0.9), (A, 0.5)])).averages().map50 == pytest.approx(0.5)


def test_a_loose_box_counts_at_some_overlaps_only() -> None:
    """Moved by 8 of 40 px a box overlaps by 2/3: right at 0.5, 0.55, 0.6 and 0.65, wrong at the six above."""
    averages = coco(make_checked([A], [(shifted(A, 8), 0.9)])).averages()
    assert averages.map50 == pytest.approx(1)
    assert averages.map50_95 == pytest.approx(0.4)


def test_a_second_detection_of_an_object_is_a_false_alarm() -> None:
    """One box is found once."""
    matches = coco(make_checked([A], [(A, 0.9), (shifted(A, 2), 0.8)])).matches
    assert matches.box.tolist() == [0, -1]


def test_nothing_to_find_has_no_average() -> None:
    """Pictures without objects have false alarms, but no precision over recall."""
    metrics = coco(make_checked([], [(A, 0.9)]))
    assert metrics.averages().map50 is None
    assert metrics.matches.box.tolist() == [-1]


def test_nothing_found_is_zero() -> None:
    """A detector that says nothing finds nothing."""
    metrics = coco(make_checked([A]))
    assert metrics.averages().map50 == 0
    assert metrics.matches.found_at.tolist() == [-1]


def test_some_pictures_have_their_own_average() -> None:
    """Indices pick them; the others neither help nor hurt."""
    metrics = coco(make_checked([A], [(A, 0.9)]), make_checked([B]))
    assert metrics.averages([0]).map50 == pytest.approx(1)
    assert metrics.averages([1]).map50 == 0


@pytest.mark.parametrize(("side", "group"), [(15.9, 0), (16, 1), (31.9, 1), (32, 2), (64, 3), (128, 4), (256, 5), (290, 5)])
def test_an_object_belongs_to_one_size(side: float, group: int) -> None:
    """By its longest side at input size, the lower end of a group included."""
    box = (5.0, 5.0, 5 + side, 15.0)
    by_size = coco(make_checked([box], [(box, 0.9)])).averages_by_size()
    assert [number for number, one in enumerate(by_size) if one.map50 is not None] == [group]
    assert len(by_size) == len(OBJECT_SIZES_PX)


def test_size_is_measured_in_the_input() -> None:
    """A box of 40 px in a picture of 400 is one of 80 px in an input of 800."""
    (longest_px,) = coco(make_checked([A]), imgsz=800).matches.longest_px.tolist()
    assert longest_px == pytest.approx(80)


def test_another_class_finds_nothing() -> None:
    """A detection counts for its own class only, unless classes do not matter."""
    metrics = coco(make_checked([A], [(A, 0.9)], detected_class=[1]), classes=2)
    assert metrics.matches.box.tolist() == [-1]
    assert metrics.matches_of_any_class.box.tolist() == [0]


def test_labels_over_the_edge_are_cut() -> None:
    """A detector cannot see what lies outside of the picture."""
    seen: Box = (380, 100, 400, 140)
    assert coco(make_checked([(380, 100, 440, 140)], [(seen, 0.9)])).averages().map50_95 == pytest.approx(1)


CORNERS = st.tuples(st.integers(0, 6), st.integers(0, 4)).map(lambda at: (at[0] * 12.0, at[1] * 12.0))
BOXES = CORNERS.map(lambda at: (at[0], at[1], at[0] + 40, at[1] + 40))
FOUND = st.lists(
    st.tuples(BOXES, st.sampled_from([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8])), max_size=8, unique_by=lambda one: one[1]
)


@given(boxes=st.lists(BOXES, max_size=4), found=FOUND, confidence=st.sampled_from([0.15, 0.35, 0.55]))
def test_a_higher_confidence_would_have_found_the_same(
    boxes: list[Box], found: list[tuple[Box, float]], confidence: float
) -> None:
    """What was matched among all detections is what would be matched if the weak ones had never been there."""
    everything = coco(make_checked(boxes, found)).matches
    strong = coco(make_checked(boxes, [one for one in found if one[1] >= confidence])).matches
    assert point_at(everything, confidence) == point_at(strong, confidence)
    assert np.array_equal(everything.found_at >= confidence, strong.found_at >= confidence)
