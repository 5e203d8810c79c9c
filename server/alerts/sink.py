"""Alert sink: applies the alert rule to the results of one stream, and shows its open alerts what is seen."""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from server.alerts.past import Past
from server.alerts.recording import Recording
from server.alerts.rules import AlertRule, AlertWatch, Met
from server.alerts.sources import AlertOptions, AlertSource
from server.domain.alert import Alert
from server.domain.camera import Camera
from server.domain.live import LiveResult

# A rule that somebody changes holds this soon; making one for each frame would be work for nothing.
_RULE_LIFE_S = 1.0
# Slow results still belong to the clip, and it begins with the key frame before its first second.
_MORE_S = 10.0
# More than a watch remembers.
_MOST_OPENED = 1000


@dataclass(frozen=True, slots=True, eq=False)
class Opening:
    """The rule was met on a source: `met` in `result`, by an object that was seen first at the clock reading `first_seen_s`."""

    sink: "AlertSink"
    met: Met
    result: LiveResult
    first_seen_s: float


class AlertSink:
    """A sink on the results of one stream, which never waits; on the event loop.

    `open_alert` begins an alert, and returns None where it cannot. `rule_for` and `camera_of` say what holds now. While the
    camera is snoozed no frame is looked at.
    """

    def __init__(
        self,
        source: AlertSource,
        *,
        rule_for: Callable[[AlertSource], AlertRule],
        camera_of: Callable[[str], Camera | None],
        open_alert: Callable[[Opening], Recording | None],
        options: AlertOptions,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self.source = source
        self.past = Past(seconds=options.before_s + options.after_s + _MORE_S)
        self._rule_for = rule_for
        self._camera_of = camera_of
        self._open_alert = open_alert
        self._wall_clock = wall_clock
        self._watch = AlertWatch(rule_for(source))
        self._rule_read_s = float("-inf")
        self._snoozed = False
        self._following: list[Recording] = []
        self._opened: deque[str] = deque(maxlen=_MOST_OPENED)

    @property
    def camera(self) -> Camera | None:
        """The camera, where the source is one."""
        return self._camera_of(self.source.id)

    def put(self, item: LiveResult) -> None:
        """Takes the next result."""
        self.past.add(item)
        if self._is_snoozed():
            return
        frame = item.frame
        self._read_rule(frame.received_at)
        met = self._watch.update(item.detections, time_s=frame.received_at, width=frame.width, height=frame.height)
        for one in met:
            self._open(one, item)
        if self._following:
            self._show(item)

    def dismissed(self, alert: Alert) -> None:
        """A person has said that its object is nothing; an alert of an earlier session of the source had other tracks."""
        if alert.id in self._opened:
            self._watch.dismissed(alert.track_id)

    def _open(self, met: Met, result: LiveResult) -> None:
        first_seen_s = self.past.first_seen(met.detection.track_id or 0, otherwise=result.frame.received_at)
        recording = self._open_alert(Opening(self, met, result, first_seen_s))
        if recording is not None:
            self._following.append(recording)
            self._opened.append(recording.alert.id)

    def _show(self, result: LiveResult) -> None:
        frame = result.frame
        self._following = [one for one in self._following if one.following]
        rule = self._watch.rule
        counting = [one for one in result.detections if rule.counts(one, width=frame.width, height=frame.height)]
        for recording in self._following:
            same = [one for one in counting if self._watch.is_same(recording.track, one.track_id or 0)]
            if same:
                found = max(same, key=lambda one: one.confidence)
                recording.see(found, result, hits=self._watch.hits_of(found.track_id or 0))

    def _read_rule(self, now_s: float) -> None:
        if abs(now_s - self._rule_read_s) < _RULE_LIFE_S:
            return
        self._rule_read_s = now_s
        rule = self._rule_for(self.source)
        if rule != self._watch.rule:
            self._watch.change_rule(rule)

    def _is_snoozed(self) -> bool:
        """Whether nobody wants to be told now; what is in view at the end of a snooze alerts anew."""
        camera = self.camera
        until = camera.snoozed_until if camera is not None else None
        snoozed = until is not None and until > self._wall_clock()
        if self._snoozed and not snoozed:
            self._watch.forget()
        self._snoozed = snoozed
        return snoozed
