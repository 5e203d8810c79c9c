"""Tests of the alert rule: N of M frames on one track, told once."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.alerts.rules import AlertRule, AlertWatch
from server.domain.detection import Detection
from server.domain.errors import InvalidRequest


def seen(track_id: int | None = 1, *, confidence: float = 0.9, predicted: bool = False) -> Detection:
    """A tracked object."""
    return Detection((10, 10, 30, 20), confidence, 0, track_id, predicted)


def told(watch: AlertWatch, objects: Sequence[Detection], *, time_s: float) -> list[int | None]:
    """The tracks that are told of at a time, in a frame of 100 by 100 pixels."""
    return [met.detection.track_id for met in watch.update(objects, time_s=time_s, width=100, height=100)]


def alert_frames(pattern: str, *, rule: AlertRule, fps: float = 10.0, start_s: float = 0.0) -> list[int]:
    """In which frames one track alerts; `x` is a sighting, `?` one that was predicted, `w` a weak one, `.` nothing."""
    watch = AlertWatch(rule)
    objects = {"x": [seen()], "?": [seen(predicted=True)], "w": [seen(confidence=0.39)], ".": []}
    return [number for number, sign in enumerate(pattern) if told(watch, objects[sign], time_s=start_s + number / fps)]


RULE = AlertRule(confidence=0.4, hits=3, frames=5)


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("xxx", [2]),
        ("..x.x.x..", [6]),
        ("x..x.x", []),
        ("x...xxx", [6]),
        ("xx", []),
        ("xx????", []),
        ("xxwww", []),
        ("xxxxxxxxxx", [2]),
        ("xxx.......xxx", [2]),
    ],
)
def test_three_of_five_frames(pattern: str, expected: list[int]) -> None:
    """It alerts at the third sighting among five frames, once; predicted and weak objects are no sightings."""
    assert alert_frames(pattern, rule=RULE) == expected


def test_sightings_of_different_tracks_do_not_add_up() -> None:
    """Three wrong detections in three places are not one firearm seen three times."""
    watch = AlertWatch(RULE)
    assert [told(watch, [seen(track)], time_s=track / 10) for track in range(1, 6)] == [[]] * 5


def test_each_track_is_told_of() -> None:
    """Where nothing is to be re-armed, two objects that are seen at once alert both; what has no id never does."""
    watch = AlertWatch(replace(RULE, rearm_s=0))
    alerts = [told(watch, [seen(1), seen(2), seen(None)], time_s=number / 10) for number in range(4)]
    assert alerts == [[], [], [1, 2], []]


@pytest.mark.parametrize(("fps", "expected_s"), [(5, 0.4), (10, 0.2), (20, 0.2), (30, 0.2), (60, 0.2)])
def test_a_faster_stream_needs_as_long(fps: float, expected_s: float) -> None:
    """Of a fast stream ten frames a second count: a flicker of three frames at 60 fps is no alert."""
    (frame,) = alert_frames("x" * 120, rule=RULE, fps=fps)
    assert frame / fps == pytest.approx(expected_s)


def test_a_flicker_of_a_fast_stream_is_no_alert() -> None:
    """Three sightings within a tenth of a second are one moment."""
    assert alert_frames("...xxx" + "." * 30, rule=RULE, fps=60) == []


def test_a_stream_too_slow_for_tracks_alerts_at_a_sighting() -> None:
    """Where no track lives from frame to frame, one sighting is enough, once the stream has shown that it is slow."""
    watch = AlertWatch(replace(RULE, rearm_s=0))
    alerts = [told(watch, [seen(number + 1)], time_s=2.0 * number) for number in range(4)]
    assert [len(each) for each in alerts] == [0, 0, 1, 1]


def test_one_stall_does_not_make_a_stream_slow() -> None:
    """The first frame after a gap needs its sightings like all others."""
    watch = AlertWatch(RULE)
    for number in range(20):
        told(watch, [], time_s=number / 10)
    assert told(watch, [seen()], time_s=9.0) == []
    assert told(watch, [seen()], time_s=9.1) == []
    assert told(watch, [seen()], time_s=9.2) != []


def test_a_clip_that_begins_again_starts_anew() -> None:
    """Sightings of the last round do not count, and time goes on from where it jumped to."""
    watch = AlertWatch(RULE)
    for number in range(2):
        told(watch, [seen(1)], time_s=50 + number / 10)
    assert [len(told(watch, [seen(2)], time_s=number / 10)) for number in range(4)] == [0, 0, 1, 0]


@pytest.mark.parametrize(
    "settings",
    [
        {"hits": 4, "frames": 3},
        {"hits": 0},
        {"confidence": 1.5},
        {"max_fps": 0.0},
        {"cooldown_s": -1.0},
        {"rearm_s": float("nan")},
        {"min_size_px": -1.0},
    ],
)
def test_a_rule_that_cannot_be_met_is_refused(settings: dict[str, float]) -> None:
    """It says so where it is made, not by silence."""
    with pytest.raises(InvalidRequest, match="alert rule"):
        AlertRule(**{"confidence": 0.4, **settings})  # type: ignore[arg-type]  # hits and frames are whole numbers


@given(
    pattern=st.text(alphabet="x.?w", max_size=60),
    hits=st.integers(1, 6),
    more=st.integers(0, 6),
    fps=st.sampled_from([1.0, 3.0, 7.0, 10.0]),
    start_s=st.floats(-1e6, 1e6),
)
def test_it_alerts_exactly_when_n_of_m_frames_hold_the_track(
    pattern: str, hits: int, more: int, fps: float, start_s: float
) -> None:
    """On a stream of up to ten frames a second: at the first frame that closes such a window, and never again."""
    rule = AlertRule(confidence=0.4, hits=hits, frames=hits + more)
    expected = [
        number
        for number, sign in enumerate(pattern)
        if sign == "x" and pattern[max(0, number + 1 - rule.frames) : number + 1].count("x") >= hits
    ]
    assert alert_frames(pattern, rule=rule, fps=fps, start_s=start_s) == expected[:1]


@given(pattern=st.text(alphabet="x.", min_size=1, max_size=80), fps=st.floats(1.0, 120.0), hits=st.integers(1, 5))
def test_fewer_hits_never_alert_later(pattern: str, fps: float, hits: int) -> None:
    """A rule that asks for less alerts at the same time or before."""
    strict = alert_frames(pattern, rule=AlertRule(confidence=0.4, hits=hits + 1, frames=6), fps=fps)
    loose = alert_frames(pattern, rule=AlertRule(confidence=0.4, hits=hits, frames=6), fps=fps)
    assert not strict or loose[0] <= strict[0]
