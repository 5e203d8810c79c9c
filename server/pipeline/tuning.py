"""Tuning: the size of the detector's input on live streams, as large as the processor allows.

When it is short, first the output follows the detector (pressure.py), then the input gets smaller; frames are never kept
waiting. All streams have the same size, so that none is served at the cost of another.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from server.inference.throughput import SizeThroughput
from server.pipeline.capacity import DETECTOR_SHARE, needed_fps, streams_short
from server.pipeline.stats import StreamStats

# Rates are those of two seconds: shortness that lasts longer than these is none of a moment.
LOWER_AFTER_S = 3.0
RAISE_AFTER_S = 15.0
# A step up that had to be taken back is tried again after twice the time, at most after this.
MOST_RAISE_AFTER_S = 240.0
# More than a quarter of the results older than this: the input is too large for this processor at any rate.
LATE_MS = 400.0
# A larger size has to promise this much more than is needed, or it would be taken back at once.
SPARE = 1.15

Reason = Literal["full", "pinned", "streams", "short"]


@dataclass(frozen=True, slots=True)
class InputLevel:
    """The input size of live streams, its longest side in pixels, and why it is so.

    `full`: the largest one. `pinned`: the settings say so. `streams`: so many streams share the processor. `short`: streams got
    too little, or too late, at a larger one.
    """

    imgsz: int
    reason: Reason


class InputTuner:
    """Chooses among `sizes` (falling, the model's own first), so that each stream gets `min_fps` detections a second.

    `update()` is to be called about once a second; on the event loop.
    """

    def __init__(self, sizes: Sequence[SizeThroughput], *, min_fps: float) -> None:
        self._sizes = tuple(sizes)
        self._min_fps = min_fps
        self._index = 0
        self._reason: Reason = "full"
        self._short_since_s: float | None = None
        self._quiet_since_s: float | None = None
        self._raised_at_s = float("-inf")
        self._raise_after_s = RAISE_AFTER_S

    @property
    def level(self) -> InputLevel:
        """The present size."""
        return InputLevel(self._sizes[self._index].imgsz, self._reason)

    def update(self, streams: Sequence[StreamStats], *, now_s: float) -> None:
        """Takes how the running streams do at `now_s`."""
        planned = self._planned(streams)
        short = streams_short(streams, min_fps=self._min_fps) or _late(streams)
        self._note(short=short, now_s=now_s)
        if planned > self._index:
            self._move(planned, "streams", now_s=now_s)
        elif self._lasts(self._short_since_s, LOWER_AFTER_S, now_s) and self._index + 1 < len(self._sizes):
            self._take_back(now_s)
            self._move(self._index + 1, "short", now_s=now_s)
        elif planned < self._index and self._lasts(self._quiet_since_s, self._raise_after_s, now_s) and self._fits(streams):
            self._raised_at_s = now_s
            self._move(self._index - 1, "full" if self._index == 1 else self._reason, now_s=now_s)

    def _planned(self, streams: Sequence[StreamStats]) -> int:
        """The largest size at which the measured throughput suffices for these streams; the smallest where none does."""
        needed = sum(needed_fps(stream, min_fps=self._min_fps) for stream in streams)
        fitting = (index for index, size in enumerate(self._sizes) if DETECTOR_SHARE * size.detections_fps >= needed)
        return next(fitting, len(self._sizes) - 1)

    def _note(self, *, short: bool, now_s: float) -> None:
        if short:
            self._quiet_since_s = None
            self._short_since_s = now_s if self._short_since_s is None else self._short_since_s
        else:
            self._short_since_s = None
            self._quiet_since_s = now_s if self._quiet_since_s is None else self._quiet_since_s

    def _lasts(self, since_s: float | None, seconds: float, now_s: float) -> bool:
        return since_s is not None and now_s - since_s >= seconds

    def _take_back(self, now_s: float) -> None:
        """Makes the next step up wait longer where the last one did not hold."""
        held = now_s - self._raised_at_s >= 2 * RAISE_AFTER_S
        self._raise_after_s = RAISE_AFTER_S if held else min(2 * self._raise_after_s, MOST_RAISE_AFTER_S)

    def _move(self, index: int, reason: Reason, *, now_s: float) -> None:
        self._index, self._reason = index, reason
        self._short_since_s, self._quiet_since_s = None, now_s

    def _fits(self, streams: Sequence[StreamStats]) -> bool:
        """Whether the next larger size would still do: the rates of streams that lose frames shrink with the throughput."""
        ratio = self._sizes[self._index - 1].detections_fps / self._sizes[self._index].detections_fps
        needed = sum(needed_fps(stream, min_fps=self._min_fps) for stream in streams)
        return sum(stream.processed_fps for stream in streams) * ratio >= SPARE * needed


def _late(streams: Sequence[StreamStats]) -> bool:
    """Whether the results of most streams come late."""
    ages = sorted(stream.age.recent_ms for stream in streams if stream.age.recent_ms is not None)
    return bool(ages) and ages[len(ages) // 2] > LATE_MS
