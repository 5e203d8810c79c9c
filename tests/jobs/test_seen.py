"""What was seen so far: parts that get longer, the best of each, and no more classes than fit."""

from dataclasses import replace

import numpy as np

from server.domain.detection import Detection
from server.domain.frame import Frame, PixelLayout
from server.jobs.seen import FIRST_PART_S, MOST_CLASSES, MOST_PARTS, NotingAnnotator, SeenParts
from server.pipeline.annotator import BoxAnnotator

FIREARM = Detection((10, 10, 50, 40), 0.5, 0)


def parts_of(seen: SeenParts) -> tuple[int, ...]:
    """The parts of the only class."""
    (one,) = seen.snapshot().classes
    return one.percent


def test_nothing_seen_is_no_class() -> None:
    """Before anything is seen there is no strip."""
    assert SeenParts(["firearm"]).snapshot().classes == ()


def test_the_best_of_each_part_stays() -> None:
    """Each part has the best confidence of its frames, in percent, and 0 where nothing was seen."""
    seen = SeenParts(["firearm"])
    for time_s, confidence in ((0.0, 0.5), (0.05, 0.91), (0.09, 0.7), (0.31, 0.6)):
        seen.note([replace(FIREARM, confidence=confidence)], time_s=time_s)
    snapshot = seen.snapshot()
    assert snapshot.part_s == FIRST_PART_S
    assert snapshot.classes[0].name == "firearm"
    assert parts_of(seen) == (91, 0, 0, 60)


def test_what_only_the_tracker_expects_does_not_count() -> None:
    """A predicted box is no sighting."""
    seen = SeenParts(["firearm"])
    seen.note([replace(FIREARM, predicted=True)], time_s=1)
    assert seen.snapshot().classes == ()


def test_a_long_video_has_longer_parts() -> None:
    """However long it is there are at most so many parts, and what was seen stays at its time."""
    seen = SeenParts(["firearm"])
    seen.note([replace(FIREARM, confidence=0.8)], time_s=100)
    seen.note([FIREARM], time_s=7199)
    snapshot, parts = seen.snapshot(), parts_of(seen)
    assert len(parts) <= MOST_PARTS
    assert {index: part for index, part in enumerate(parts) if part} == {
        int(100 / snapshot.part_s): 80,
        int(7199 / snapshot.part_s): 50,
    }


def test_many_classes_are_cut_off() -> None:
    """The first so many classes have a strip; more would fill the event stream."""
    seen = SeenParts([f"class {index}" for index in range(80)])
    seen.note([replace(FIREARM, class_id=index) for index in range(80)], time_s=0)
    assert [one.class_id for one in seen.snapshot().classes] == list(range(MOST_CLASSES))


def test_the_annotator_notes_what_it_draws() -> None:
    """It draws as the one that it stands before, at the frame's own time."""
    seen = SeenParts(["firearm"])
    frame = Frame(np.zeros((72, 64, 3), np.uint8), PixelLayout.BGR, pts_s=0.25)
    annotator = BoxAnnotator(["firearm"])
    drawn = NotingAnnotator(annotator, seen).annotate(frame, [FIREARM])
    assert np.array_equal(drawn.pixels, annotator.annotate(frame, [FIREARM]).pixels)
    assert parts_of(seen) == (0, 0, 50)
