"""Clip replay: the alerts that recorded video would have made, frame by frame as live video is watched."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from server.alerts.rules import TRACK_LIFE_S, AlertRule, AlertWatch, Met
from server.domain.detection import Detection
from server.domain.frame import Frame
from server.pipeline.tracker import ByteTracker
from server.training.clip_checks import CheckedFrame, ClipChecker
from server.training.clip_metrics import alarm_rate
from server.training.metrics_file import AlarmRate

Snapshot = tuple[Frame, Sequence[Detection]]
"""A frame and what is shown in it."""


@dataclass(slots=True, eq=False)
class ReplayedAlert:
    """One alert: when it came, in seconds from the start, and its object at its best, as long as it was in view.

    `track` is the id that the tracker gave it last. `hits` is in how many frames it was seen from the alert on, those that
    made it included. `snapshot` is handed over once and not kept.
    """

    time_s: float
    best: Detection
    track: int | None
    hits: int
    seen_s: float
    snapshot: Snapshot | None
    picture: str | None = None
    """The name of the file with its snapshot."""


@dataclass(slots=True, eq=False)
class ReplayedClip:
    """What a clip would have told; `raised_s` is when a firearm is raised, `gun_free` says that there is none."""

    name: str
    raised_s: float | None = None
    gun_free: bool = False
    frames: int = 0
    distinct: int = 0
    duration_s: float = 0.0
    alerts: list[ReplayedAlert] = field(default_factory=list)

    @property
    def distinct_s(self) -> float:
        """How long what was not seen before plays."""
        return self.duration_s * self.distinct / max(self.frames, 1)

    @property
    def early(self) -> list[ReplayedAlert]:
        """Alerts before the firearm is raised."""
        return [] if self.raised_s is None else [one for one in self.alerts if one.time_s < self.raised_s]

    @property
    def time_to_alert_s(self) -> float | None:
        """From the raising to the first alert after it; None where there is none, or nobody has said when that is."""
        after = (
            [] if self.raised_s is None else [one.time_s - self.raised_s for one in self.alerts if one.time_s >= self.raised_s]
        )
        return after[0] if after else None


class ClipReplay:
    """Replays one clip; `replay` may be called once. `on_alert` gets each alert when its object is gone."""

    def __init__(self, clip: ReplayedClip, *, rule: AlertRule, on_alert: Callable[[ReplayedAlert], None]) -> None:
        self._clip = clip
        self._rule = rule
        self._watch = AlertWatch(rule)
        self._tracker = ByteTracker()
        self._on_alert = on_alert
        self._open: list[ReplayedAlert] = []

    def replay(self, checker: ClipChecker, path: Path) -> None:
        """Takes every frame. Blocks; raises as ClipChecker does, the clip then being as far as it came."""
        for one in checker.frames(path):
            self._take(one)
        for alert in self._open:
            self._close(alert)

    def _take(self, checked: CheckedFrame) -> None:
        frame, clip = checked.frame, self._clip
        shown = self._tracker.update(checked.detections, confidence=self._rule.confidence, time_s=frame.pts_s)
        met = self._watch.update(shown, time_s=frame.pts_s, width=frame.width, height=frame.height)
        clip.frames += 1
        clip.distinct += checked.distinct
        # The last frame stays as long as the others on average.
        clip.duration_s = frame.pts_s * clip.frames / (clip.frames - 1) if clip.frames > 1 else 0.0
        self._follow(frame, shown)
        self._add(met, frame=frame, shown=shown)

    def _add(self, met: Sequence[Met], *, frame: Frame, shown: Sequence[Detection]) -> None:
        for one in met:
            alert = ReplayedAlert(frame.pts_s, one.detection, one.detection.track_id, one.hits, frame.pts_s, (frame, shown))
            self._clip.alerts.append(alert)
            self._open.append(alert)

    def _follow(self, frame: Frame, shown: Sequence[Detection]) -> None:
        """Learns what is seen of the objects of open alerts; what is gone is handed over."""
        counting = [one for one in shown if self._rule.counts(one, width=frame.width, height=frame.height)]
        for alert in tuple(self._open):
            same = [one for one in counting if self._is_of(alert, one)]
            for one in same[:1]:
                alert.track, alert.hits, alert.seen_s = one.track_id, alert.hits + 1, frame.pts_s
                if one.confidence > alert.best.confidence:
                    alert.best, alert.snapshot = one, (frame, shown)
            if frame.pts_s - alert.seen_s > TRACK_LIFE_S:
                self._close(alert)
                self._open.remove(alert)

    def _is_of(self, alert: ReplayedAlert, one: Detection) -> bool:
        known, track = alert.track, one.track_id
        return known is not None and track is not None and self._watch.is_same(known, track)

    def _close(self, alert: ReplayedAlert) -> None:
        self._on_alert(alert)
        alert.snapshot = None


def false_alarms(clips: Sequence[ReplayedClip]) -> AlarmRate:
    """Alerts of the clips without a firearm, over their footage; a copy of another clip tells nothing new."""
    without = [one for one in clips if one.gun_free and one.distinct]
    return alarm_rate(sum(len(one.alerts) for one in without), hours=sum(one.distinct_s for one in without) / 3600)
