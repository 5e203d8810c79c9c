"""Values for tests, with sane defaults."""

from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Any

import numpy as np

from server.domain.alert import Alert, SourceKind
from server.domain.delivery import Delivery, Event
from server.domain.detection import Box, DetectionResult, Detections, Timing
from server.domain.frame import Frame, PixelLayout
from server.domain.job import Job, JobState
from server.domain.live import StreamOptions


def make_frame(
    *,
    width: int = 64,
    height: int = 48,
    layout: PixelLayout = PixelLayout.I420,
    index: int = 0,
    received_at: float = 0.0,
    value: int = 128,
) -> Frame:
    """A frame of one colour value."""
    shape = (height * 3 // 2, width) if layout is PixelLayout.I420 else (height, width, 3)
    return Frame(np.full(shape, value, np.uint8), layout, index=index, pts_s=index / 30, received_at=received_at)


def make_detections(
    boxes: Sequence[Box] = ((10, 10, 30, 30),),
    *,
    confidence: Sequence[float] | None = None,
    class_id: Sequence[int] | None = None,
) -> Detections:
    """Detections with the given boxes, all of class 0 and confidence 0.9 if nothing else is said."""
    count = len(boxes)
    return Detections(
        np.asarray(boxes, np.float32).reshape(count, 4),
        np.asarray([0.9] * count if confidence is None else confidence, np.float32),
        np.asarray([0] * count if class_id is None else class_id, np.int32),
    )


def make_result(detections: Detections | None = None, *, queue_ms: float = 0.0, inference_ms: float = 10.0) -> DetectionResult:
    """The result of one detection."""
    found = make_detections() if detections is None else detections
    return DetectionResult(found, Timing(queue_ms, 0.0, inference_ms, 0.0))


def make_options(*, confidence: float = 0.4, exact: bool = False, annotate: bool = True) -> StreamOptions:
    """What a viewer wants to see."""
    return StreamOptions(confidence=confidence, exact=exact, annotate=annotate)


def make_job(*, id: str = "0" * 32, state: JobState = JobState.QUEUED, queued_at: float = 100.0, **values: Any) -> Job:  # noqa: A002
    """A job of a small clip."""
    known: dict[str, Any] = {
        "name": "gate.mp4",
        "confidence": 0.4,
        "size_bytes": 1000,
        "width_px": 64,
        "height_px": 48,
        "created_at": queued_at,
    }
    return Job(id=id, state=state, queued_at=queued_at, **{**known, **values})


class ListSource:
    """A source that yields the frames it is given, as fast as they are taken."""

    def __init__(self, frames: Iterable[Frame]) -> None:
        self._frames = tuple(frames)
        self.lost = 0

    async def frames(self) -> AsyncIterator[Frame]:
        """Yields them in order."""
        for frame in self._frames:
            yield frame


class ListSink:
    """A sink that keeps everything."""

    def __init__(self) -> None:
        self.items: list[object] = []

    def put(self, item: object) -> None:
        """Keeps the item."""
        self.items.append(item)


def make_alert(alert_id: str = "a", **fields: Any) -> Alert:
    """A candidate from a camera in the hall."""
    values: dict[str, Any] = {
        "stream_id": "stream",
        "source_name": "Hall",
        "source_kind": SourceKind.CAMERA,
        "label": "firearm",
        "confidence": 0.9,
        "track_id": 3,
        "xyxy": (10.0, 20.0, 30.0, 40.0),
        "width_px": 640,
        "height_px": 480,
        "hits": 3,
        "frames": 5,
        "opened_at": 1000.0,
        "updated_at": 1000.0,
        "expires_at": 1900.0,
    }
    return Alert(**{"id": alert_id, **values, **fields})


def make_delivery(delivery_id: str = "d", **fields: Any) -> Delivery:
    """A message about the subject `s` that waits for the channel `hook`."""
    values: dict[str, Any] = {
        "subject": "s",
        "channel": "hook",
        "event": Event.CANDIDATE,
        "next_try_at": 0.0,
        "created_at": 0.0,
    }
    return Delivery(**{"id": delivery_id, **values, **fields})
