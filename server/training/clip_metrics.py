"""Clip metrics: false alarms and times to alert, from what was detected in clips."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from server.alerts.rules import AlertRule, AlertWatch
from server.domain.detection import Detection
from server.pipeline.tracker import ByteTracker
from server.training.clip_checks import CheckedClip
from server.training.metrics_file import AlarmRate, AlertRuleRecord, ClipMetrics, ClipsMetrics

Alert = tuple[float, Detection]
"""Seconds from the clip's start, and the detection that met the rule."""


@dataclass(frozen=True, slots=True, eq=False)
class TrackedClip:
    """A clip with what the tracker shows in each frame at one confidence."""

    clip: CheckedClip
    shown: list[list[Detection]]

    @classmethod
    def follow(cls, clip: CheckedClip, *, confidence: float) -> "TrackedClip":
        """Runs the live path's tracker over a clip."""
        tracker = ByteTracker()
        both = zip(clip.detections, clip.times_s, strict=True)
        return cls(clip, [tracker.update(found, confidence=confidence, time_s=time_s) for found, time_s in both])

    def frames_with_detections(self) -> int:
        """In how many frames something was detected; what the tracker only expects does not count."""
        return sum(any(not one.predicted for one in shown) for shown in self.shown)

    def alerts(self, rule: AlertRule) -> list[Alert]:
        """The times at which the rule is met, and by what."""
        watch = AlertWatch(rule)
        both = zip(self.shown, self.clip.times_s, strict=True)
        width, height = self.clip.width_px, self.clip.height_px
        told = ((time_s, watch.update(shown, time_s=time_s, width=width, height=height)) for shown, time_s in both)
        return [(time_s, one.detection) for time_s, met in told for one in met]

    def alerts_s(self, rule: AlertRule) -> list[float]:
        """The times alone."""
        return [time_s for time_s, _ in self.alerts(rule)]


def measure_clips(clips: Sequence[CheckedClip], *, rule: AlertRule, raised_s: Mapping[str, float]) -> ClipsMetrics:
    """All figures of some clips; `raised_s` says for those with a firearm when it is raised, the others show none."""
    tracked = [TrackedClip.follow(clip, confidence=rule.confidence) for clip in clips]
    measured = [_measure(one, rule=rule, raised_s=raised_s.get(one.clip.name)) for one in tracked]
    return summarise(measured, rule=rule)


def summarise(measured: Sequence[ClipMetrics], *, rule: AlertRule) -> ClipsMetrics:
    """The rates over the clips without a firearm; a clip that is a copy of another tells nothing new and is left out."""
    without = [one for one in measured if one.raised_s is None and one.distinct_s > 0]
    hours = sum(one.distinct_s for one in without) / 3600
    return ClipsMetrics(
        rule=AlertRuleRecord(hits=rule.hits, frames=rule.frames, max_fps=rule.max_fps, confidence=rule.confidence),
        frames=sum(one.frames for one in without),
        frame_alarms=alarm_rate(sum(one.frames_with_detections for one in without), hours=hours),
        alerts=alarm_rate(sum(len(one.alerts_s) for one in without), hours=hours),
        clips=list(measured),
    )


def _measure(tracked: TrackedClip, *, rule: AlertRule, raised_s: float | None) -> ClipMetrics:
    alerts_s = tracked.alerts_s(rule)
    after = [] if raised_s is None else [at for at in alerts_s if at >= raised_s]
    return ClipMetrics(
        name=tracked.clip.name,
        frames=len(tracked.shown),
        duration_s=tracked.clip.duration_s,
        distinct_s=tracked.clip.distinct_s,
        frames_with_detections=tracked.frames_with_detections(),
        alerts_s=alerts_s,
        raised_s=raised_s,
        time_to_alert_s=after[0] - raised_s if after and raised_s is not None else None,
        early_alerts=0 if raised_s is None else len(alerts_s) - len(after),
    )


def alarm_rate(count: int, *, hours: float) -> AlarmRate:
    """So many alarms in so many hours."""
    return AlarmRate(
        count=count,
        hours=hours,
        per_hour=count / hours if hours else None,
        per_hour_upper_95=poisson_upper_bound(count) / hours if hours else None,
    )


def poisson_upper_bound(count: int, *, confidence: float = 0.95) -> float:
    """The expected number that gives `count` or fewer with probability 1 - `confidence`: the exact one-sided bound.

    Garwood, "Fiducial limits for the Poisson distribution" (Biometrika 28, 1936). For a count of 0 it is 3.00.
    """
    low, high = float(count), count + 10 * math.sqrt(count + 1) + 10
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if _probability_up_to(count, expected=middle) > 1 - confidence else (low, middle)
    return high


def _probability_up_to(count: int, *, expected: float) -> float:
    """The Poisson distribution's probability of `count` or fewer, summed from logarithms so that nothing overflows."""
    terms: Iterator[float] = (number * math.log(expected) - expected - math.lgamma(number + 1) for number in range(count + 1))
    return math.fsum(math.exp(term) for term in terms)
