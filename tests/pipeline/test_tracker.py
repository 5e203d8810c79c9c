"""Tests of the tracker: ids that stay with their objects."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from server.domain.detection import Box, Detection, Detections
from server.pipeline.tracker import ByteTracker
from tests.builders import make_detections


def around(x: float, y: float, *, size: float = 40.0) -> Box:
    """A square box around a centre."""
    return (x - size / 2, y - size / 2, x + size / 2, y + size / 2)


def ids(shown: Sequence[Detection]) -> list[int | None]:
    """The ids of what is shown, from left to right."""
    return [one.track_id for one in sorted(shown, key=lambda one: one.xyxy[0])]


def follow(path: Callable[[float], Sequence[Box]], *, fps: float, seconds: float) -> list[list[Detection]]:
    """What a tracker shows of boxes that move along a path, at a steady frame rate."""
    tracker = ByteTracker()
    times = np.arange(0, seconds, 1 / fps)
    return [tracker.update(make_detections(path(t)), confidence=0.4, time_s=float(t)) for t in times]


def test_an_object_shows_in_its_first_frame_with_id_1() -> None:
    """A confident detection is shown at once, as it was detected."""
    shown = ByteTracker().update(make_detections([(10, 20, 30, 40)], confidence=[0.75]), confidence=0.4, time_s=5.0)
    assert shown == [Detection((10, 20, 30, 40), 0.75, 0, track_id=1)]


def test_each_tracker_counts_from_1() -> None:
    """Ids belong to a stream."""
    for _ in range(2):
        assert ids(ByteTracker().update(make_detections(), confidence=0.4, time_s=0.0)) == [1]


def test_nothing_detected_shows_nothing() -> None:
    """A stream without objects shows none."""
    tracker = ByteTracker()
    assert tracker.update(Detections.empty(), confidence=0.4, time_s=0.0) == []
    assert tracker.update(Detections.empty(), confidence=0.4, time_s=0.1) == []


@pytest.mark.parametrize("fps", [5, 12, 30, 60])
def test_crossing_objects_keep_their_ids(fps: float) -> None:
    """Two objects that walk through each other come out with the ids they had."""
    shown = follow(lambda t: [around(100 + 120 * t, 100), around(460 - 120 * t, 130)], fps=fps, seconds=3)
    assert ids(shown[0]) == [1, 2]
    assert ids(shown[-1]) == [2, 1]
    assert {one.track_id for frame in shown for one in frame} == {1, 2}


@pytest.mark.parametrize("fps", [4, 10, 30, 60])
def test_an_object_keeps_its_id_at_any_frame_rate(fps: float) -> None:
    """What counts is time, not the number of frames."""
    shown = follow(lambda t: [around(60 + 150 * t, 100 + 40 * np.sin(3 * t))], fps=fps, seconds=4)
    assert {one.track_id for frame in shown for one in frame} == {1}


def test_an_object_keeps_its_id_while_the_frame_rate_varies() -> None:
    """Frames that come when they please do not break a track."""
    random = np.random.default_rng(7)
    tracker, time_s, seen = ByteTracker(), 0.0, set()
    for _ in range(120):
        time_s += float(random.choice([0.017, 0.033, 0.1, 0.2]))
        seen |= set(ids(tracker.update(make_detections([around(100 + 90 * time_s, 80)]), confidence=0.4, time_s=time_s)))
    assert seen == {1}


@pytest.mark.parametrize("size", [10, 16, 25])
def test_a_small_box_that_moves_more_than_its_size_keeps_its_id(size: float) -> None:
    """A firearm of few pixels in a fast hand stays one object."""
    speed = 30 * (size + 5)
    shown = follow(lambda t: [around(50 + speed * t, 100, size=size)], fps=30, seconds=1)
    assert {one.track_id for frame in shown for one in frame} == {1}


def test_a_small_box_that_swings_back_and_forth_keeps_its_id() -> None:
    """A hand that turns round does not lose what it holds."""
    shown = follow(lambda t: [around(300 + 80 * np.sin(6 * t), 200, size=18)], fps=15, seconds=3)
    assert {one.track_id for frame in shown for one in frame} == {1}


@pytest.mark.parametrize("size", [16, 40, 150])
def test_noisy_boxes_keep_their_ids(size: float) -> None:
    """Boxes that tremble by a tenth of their size do not change ids."""
    random = np.random.default_rng(3)

    def path(t: float) -> list[Box]:
        jitter = random.normal(0, 0.1 * size, (2, 2))
        return [around(200 + 50 * t + jitter[0, 0], 200 + jitter[0, 1], size=size), around(600 + jitter[1, 0], 200, size=size)]

    assert {one.track_id for frame in follow(path, fps=25, seconds=4) for one in frame} == {1, 2}


def test_many_objects_keep_their_ids() -> None:
    """A hundred objects on the move are a hundred ids."""
    random = np.random.default_rng(1)
    starts = [(x, y) for x in range(60, 1260, 120) for y in range(40, 640, 60)]
    speeds = random.normal(0, 15, (len(starts), 2))

    def path(t: float) -> list[Box]:
        return [around(x + vx * t, y + vy * t) for (x, y), (vx, vy) in zip(starts, speeds, strict=True)]

    shown = follow(path, fps=15, seconds=1.5)
    assert {one.track_id for frame in shown for one in frame} == set(range(1, len(starts) + 1))


def test_a_short_miss_shows_the_object_predicted_and_keeps_its_id() -> None:
    """For 0.3 s an object that is missing stands where it is expected, then it is not shown, then it is back."""
    tracker = ByteTracker()
    for frame in range(10):
        tracker.update(make_detections([around(100 + 5 * frame, 100)]), confidence=0.4, time_s=frame * 0.05)
    missing = tracker.update(Detections.empty(), confidence=0.4, time_s=0.6)
    assert [(one.track_id, one.predicted) for one in missing] == [(1, True)]
    assert 150 < (missing[0].xyxy[0] + missing[0].xyxy[2]) / 2 < 165
    assert tracker.update(Detections.empty(), confidence=0.4, time_s=0.76) == []
    back = tracker.update(make_detections([around(175, 100)]), confidence=0.4, time_s=0.9)
    assert [(one.track_id, one.predicted) for one in back] == [(1, False)]


def test_an_object_unseen_for_more_than_a_second_is_a_new_one() -> None:
    """A track is lost after a second; its id is not used again."""
    tracker = ByteTracker()
    tracker.update(make_detections(), confidence=0.4, time_s=0.0)
    assert ids(tracker.update(make_detections(), confidence=0.4, time_s=1.1)) == [2]


def test_an_object_left_behind_by_another_is_not_taken_for_it() -> None:
    """A new object far from where one vanished gets an id of its own."""
    tracker = ByteTracker()
    tracker.update(make_detections([around(100, 100)]), confidence=0.4, time_s=0.0)
    shown = tracker.update(make_detections([around(400, 300)]), confidence=0.4, time_s=0.1)
    assert [one.track_id for one in shown if not one.predicted] == [2]


def test_classes_do_not_mix() -> None:
    """Two classes in the same place are two objects, and each keeps its own id."""
    tracker = ByteTracker()
    box = around(100, 100)
    for frame in range(5):
        both = make_detections([box, box], confidence=[0.9, 0.8], class_id=[frame % 2, 1 - frame % 2])
        shown = tracker.update(both, confidence=0.4, time_s=frame / 10)
        assert {(one.class_id, one.track_id) for one in shown} == {(0, 1), (1, 2)}


def test_a_weak_detection_begins_nothing() -> None:
    """Only a confident detection makes a new object."""
    tracker = ByteTracker()
    for frame in range(5):
        assert tracker.update(make_detections(confidence=[0.3]), confidence=0.4, time_s=frame / 10) == []


def test_a_weak_detection_keeps_a_known_object_alive() -> None:
    """An object that is seen only weakly for two seconds is the same one when it is clear again."""
    tracker = ByteTracker()
    tracker.update(make_detections([around(100, 100)]), confidence=0.4, time_s=0.0)
    shown: list[Detection] = []
    for frame in range(1, 21):
        weak = make_detections([around(100 + 4 * frame, 100)], confidence=[0.2])
        shown = tracker.update(weak, confidence=0.4, time_s=frame / 10)
        assert all(one.predicted for one in shown)
    assert shown == []
    assert ids(tracker.update(make_detections([around(184, 100)]), confidence=0.4, time_s=2.1)) == [1]


def test_a_predicted_object_follows_its_weak_detection() -> None:
    """While a weak detection says where the object is, it is shown there."""
    tracker = ByteTracker()
    tracker.update(make_detections([around(100, 100)], confidence=[0.8]), confidence=0.4, time_s=0.0)
    (shown,) = tracker.update(make_detections([around(110, 100)], confidence=[0.2]), confidence=0.4, time_s=0.05)
    assert shown.predicted
    assert shown.confidence == pytest.approx(0.8)
    assert 106 < (shown.xyxy[0] + shown.xyxy[2]) / 2 <= 110


def test_raising_the_confidence_hides_what_is_below_at_once() -> None:
    """In the next frame nothing weaker than the new confidence is shown, predicted or not."""
    tracker = ByteTracker()
    both = make_detections([around(100, 100), around(300, 100)], confidence=[0.9, 0.5])
    assert ids(tracker.update(both, confidence=0.4, time_s=0.0)) == [1, 2]
    assert ids(tracker.update(both, confidence=0.6, time_s=0.03)) == [1]
    assert ids(tracker.update(Detections.empty(), confidence=0.6, time_s=0.06)) == [1]


def test_lowering_the_confidence_shows_what_is_above_at_once_with_its_old_id() -> None:
    """An object that was hidden by the confidence is still known."""
    tracker = ByteTracker()
    one = make_detections(confidence=[0.5])
    tracker.update(one, confidence=0.4, time_s=0.0)
    for frame in range(1, 20):
        assert tracker.update(one, confidence=0.6, time_s=frame / 10) == []
    assert ids(tracker.update(one, confidence=0.4, time_s=2.0)) == [1]


def test_a_detection_at_the_confidence_is_shown() -> None:
    """The limit itself is enough."""
    assert ids(ByteTracker().update(make_detections(confidence=[0.4]), confidence=0.4, time_s=0.0)) == [1]


def test_a_double_box_that_vanishes_leaves_no_predicted_one_on_top() -> None:
    """Where an object is detected, no second one is predicted over it."""
    tracker = ByteTracker()
    tracker.update(make_detections([around(100, 100), around(106, 100)]), confidence=0.4, time_s=0.0)
    assert ids(tracker.update(make_detections([around(101, 100)]), confidence=0.4, time_s=0.03)) == [1]


def test_what_is_shown_comes_by_falling_confidence_and_detected_first() -> None:
    """The surest comes first."""
    tracker = ByteTracker()
    boxes = [around(100, 100), around(200, 100), around(300, 100)]
    tracker.update(make_detections(boxes, confidence=[0.5, 0.9, 0.7]), confidence=0.4, time_s=0.0)
    shown = tracker.update(make_detections([boxes[0], boxes[2]], confidence=[0.5, 0.7]), confidence=0.4, time_s=0.03)
    assert [(one.track_id, one.predicted) for one in shown] == [(3, False), (1, False), (2, True)]


@pytest.mark.parametrize("broken", [(np.nan, 0, 10, 10), (0, 0, np.inf, 10), (-np.inf, -np.inf, np.inf, np.inf)])
def test_boxes_that_are_not_finite_are_left_out(broken: Box) -> None:
    """A broken box neither shows nor harms the others."""
    found = make_detections([broken, around(100, 100)])
    tracker = ByteTracker()
    for frame in range(3):
        assert ids(tracker.update(found, confidence=0.4, time_s=frame / 30)) == [1]


@pytest.mark.parametrize("box", [(50, 50, 50, 50), (60, 60, 50, 50)])
def test_boxes_without_area_are_followed(box: Box) -> None:
    """A degenerate box is an object like any other."""
    tracker = ByteTracker()
    for frame in range(3):
        assert ids(tracker.update(make_detections([box]), confidence=0.4, time_s=frame / 30)) == [1]


def test_a_confidence_that_is_no_number_is_not_shown() -> None:
    """A detection without a confidence is no detection."""
    assert ByteTracker().update(make_detections(confidence=[np.nan]), confidence=0.0, time_s=0.0) == []


def test_two_frames_of_the_same_time_keep_their_ids() -> None:
    """No time passes, nothing moves."""
    tracker = ByteTracker()
    for _ in range(3):
        assert ids(tracker.update(make_detections(), confidence=0.4, time_s=1.0)) == [1]


def test_time_that_steps_back_a_little_keeps_ids() -> None:
    """A clock that trembles does not break a track."""
    tracker = ByteTracker()
    for time_s in (1.0, 1.03, 1.01, 1.05):
        assert ids(tracker.update(make_detections(), confidence=0.4, time_s=time_s)) == [1]


def test_time_that_jumps_back_starts_anew() -> None:
    """A source that starts again shows new objects with new ids."""
    tracker = ByteTracker()
    tracker.update(make_detections(), confidence=0.4, time_s=100.0)
    assert ids(tracker.update(make_detections(), confidence=0.4, time_s=0.0)) == [2]
    assert ids(tracker.update(make_detections(), confidence=0.4, time_s=0.03)) == [2]


def test_noise_that_changes_every_frame_does_not_pile_up() -> None:
    """Known objects are bounded, and those in the picture keep their ids while others are forgotten."""
    random = np.random.default_rng(5)
    tracker = ByteTracker()
    steady = around(50, 50)
    for frame in range(12):
        noise = [around(float(x), float(y), size=6) for x, y in random.uniform(200, 4000, (299, 2))]
        shown = tracker.update(make_detections([steady, *noise]), confidence=0.4, time_s=frame / 30)
        assert next(one for one in shown if one.xyxy == steady).track_id == 1
    assert len(tracker._tracks.id) <= 400 + 300


def test_an_object_keeps_its_id_when_its_sender_scales_the_picture_down() -> None:
    """A browser halves its camera's picture: everything is where it was, at half the coordinates."""
    tracker = ByteTracker()
    tracker.update(make_detections([(100, 100, 140, 140), (500, 100, 540, 140)]), confidence=0.4, time_s=0.0)
    tracker.resize((480, 640), (240, 320))
    halved = tracker.update(make_detections([(50, 50, 70, 70), (250, 50, 270, 70)]), confidence=0.4, time_s=0.1)
    assert ids(halved) == [1, 2]


def test_what_is_expected_is_scaled_too() -> None:
    """An object that is missing in the first smaller picture is shown in its place."""
    tracker = ByteTracker()
    tracker.update(make_detections([(100, 100, 140, 140)]), confidence=0.4, time_s=0.0)
    tracker.resize((480, 640), (240, 320))
    (missing,) = tracker.update(Detections.empty(), confidence=0.4, time_s=0.1)
    assert missing.predicted
    assert missing.xyxy == pytest.approx((50, 50, 70, 70), abs=0.01)


def test_a_picture_that_is_turned_begins_anew() -> None:
    """What was where says nothing any more."""
    tracker = ByteTracker()
    tracker.update(make_detections([(100, 100, 140, 140)]), confidence=0.4, time_s=0.0)
    tracker.resize((480, 640), (640, 480))
    assert tracker.update(Detections.empty(), confidence=0.4, time_s=0.1) == []
