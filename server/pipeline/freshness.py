"""How old is what is shown: ages measured at the sinks, for the page, the messages and the metrics."""

from bisect import bisect_left
from collections import deque
from dataclasses import dataclass
from itertools import islice

# About five seconds of a 30 fps stream: long enough for a steady p95, short enough to show a change.
WINDOW = 150
# Of three seconds at five a second, the least that live streams shall get.
RECENT = 15
BUCKETS_MS = (25.0, 50.0, 75.0, 100.0, 150.0, 200.0, 250.0, 400.0, 600.0, 1000.0, 2000.0, 5000.0)


@dataclass(frozen=True, slots=True)
class AgeStats:
    """A snapshot of one age, in milliseconds.

    `last_ms`, `p50_ms` and `p95_ms` describe the newest 150 values, `recent_ms` is what three of four of the newest 15 do not
    exceed; all are None before the first. `buckets` counts the values
    that lie above the bound before and up to each bound of BUCKETS_MS, with one more place for those above the last; `buckets`
    and `sum_ms` are over all values.
    """

    last_ms: float | None
    p50_ms: float | None
    p95_ms: float | None
    recent_ms: float | None
    sum_ms: float
    buckets: tuple[int, ...]

    @property
    def count(self) -> int:
        """How many values were recorded."""
        return sum(self.buckets)

    @property
    def p95_in_words(self) -> str:
        """The 95th percentile for a log line."""
        return "unknown" if self.p95_ms is None else f"{self.p95_ms:.0f} ms"

    def __add__(self, other: "AgeStats") -> "AgeStats":
        """The values of both; nothing is said of the newest."""
        buckets = tuple(mine + theirs for mine, theirs in zip(self.buckets, other.buckets, strict=True))
        return AgeStats(None, None, None, None, self.sum_ms + other.sum_ms, buckets)


class AgeMeter:
    """Collects one age; on the event loop."""

    def __init__(self) -> None:
        self._window: deque[float] = deque(maxlen=WINDOW)
        self._sum_ms = 0.0
        self._buckets = [0] * (len(BUCKETS_MS) + 1)

    def record(self, age_ms: float) -> None:
        """Adds one value in milliseconds."""
        self._window.append(age_ms)
        self._sum_ms += age_ms
        self._buckets[bisect_left(BUCKETS_MS, age_ms)] += 1

    @property
    def last_ms(self) -> float | None:
        """The newest value."""
        return self._window[-1] if self._window else None

    def stats(self) -> AgeStats:
        """A snapshot."""
        ordered = sorted(self._window)
        p50_ms = ordered[len(ordered) // 2] if ordered else None
        p95_ms = ordered[min(len(ordered) * 95 // 100, len(ordered) - 1)] if ordered else None
        return AgeStats(self.last_ms, p50_ms, p95_ms, self._recent_ms(), self._sum_ms, tuple(self._buckets))

    def _recent_ms(self) -> float | None:
        recent = sorted(islice(reversed(self._window), RECENT))
        return recent[len(recent) * 3 // 4] if recent else None


NO_AGE = AgeMeter().stats()


class FreshnessMeter:
    """The two ages of a live stream at one viewer, and how many pictures were delivered.

    `age` runs from the receipt of a frame to the sending of its result, `box_age` from the receipt of the frame that the drawn
    boxes come from to the sending of the picture. `last_box_age_ms` is that of the newest picture, None where it has no boxes.
    `sums` notes the same, for several viewers together.
    """

    def __init__(self, *, sums: "FreshnessMeter | None" = None) -> None:
        self.age = AgeMeter()
        self.box_age = AgeMeter()
        self.delivered = 0
        self.last_box_age_ms: float | None = None
        self._sums = sums

    def record_age(self, age_ms: float) -> None:
        """Notes that a result was sent, `age_ms` after its frame was received."""
        self.age.record(age_ms)
        if self._sums is not None:
            self._sums.record_age(age_ms)

    def record_picture(self, box_age_ms: float | None) -> None:
        """Notes that a picture was sent; the age is None where no boxes were drawn."""
        self.delivered += 1
        self.last_box_age_ms = box_age_ms
        if box_age_ms is not None:
            self.box_age.record(box_age_ms)
        if self._sums is not None:
            self._sums.record_picture(box_age_ms)
