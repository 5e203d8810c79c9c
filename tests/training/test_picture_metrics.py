"""Tests of the figures of an input size: operating points, sizes, sources, pictures that show nothing, confusion."""

from pathlib import Path

import cv2
import pytest

from server.domain.detection import Box
from server.training.coco_metrics import CocoMetrics
from server.training.curves import write_curves
from server.training.metrics_file import PictureMetrics
from server.training.picture_metrics import best_point, measure
from tests.training.labelled import make_checked

A: Box = (10, 10, 50, 40)
B: Box = (200, 100, 260, 160)
ELSEWHERE: Box = (300, 10, 340, 40)
CHECKED = (
    make_checked([A, B], [(A, 0.9), (B, 0.3)], source="hall"),
    make_checked([], [(ELSEWHERE, 0.6), (B, 0.2)], source="street"),
    make_checked([], [], source="street"),
)


def figures(*, confidence: float = 0.4) -> PictureMetrics:
    """The figures of three pictures."""
    return measure(CHECKED, labels=("firearm",), imgsz=400, confidence=confidence, detector_ms=10)[0]


def test_the_default_confidence_tells_shown_from_not_shown() -> None:
    """One of two found and one false alarm at 0.4; both found and two at 0.2."""
    point = figures().default
    assert (point.found, point.missed, point.false_alarms) == (1, 1, 1)
    assert (point.precision, point.recall, point.f1) == (0.5, 0.5, 0.5)
    point = figures(confidence=0.2).default
    assert (point.found, point.missed, point.false_alarms) == (2, 0, 2)


def test_the_best_point_has_the_highest_f1() -> None:
    """At 0.3 both are found with one false alarm, F1 0.8; higher and lower are worse."""
    best = figures().best
    assert best.confidence == pytest.approx(0.3)
    assert best.f1 == pytest.approx(0.8)


def test_a_detector_that_says_nothing_has_a_best_point() -> None:
    """All is missed, and precision is unknown."""
    best = best_point(CocoMetrics([make_checked([A])], classes=1, imgsz=400).matches)
    assert (best.missed, best.precision, best.recall) == (1, None, 0)


def test_each_source_has_its_figures() -> None:
    """Where nothing is to be found there is no average, but a rate of false alarms."""
    hall, street = figures().by_source["hall"], figures().by_source["street"]
    assert (hall.pictures, hall.objects, hall.default.false_alarms, hall.empty_alarms_per_picture) == (1, 2, 0, None)
    assert (street.pictures, street.map50, street.default.recall, street.empty_alarms_per_picture) == (2, None, None, 0.5)


def test_pictures_that_show_nothing_are_counted() -> None:
    """One false alarm in one of two of them."""
    empty = figures().empty_pictures
    assert (empty.pictures, empty.with_false_alarms, empty.false_alarms, empty.false_alarms_per_picture) == (2, 1, 1, 0.5)


def test_recall_is_told_by_size() -> None:
    """The one of 40 px was found, the one of 60 px not at this confidence; both are in one group, no other has objects."""
    by_size = {one.from_px: (one.objects, one.recall) for one in figures().by_object_size}
    assert by_size == {0: (0, None), 16: (0, None), 32: (2, 0.5), 64: (0, None), 128: (0, None), 256: (0, None)}


def test_classes_are_confused_with_each_other_and_with_background() -> None:
    """Rows are what was there, columns what was shown; the last ones are background."""
    checked = make_checked(
        [A, B, (100, 200, 140, 240)], [(A, 0.9), (B, 0.8), (ELSEWHERE, 0.7)], box_class=[0, 1, 1], detected_class=[1, 1, 0]
    )
    metrics, _ = measure([checked], labels=("firearm", "person"), imgsz=400, confidence=0.4, detector_ms=10)
    assert metrics.confusion.classes == ["firearm", "person", "background"]
    assert metrics.confusion.counts == [[0, 1, 0], [0, 1, 1], [1, 0, 0]]


def test_curves_are_written_as_tables_and_pictures(tmp_path: Path) -> None:
    """Ninety-nine confidences, a row for each detection that found something, and two pictures that can be decoded."""
    matches = measure(CHECKED, labels=("firearm",), imgsz=400, confidence=0.4, detector_ms=10)[1]
    write_curves(matches, tmp_path, imgsz=400, confidence=0.4)
    confidence = (tmp_path / "confidence-400.csv").read_text().splitlines()
    assert confidence[0] == "confidence,precision,recall,f1,found,missed,false_alarms"
    assert confidence[40] == "0.4,0.5,0.5,0.5,1,1,1"
    assert len(confidence) == 100
    assert (tmp_path / "precision-recall-400.csv").read_text().splitlines() == [
        "recall,precision,confidence",
        "0.5,1.0,0.9",
        "1.0,0.66667,0.3",
    ]
    for name in ("confidence-400.png", "precision-recall-400.png"):
        picture = cv2.imread(str(tmp_path / name))
        assert picture is not None
        assert picture.shape[1] > 600
