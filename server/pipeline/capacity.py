"""Capacity: how many live streams fit, from what the detector was measured to manage and what running streams really get."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from server.pipeline.stats import StreamStats

# Decoding, tracking, drawing, encoding and sending need the rest of the same processors; the encoder alone is about as dear as
# the detector at the rates that streams have when the processor is short.
DETECTOR_SHARE = 0.6
# Less than this much of what a stream shall get counts as too little: rates over two seconds vary by about so much.
TOLERANCE = 0.8
# A stream's rates say nothing before it has run this long.
SETTLED_S = 4.0

Reason = Literal["measured", "max_sessions", "streams_short"]


@dataclass(frozen=True, slots=True)
class Capacity:
    """How many live streams fit now, and what decided it.

    `reason` is `measured` (the detector's throughput), `max_sessions` (the setting) or `streams_short` (those that run get too
    few detections already, so that none is taken on top of them).
    """

    sessions: int
    reason: Reason


def planned_capacity(detections_fps: float, *, min_fps: float, max_sessions: int | None) -> Capacity:
    """How many streams fit by the measured throughput, each with `min_fps` detections a second; at least 1."""
    fitting = max(1, int(DETECTOR_SHARE * detections_fps / min_fps))
    if max_sessions is not None and max_sessions <= fitting:
        return Capacity(max_sessions, "max_sessions")
    return Capacity(fitting, "measured")


def present_capacity(planned: Capacity, *, active: int, streams: Iterable[StreamStats], min_fps: float) -> Capacity:
    """The plan, or what runs already when that gets too little: the machine may have more to do than when it was measured."""
    if active < planned.sessions and streams_short(streams, min_fps=min_fps):
        return Capacity(max(1, active), "streams_short")
    return planned


def streams_short(streams: Iterable[StreamStats], *, min_fps: float) -> bool:
    """Whether running streams together get less than `TOLERANCE` of the detections that they shall get.

    A camera that sends less than `min_fps` needs no more than it sends. All together, because the detector serves them
    in turns: one alone may have a reason of its own.
    """
    settled = [stream for stream in streams if _is_settled(stream)]
    needed = sum(needed_fps(stream, min_fps=min_fps) for stream in settled)
    return sum(stream.processed_fps for stream in settled) < TOLERANCE * needed


def needed_fps(stream: StreamStats, *, min_fps: float) -> float:
    """Detections a second that a stream shall get: none without frames, all that a slow camera sends, else `min_fps`."""
    if stream.received_fps > 0 and not _is_settled(stream):
        return min_fps
    return min(min_fps, stream.received_fps)


def _is_settled(stream: StreamStats) -> bool:
    return stream.received >= SETTLED_S * stream.received_fps > 0
