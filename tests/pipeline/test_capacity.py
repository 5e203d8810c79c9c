"""How many live streams fit."""

from dataclasses import replace

import pytest

from server.pipeline.capacity import Capacity, planned_capacity, present_capacity
from server.pipeline.freshness import AgeMeter
from server.pipeline.stats import StreamStats

NONE = AgeMeter().stats()
STREAM = StreamStats(300, 250, 50, 50, 0, 30.0, 5.0, 20.0, 640, 480, age=NONE, box_age=NONE)
FOUR = Capacity(4, "measured")


@pytest.mark.parametrize(
    ("detections_fps", "max_sessions", "expected"),
    [
        (70, None, Capacity(8, "measured")),
        (70, 20, Capacity(8, "measured")),
        (70, 3, Capacity(3, "max_sessions")),
        (2, None, Capacity(1, "measured")),
        (2, 1, Capacity(1, "max_sessions")),
    ],
)
def test_the_measured_rate_is_shared_out(detections_fps: float, max_sessions: int | None, expected: Capacity) -> None:
    """Each stream gets its rate out of the detector's share; the setting only lowers it, and one stream always fits."""
    assert planned_capacity(detections_fps, min_fps=5, max_sessions=max_sessions) == expected


def test_a_lower_rate_for_each_makes_room_for_more() -> None:
    """The operator trades detections for streams."""
    assert planned_capacity(70, min_fps=1, max_sessions=None).sessions == 42


def test_streams_that_get_enough_leave_the_plan_alone() -> None:
    """Rates vary a little from second to second."""
    streams = [STREAM, replace(STREAM, processed_fps=4.2)]
    assert present_capacity(FOUR, active=2, streams=streams, min_fps=5) == FOUR


def test_no_stream_is_taken_on_top_of_those_that_get_too_little() -> None:
    """The machine turned out slower than measured: what runs is all that fits."""
    streams = [replace(STREAM, processed_fps=3.0)] * 2
    assert present_capacity(FOUR, active=2, streams=streams, min_fps=5) == Capacity(2, "streams_short")


def test_a_slow_camera_gets_all_that_it_sends() -> None:
    """Three frames a second are no sign of a slow detector when no more were sent."""
    slow = replace(STREAM, received=30, received_fps=3.0, processed_fps=3.0)
    assert present_capacity(FOUR, active=1, streams=[slow], min_fps=5) == FOUR


def test_a_stream_that_has_just_begun_says_nothing() -> None:
    """Its rates are those of seconds in which it was not there."""
    fresh = replace(STREAM, received=30, received_fps=15.0, processed_fps=1.0)
    assert present_capacity(FOUR, active=1, streams=[fresh], min_fps=5) == FOUR


def test_a_stream_without_video_says_nothing() -> None:
    """A publisher that pauses leaves the room as it is."""
    silent = replace(STREAM, received_fps=0.0, processed_fps=0.0)
    assert present_capacity(FOUR, active=1, streams=[silent], min_fps=5) == FOUR


def test_a_full_server_stays_as_full_as_planned() -> None:
    """Streams that get too little do not make the number smaller than those that run."""
    streams = [replace(STREAM, processed_fps=1.0)] * 4
    assert present_capacity(FOUR, active=4, streams=streams, min_fps=5) == FOUR
