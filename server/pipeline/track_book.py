"""Track book: for each tracked object of a video when, how often and where it was seen best."""

from collections.abc import Sequence
from dataclasses import dataclass

from server.domain.detection import Detection
from server.domain.frame import Frame
from server.domain.video import TrackSummary


@dataclass(slots=True)
class _Entry:
    """What is known of one object so far."""

    first_s: float
    last_s: float
    frames: int
    best: Detection
    best_s: float
    best_frame: int


class TrackBook:
    """Takes the detections of every checked frame in order; one thread. It grows by the objects, not by the frames."""

    def __init__(self) -> None:
        self._entries: dict[int, _Entry] = {}

    def add(self, frame: Frame, detections: Sequence[Detection]) -> None:
        """Notes what was detected in a frame; what has no id or was only predicted is passed over."""
        for one in detections:
            if one.track_id is not None and not one.predicted:
                self._note(one.track_id, one, frame)

    def summaries(self) -> tuple[TrackSummary, ...]:
        """All objects, in the order in which they were first seen."""
        return tuple(_summary(track_id, entry) for track_id, entry in self._entries.items())

    def _note(self, track_id: int, one: Detection, frame: Frame) -> None:
        entry = self._entries.get(track_id)
        if entry is None:
            self._entries[track_id] = _Entry(frame.pts_s, frame.pts_s, 1, one, frame.pts_s, frame.index)
            return
        entry.last_s = frame.pts_s
        entry.frames += 1
        if one.confidence > entry.best.confidence:
            entry.best, entry.best_s, entry.best_frame = one, frame.pts_s, frame.index


def _summary(track_id: int, entry: _Entry) -> TrackSummary:
    return TrackSummary(
        track_id=track_id,
        class_id=entry.best.class_id,
        first_s=entry.first_s,
        last_s=entry.last_s,
        frames=entry.frames,
        best_confidence=entry.best.confidence,
        best_s=entry.best_s,
        best_frame=entry.best_frame,
        box=entry.best.xyxy,
    )
