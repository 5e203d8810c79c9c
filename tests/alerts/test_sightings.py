"""Tests of sightings: what is seen without a pause makes one alert, and a dismissal arms the rule for all else."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.alerts.rules import AlertRule, AlertWatch
from server.alerts.same_object import overlap
from server.alerts.sighting import SIGHTING_LIFE_S
from server.domain.detection import Box, Detection
from server.domain.region import Mask, Region, RegionKind

RULE = AlertRule(confidence=0.4, hits=3, frames=5, rearm_s=2)
HERE: Box = (10, 10, 30, 20)
THERE: Box = (60, 60, 80, 70)


def seen(track_id: int = 1, *, at: Box = HERE, confidence: float = 0.9) -> Detection:
    """A tracked object."""
    return Detection(at, confidence, 0, track_id)


class Watching:
    """A watch with a clock: ten frames a second, or slower."""

    def __init__(self, rule: AlertRule = RULE, *, interval_s: float = 0.1) -> None:
        self.watch = AlertWatch(rule)
        self.frame = 0
        self.interval_s = interval_s

    def see(self, *objects: Detection, for_s: float = 1.0) -> list[tuple[int | None, float]]:
        """Shows objects for some seconds; the tracks that alerted, and after how many seconds."""
        return list(self._see(objects, frames=round(for_s / self.interval_s)))

    def _see(self, objects: Sequence[Detection], *, frames: int) -> Iterator[tuple[int | None, float]]:
        for number in range(frames):
            self.frame += 1
            for met in self.watch.update(objects, time_s=self.frame * self.interval_s, width=100, height=100):
                yield met.detection.track_id, round(number * self.interval_s, 6)


def test_an_hour_in_view_is_one_alert() -> None:
    """Without a cool-down, too, and whatever the tracker calls the object."""
    watching = Watching()
    assert watching.see(seen(1), for_s=1) == [(1, 0.2)]
    assert [watching.see(seen(2 + minute), for_s=60) for minute in range(60)] == [[]] * 60


def test_what_stays_for_a_shift_is_told_anew() -> None:
    """Who comes on duty hears of it; once."""
    watching = Watching(interval_s=0.5)
    alerts = watching.see(seen(1), for_s=SIGHTING_LIFE_S + 600)
    assert [track for track, _ in alerts] == [1, 1]


def test_two_objects_at_once_are_one_alert_of_the_more_confident() -> None:
    """One picture shows both."""
    assert Watching().see(seen(1, confidence=0.5), seen(2, at=THERE)) == [(2, 0.2)]


@pytest.mark.parametrize(("pause_s", "expected"), [(1.5, []), (2.5, [(9, 0.2)])])
def test_a_pause_arms_the_rule(pause_s: float, expected: list[tuple[int, float]]) -> None:
    """A shorter one is the same sighting."""
    watching = Watching()
    watching.see(seen(1))
    watching.see(for_s=pause_s)
    assert watching.see(seen(9)) == expected


def test_weak_objects_are_a_pause() -> None:
    """What does not count does not hold a sighting together."""
    watching = Watching()
    watching.see(seen(1))
    watching.see(seen(2, confidence=0.3), for_s=3)
    assert watching.see(seen(3)) == [(3, 0.2)]


def test_nothing_is_told_within_the_cool_down_and_what_stays_is_told_at_its_end() -> None:
    """An object that comes within it and is still there is no less worth telling."""
    watching = Watching(replace(RULE, cooldown_s=10))
    assert watching.see(seen(1)) == [(1, 0.2)]  # at 0.3 s
    watching.see(for_s=4)
    assert watching.see(seen(2), for_s=2) == []
    watching.see(for_s=2.5)
    assert watching.see(seen(3), for_s=5) == [(3, 0.7)]  # at 10.3 s


def test_a_slow_stream_alerts_once_until_a_frame_without_anything() -> None:
    """A picture every four seconds: each is a sighting, and the pause between two is none."""
    watching = Watching(interval_s=4)
    watching.see(for_s=12)
    assert watching.see(*[seen(1)], for_s=4) == [(1, 0)]
    assert watching.see(seen(2, at=THERE), for_s=40) == []
    watching.see(for_s=4)
    assert watching.see(seen(3), for_s=4) == [(3, 0)]


def test_a_dismissal_arms_the_rule_for_all_else() -> None:
    """The umbrella stays quiet under its next id as well; the firearm beside it alerts at once, cool-down or not."""
    watching = Watching(replace(RULE, cooldown_s=60))
    assert watching.see(seen(1)) == [(1, 0.2)]
    watching.watch.dismissed(1)
    assert watching.see(seen(1), for_s=5) == []
    assert watching.see(seen(2), for_s=5) == []
    assert watching.watch.is_same(1, 2) is False  # the first is forgotten by now
    assert watching.see(seen(2), seen(3, at=THERE)) == [(3, 0.2)]
    assert watching.see(seen(2), seen(4, at=THERE), for_s=5) == []


def test_what_was_there_before_the_dismissal_alerts_after_it() -> None:
    """It belonged to the sighting, and nobody has looked at it."""
    watching = Watching()
    assert watching.see(seen(1), seen(2, at=THERE, confidence=0.6)) == [(1, 0.2)]
    watching.watch.dismissed(1)
    assert watching.see(seen(1), seen(2, at=THERE, confidence=0.6)) == [(2, 0.0)]


def test_a_dismissed_object_under_a_new_id_before_the_dismissal_stays_quiet() -> None:
    """The tracker lost it between the alert and the answer."""
    watching = Watching()
    watching.see(seen(1))
    watching.see(seen(7), for_s=1)
    assert watching.watch.is_same(1, 7)
    watching.see(seen(7), for_s=20)
    watching.watch.dismissed(1)
    assert watching.see(seen(7), for_s=20) == []


def test_a_dismissed_object_that_comes_back_is_something_new() -> None:
    """Nobody knows that it is the same."""
    watching = Watching()
    watching.see(seen(1))
    watching.watch.dismissed(1)
    watching.see(for_s=3)
    assert watching.see(seen(2)) == [(2, 0.2)]


def test_a_dismissal_ends_the_cool_down_though_the_object_has_gone() -> None:
    """The umbrella has left; what comes next is nothing that anybody has looked at."""
    watching = Watching(replace(RULE, cooldown_s=60))
    watching.see(seen(1))
    watching.see(for_s=5)
    watching.watch.dismissed(1)
    assert watching.see(seen(2)) == [(2, 0.2)]


def test_an_older_alert_that_is_dismissed_leaves_the_open_one_alone() -> None:
    """Its object is gone."""
    watching = Watching()
    watching.see(seen(1))
    watching.see(for_s=3)
    assert watching.see(seen(2)) == [(2, 0.2)]
    watching.watch.dismissed(1)
    assert watching.see(seen(2), seen(3, at=THERE), for_s=5) == []


def test_after_forgetting_what_is_in_view_alerts() -> None:
    """At the end of a snooze."""
    watching = Watching(replace(RULE, cooldown_s=60))
    watching.see(seen(1))
    watching.watch.forget()
    assert watching.see(seen(1)) == [(1, 0.2)]


def test_small_objects_do_not_count() -> None:
    """The longer side decides, and is enough when it is just as long."""
    assert Watching(replace(RULE, min_size_px=20.5)).see(seen()) == []
    assert Watching(replace(RULE, min_size_px=20)).see(seen()) == [(1, 0.2)]


def test_what_the_mask_hides_does_not_count() -> None:
    """A poster on the left; the right is watched."""
    left = Region(RegionKind.IGNORE, ((0, 0), (0.5, 0), (0.5, 1), (0, 1)))
    watching = Watching(replace(RULE, mask=Mask((left,))))
    assert watching.see(seen(1), for_s=60) == []
    assert watching.see(seen(1), seen(2, at=THERE)) == [(2, 0.2)]


def test_hits_are_told() -> None:
    """With the alert, and afterwards."""
    watch = AlertWatch(RULE)
    for number in range(2):
        watch.update([seen()], time_s=number / 10, width=100, height=100)
    (met,) = watch.update([seen()], time_s=0.2, width=100, height=100)
    assert (met.hits, met.frames, watch.hits_of(1), watch.hits_of(2)) == (3, 5, 3, 0)


@pytest.mark.parametrize(("other", "share"), [(HERE, 1.0), (THERE, 0.0), ((20, 10, 40, 20), 1 / 3), ((30, 10, 50, 20), 0.0)])
def test_overlap_is_intersection_over_union(other: Box, share: float) -> None:
    """Boxes that only touch have nothing in common."""
    assert overlap(HERE, other) == pytest.approx(share)


@given(
    runs=st.lists(st.tuples(st.booleans(), st.integers(1, 40), st.integers(1, 9)), max_size=30),
    cooldown=st.sampled_from([0, 3]),
)
def test_between_two_alerts_lies_a_pause(runs: list[tuple[bool, int, int]], cooldown: int) -> None:
    """Whatever is seen under whatever ids: they are never nearer than the cool-down, and never in one sighting."""
    watch = AlertWatch(replace(RULE, cooldown_s=cooldown))
    frames = [track if visible else None for visible, length, track in runs for _ in range(length)]
    alerts = [
        number
        for number, track in enumerate(frames)
        if watch.update([seen(track)] if track else [], time_s=number / 10, width=100, height=100)
    ]
    for first, second in pairwise(alerts):
        signs = "".join("x" if one else "." for one in frames[first:second])
        assert "." * 19 in signs
        assert second - first >= 10 * cooldown
