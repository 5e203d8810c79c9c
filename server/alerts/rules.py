"""Alert rule: a tracked object is worth telling a person about once it was seen in N of the last M frames.

A single wrong detection seldom comes back in the same place, so a few sightings of one track tell much more than one
detection of any confidence. Frames are those that the detector has answered. They are counted at a bounded rate, so that N of M
means about the same on a fast and on a slow stream: thirty pictures a second of the same moment are not three times the
evidence of ten. On a slower stream every frame counts, and the alert takes N of its frames. Where frames are more than
a second apart no track lives from one to the next (see pipeline/tracker.py), and N sightings could never come together: there
the first sighting is enough, because a watcher that can never alert is worse than one that is sometimes wrong.

An object counts where it is confident and large enough, and where the mask allows. From an alert on all that counts belongs to
the same sighting until nothing was seen for `rearm_s`: one alert, however long it lasts, however many ids the tracker gives it,
and however many objects come. `cooldown_s` goes on top. docs/alert-rules.md says why.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from server.alerts.same_object import SameObject
from server.alerts.sighting import Sighting
from server.domain.detection import Detection
from server.domain.errors import InvalidRequest
from server.domain.region import NO_MASK, Mask

TRACK_LIFE_S = 1.0
"""A tracker forgets what it has not seen for so long; its ids never come back."""

# More than a tracker follows at once: none of those that still live is told of twice.
_MOST_REMEMBERED = 1000


@dataclass(frozen=True, slots=True)
class AlertRule:
    """`hits` of the last `frames` frames on one track, each with at least `confidence`.

    Of a stream faster than `max_fps` so many frames a second are counted. The longer side of a box is at least `min_size_px`
    pixels of its frame. After an alert there is none for `cooldown_s`, and none until nothing was seen for `rearm_s`; 0 tells
    of each track. Raises InvalidRequest for what cannot be met.
    """

    confidence: float
    hits: int = 3
    frames: int = 5
    max_fps: float = 10.0
    min_size_px: float = 0.0
    mask: Mask = NO_MASK
    cooldown_s: float = 0.0
    rearm_s: float = 2.0

    def __post_init__(self) -> None:
        if not 1 <= self.hits <= self.frames:
            raise InvalidRequest(f"an alert rule of {self.hits} of {self.frames} frames can never be met")
        if not 0 <= self.confidence <= 1 or not self.max_fps > 0:
            raise InvalidRequest(
                f"an alert rule at confidence {self.confidence} and {self.max_fps} frames a second has no meaning"
            )
        if not (self.min_size_px >= 0 and self.cooldown_s >= 0 and self.rearm_s >= 0):
            raise InvalidRequest("the smallest size, the cool-down and the re-arming of an alert rule are 0 or more")

    def counts(self, one: Detection, *, width: int, height: int) -> bool:
        """Whether this is a sighting of something, in a frame of `width` by `height` pixels. What is predicted is none."""
        if one.track_id is None or one.predicted or one.confidence < self.confidence:
            return False
        x1, y1, x2, y2 = one.xyxy
        return max(x2 - x1, y2 - y1) >= self.min_size_px and self.mask.allows(one.xyxy, width=width, height=height)


@dataclass(frozen=True, slots=True)
class Met:
    """What has just met the rule: in `hits` of the last `frames` counted frames."""

    detection: Detection
    hits: int
    frames: int


@dataclass(slots=True)
class AlertWatch:
    """Applies a rule to the tracked objects of one stream; one call at a time, any thread."""

    rule: AlertRule
    _hits: dict[int, deque[int]] = field(default_factory=dict)
    """The numbers of the frames of each track's last hits; what is too old to count is forgotten."""
    _told: deque[int] = field(default_factory=lambda: deque(maxlen=_MOST_REMEMBERED))
    """The tracks that were told of."""
    _same: SameObject = field(default_factory=SameObject)
    _sighting: Sighting | None = None
    _dismissed: set[int] = field(default_factory=set)
    """Objects in view of which a person has said that they are nothing."""
    _told_s: float = float("-inf")
    _counted_s: deque[float] = field(default_factory=lambda: deque(maxlen=3))
    _due_s: float = float("-inf")
    _frame: int = 0

    def update(self, objects: Sequence[Detection], *, time_s: float, width: int, height: int) -> list[Met]:
        """Takes what the tracker shows at `time_s` in a frame of `width` by `height` pixels; returns what is to be told of.

        Every frame that the detector has answered is to be given, empty ones too. Time that jumps back by more than a second
        starts anew.
        """
        if not self._step(time_s):
            return []
        counting = [one for one in objects if self.rule.counts(one, width=width, height=height)]
        self._look(counting, time_s=time_s)
        met = list(self._met(counting))
        return [one for one in met if self._is_told(one.detection, time_s=time_s)]

    def change_rule(self, rule: AlertRule) -> None:
        """Applies another rule from the next frame on; what was seen and told is remembered."""
        if rule.frames != self.rule.frames:
            self._hits = {track: deque(frames, maxlen=rule.frames) for track, frames in self._hits.items()}
        self.rule = rule

    def hits_of(self, track_id: int) -> int:
        """In how many of the last `rule.frames` counted frames a track was seen."""
        oldest = self._frame - self.rule.frames
        return sum(frame > oldest for frame in self._hits.get(track_id, ()))

    def is_same(self, one: int, other: int) -> bool:
        """Whether two tracks are one object, as far as is known: the tracker has lost it in between."""
        return one == other or (self._same.of(one) is not None and self._same.of(one) == self._same.of(other))

    def dismissed(self, track_id: int) -> None:
        """A person has said that the object of an alert is nothing: it stays quiet while it is in view, all else is armed."""
        sighting = self._sighting
        if sighting is not None and sighting.track == track_id:
            object_id = sighting.object_id
            self._sighting = None
        else:
            object_id = self._same.of(track_id)
        if self._told and self._told[-1] == track_id:
            self._told_s = float("-inf")  # its cool-down ends with it, though its object may have gone
        if object_id is not None:
            self._dismissed.add(object_id)

    def forget(self) -> None:
        """Starts anew: what is in view makes an alert again, as soon as it meets the rule. For the end of a snooze."""
        for remembered in (self._hits, self._told, self._same, self._dismissed, self._counted_s):
            remembered.clear()
        self._sighting = None
        self._told_s = self._due_s = float("-inf")

    def _look(self, counting: Sequence[Detection], *, time_s: float) -> None:
        """Learns which object each track is, and ends the sighting where it is over."""
        rearm_s = self._rearm_s()
        self._same.see(counting, time_s=time_s, keep_s=max(rearm_s, TRACK_LIFE_S))
        self._dismissed &= self._same.known()
        sighting = self._sighting
        if sighting is None:
            return
        if sighting.is_over(time_s, rearm_s=rearm_s):
            if sighting.has_lasted(time_s):
                self._told.clear()
            self._sighting = None
        elif any(self._same.of(one.track_id) not in self._dismissed for one in counting):
            sighting.seen_s = time_s

    def _met(self, counting: Sequence[Detection]) -> Iterator[Met]:
        """What meets the rule in this frame, the most confident first."""
        oldest = self._frame - self.rule.frames
        self._hits = {track: frames for track, frames in self._hits.items() if frames[-1] > oldest}
        needed = 1 if self._is_slow() else self.rule.hits
        for one in sorted(counting, key=lambda one: -one.confidence):
            track = one.track_id or 0
            self._hits.setdefault(track, deque(maxlen=self.rule.frames)).append(self._frame)
            if (hits := self.hits_of(track)) >= needed:
                yield Met(one, hits, self.rule.frames)

    def _is_told(self, one: Detection, *, time_s: float) -> bool:
        """Whether this is the first of a sighting; what comes within the cool-down and stays is told of at its end."""
        track = one.track_id or 0
        object_id = self._same.of(track)
        if self._sighting is not None or track in self._told or object_id in self._dismissed:
            return False
        if time_s - self._told_s < self.rule.cooldown_s:
            return False
        self._told.append(track)
        self._told_s = time_s
        if self.rule.rearm_s > 0:
            self._sighting = Sighting(track, object_id, begun_s=time_s, seen_s=time_s)
        return True

    def _step(self, time_s: float) -> bool:
        """Whether this frame is one of those that are counted; steps on where it is."""
        if self._counted_s and time_s < self._counted_s[-1] - TRACK_LIFE_S:
            told = tuple(self._told)
            self.forget()
            self._told.extend(told)  # ids do not come back with the time
        interval_s = 1 / self.rule.max_fps
        if time_s < self._due_s - interval_s / 100:  # times of video are rounded
            return False
        late = time_s - self._due_s >= interval_s
        self._due_s = (time_s if late else self._due_s) + interval_s
        self._counted_s.append(time_s)
        self._frame += 1
        return True

    def _is_slow(self) -> bool:
        """Whether the last frames were so far apart that no track could live; one long gap may be a stall."""
        times = self._counted_s
        return len(times) == 3 and self._interval_s() > TRACK_LIFE_S

    def _interval_s(self) -> float:
        """The shorter time between the last three frames."""
        times = self._counted_s
        return min(times[1] - times[0], times[2] - times[1])

    def _rearm_s(self) -> float:
        """On a slow stream one frame without anything is the shortest pause that can be seen."""
        return max(self.rule.rearm_s, 1.5 * self._interval_s()) if self._is_slow() and self.rule.rearm_s else self.rule.rearm_s
