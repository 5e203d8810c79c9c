"""Snapshots of streams, and their totals since the start of the server."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

from server.pipeline.freshness import NO_AGE, AgeStats


@dataclass(frozen=True, slots=True)
class StreamStats:
    """A snapshot of a stream: frames counted since its start, rates over the last two seconds, ages of the last 150.

    `delivered` counts the pictures of all viewers. `age` and `box_age` are those of whoever feeds the stream, `viewers_age` and
    `viewers_box_age` those of all others. `slowed` tells that its pictures come no faster than detections, because the
    processor is short.
    """

    received: int
    dropped: int
    processed: int
    delivered: int
    failed: int
    received_fps: float
    processed_fps: float
    detector_ms: float | None
    width: int | None
    height: int | None
    age: AgeStats
    box_age: AgeStats
    viewers_age: AgeStats = NO_AGE
    viewers_box_age: AgeStats = NO_AGE
    slowed: bool = False

    @property
    def in_words(self) -> str:
        """What became of the frames, for the log line of the end."""
        failed = f"{self.failed} failed, " if self.failed else ""
        return (
            f"{self.received} frames received, {self.dropped} dropped, {self.processed} processed, "
            f"{failed}{self.delivered} pictures sent, box age p95 {self.box_age.p95_in_words}"
        )


class Counted(Protocol):
    """Something whose snapshot is added up."""

    def stats(self) -> StreamStats:
        """A snapshot."""


@dataclass(frozen=True, slots=True)
class LiveStats:
    """Sums over streams."""

    received: int
    dropped: int
    processed: int
    delivered: int
    failed: int
    age: AgeStats
    box_age: AgeStats

    def plus(self, stream: StreamStats) -> "LiveStats":
        """These sums with one more stream."""
        return LiveStats(
            received=self.received + stream.received,
            dropped=self.dropped + stream.dropped,
            processed=self.processed + stream.processed,
            delivered=self.delivered + stream.delivered,
            failed=self.failed + stream.failed,
            age=self.age + stream.age + stream.viewers_age,
            box_age=self.box_age + stream.box_age + stream.viewers_box_age,
        )


class LiveTotals:
    """Counts streams while they run and keeps their sums when they have ended; on the event loop."""

    def __init__(self) -> None:
        self._running: list[Counted] = []
        self._ended = LiveStats(0, 0, 0, 0, 0, NO_AGE, NO_AGE)

    @contextmanager
    def counting(self, stream: Counted) -> Iterator[None]:
        """Counts the stream inside the block, and keeps what it reached."""
        self._running.append(stream)
        try:
            yield
        finally:
            self._running.remove(stream)
            self._ended = self._ended.plus(stream.stats())

    def stats(self) -> LiveStats:
        """The sums over all streams that run or ran."""
        sums = self._ended
        for stream in self._running:
            sums = sums.plus(stream.stats())
        return sums
