"""Past: what was found in the last seconds of a stream, without the pictures."""

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import msgspec

from server.domain.detection import Detection
from server.domain.live import LiveResult

# No source brings more frames than this, so that the time bounds the memory in all real cases.
_MOST_FPS = 120


@dataclass(frozen=True, slots=True)
class Moment:
    """What was found in one frame of `width` by `height` pixels; `received_at` is the frame's clock reading in seconds."""

    received_at: float
    width: int
    height: int
    detections: tuple[Detection, ...]


class Past:
    """The moments of the last `seconds`; on the event loop."""

    def __init__(self, *, seconds: float) -> None:
        self._seconds = seconds
        self._moments: deque[Moment] = deque(maxlen=max(1, round(seconds * _MOST_FPS)))

    def add(self, result: LiveResult) -> None:
        """Takes the newest result, and forgets what is too old."""
        frame = result.frame
        self._moments.append(Moment(frame.received_at, frame.width, frame.height, result.detections))
        while self._moments[0].received_at < frame.received_at - self._seconds:
            self._moments.popleft()

    def since(self, received_at: float) -> list[Moment]:
        """Those from a clock reading on, oldest first."""
        return [one for one in self._moments if one.received_at >= received_at]

    def first_seen(self, track_id: int, *, otherwise: float) -> float:
        """When a track was seen first, as far as is known."""
        moments = (one.received_at for one in self._moments if any(seen.track_id == track_id for seen in one.detections))
        return next(moments, otherwise)


def detections_json(moments: Iterable[Moment], *, opened_s: float, labels: Sequence[str], shape: tuple[int, int]) -> bytes:
    """The file that a player draws boxes from; `t` is in seconds from the alert, `shape` width and height in pixels.

    Boxes of frames of another size are brought to that one.
    """
    width, height = shape
    frames = [
        {
            "t": round(one.received_at - opened_s, 3),
            "results": [_fields(found, labels, scale=(width / one.width, height / one.height)) for found in one.detections],
        }
        for one in moments
    ]
    return msgspec.json.encode({"alert_at": 0, "width": width, "height": height, "frames": frames})


def _fields(one: Detection, labels: Sequence[str], *, scale: tuple[float, float]) -> dict[str, object]:
    x1, y1, x2, y2 = (round(side * scale[number % 2], 1) for number, side in enumerate(one.xyxy))
    return {
        "class": one.class_id,
        "name": label_of(one, labels),
        "confidence": round(one.confidence, 4),
        "box": {"x1": x1, "y1": y1, "x2": x2, "y2": y2},
        "track_id": one.track_id,
    }


def label_of(one: Detection, labels: Sequence[str]) -> str:
    """The name of its class."""
    return labels[one.class_id] if 0 <= one.class_id < len(labels) else str(one.class_id)
