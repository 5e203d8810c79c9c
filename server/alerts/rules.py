"""Alert rule: a tracked object is worth telling a person about once it was seen in N of the last M frames.

A single wrong detection seldom comes back in the same place, so a few sightings of one track tell much more than one
detection of any confidence. Frames are those that the detector has answered. They are counted at a bounded rate, so that N of M
means about the same on a fast and on a slow stream: thirty pictures a second of the same moment are not three times the
evidence of ten. On a slower stream every frame counts, and the alert takes N of its frames. Where frames are more than
a second apart no track lives from one to the next (see pipeline/tracker.py), and N sightings could never come together: there
the first sighting is enough, because a watcher that can never alert is worse than one that is sometimes wrong.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from server.domain.detection import Detection
from server.domain.errors import InvalidRequest

TRACK_LIFE_S = 1.0
"""A tracker forgets what it has not seen for so long; its ids never come back."""

# More than a tracker follows at once: none of those that still live is told of twice.
_MOST_REMEMBERED = 1000


@dataclass(frozen=True, slots=True)
class AlertRule:
    """`hits` of the last `frames` frames on one track, each with at least `confidence`.

    Of a stream faster than `max_fps` so many frames a second are counted. Raises InvalidRequest for what cannot be met.
    """

    confidence: float
    hits: int = 3
    frames: int = 5
    max_fps: float = 10.0

    def __post_init__(self) -> None:
        if not 1 <= self.hits <= self.frames:
            raise InvalidRequest(f"an alert rule of {self.hits} of {self.frames} frames can never be met")
        if not 0 <= self.confidence <= 1 or not self.max_fps > 0:
            raise InvalidRequest(
                f"an alert rule at confidence {self.confidence} and {self.max_fps} frames a second has no meaning"
            )


@dataclass(slots=True)
class AlertWatch:
    """Applies a rule to the tracked objects of one stream; one call at a time, any thread."""

    rule: AlertRule
    _hits: dict[int, deque[int]] = field(default_factory=dict)
    """The numbers of the frames of each track's last hits; what is too old to count is forgotten."""
    _told: deque[int] = field(default_factory=lambda: deque(maxlen=_MOST_REMEMBERED))
    """The tracks that have met the rule."""
    _counted_s: deque[float] = field(default_factory=lambda: deque(maxlen=3))
    _due_s: float = float("-inf")
    _frame: int = 0

    def update(self, objects: Sequence[Detection], *, time_s: float) -> list[Detection]:
        """Takes what the tracker shows at `time_s` and returns what has just met the rule, each track once in its life.

        Every frame that the detector has answered is to be given, empty ones too. Predicted objects are no sightings. Time
        that jumps back by more than a second starts anew.
        """
        if not self._counts(time_s):
            return []
        oldest = self._frame - self.rule.frames
        self._hits = {track: frames for track, frames in self._hits.items() if frames[-1] > oldest}
        needed = 1 if self._is_slow() else self.rule.hits
        met = [one for one in objects if self._is_hit(one) and self._add(one.track_id, needed=needed) > oldest]
        new = [one for one in met if one.track_id not in self._told]
        self._told.extend(one.track_id for one in new if one.track_id is not None)
        return new

    def _counts(self, time_s: float) -> bool:
        """Whether this frame is one of those that are counted; steps on where it is."""
        if self._counted_s and time_s < self._counted_s[-1] - TRACK_LIFE_S:
            self._hits.clear()
            self._counted_s.clear()
            self._due_s = float("-inf")
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
        return len(times) == 3 and min(times[1] - times[0], times[2] - times[1]) > TRACK_LIFE_S

    def _is_hit(self, one: Detection) -> bool:
        return one.track_id is not None and not one.predicted and one.confidence >= self.rule.confidence

    def _add(self, track: int | None, *, needed: int) -> float:
        """Counts a hit; returns the number of the frame with the `needed`th hit from the end, -inf where there are fewer."""
        hits = self._hits.setdefault(track or 0, deque(maxlen=self.rule.hits))
        hits.append(self._frame)
        return hits[-needed] if len(hits) >= needed else float("-inf")
