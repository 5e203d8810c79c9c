"""Detections: what a detector found in a frame."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

Box = tuple[float, float, float, float]
"""x1, y1, x2, y2 in pixels of the original frame."""


@dataclass(frozen=True, slots=True)
class Detection:
    """One object in one frame.

    `track_id` is set when a tracker has recognised the object. `predicted` marks a tracked object that the detector did not
    confirm in this frame: its box is where the tracker expects it.
    """

    xyxy: Box
    confidence: float
    class_id: int
    track_id: int | None = None
    predicted: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Detections:
    """All objects of one frame as arrays, sorted by falling confidence.

    `xyxy` is `(n, 4) float32` in pixels of the original frame, `confidence` `(n,) float32`, `class_id` `(n,) int32`.
    """

    xyxy: npt.NDArray[np.float32]
    confidence: npt.NDArray[np.float32]
    class_id: npt.NDArray[np.int32]

    @classmethod
    def empty(cls) -> "Detections":
        """No detections."""
        return cls(np.zeros((0, 4), np.float32), np.zeros(0, np.float32), np.zeros(0, np.int32))

    def __len__(self) -> int:
        return len(self.confidence)

    def __iter__(self) -> Iterator[Detection]:
        rows = zip(self.xyxy.tolist(), self.confidence.tolist(), self.class_id.tolist(), strict=True)
        return (Detection((x1, y1, x2, y2), confidence, class_id) for (x1, y1, x2, y2), confidence, class_id in rows)

    def select(self, which: npt.NDArray[np.bool_] | npt.NDArray[np.intp]) -> "Detections":
        """The detections that a mask or an index array of shape `(n,)` picks."""
        return Detections(self.xyxy[which], self.confidence[which], self.class_id[which])


@dataclass(frozen=True, slots=True)
class DetectOptions:
    """What a caller asks of the detector.

    `confidence` and `iou` lie in 0..1. `classes` keeps only these class ids, None keeps all. `imgsz` is the longest side of
    the detector's input in pixels, a multiple of 32; None takes the model's own.
    """

    confidence: float
    iou: float
    classes: frozenset[int] | None = None
    imgsz: int | None = None


@dataclass(frozen=True, slots=True)
class Timing:
    """How long each step of one detection took, in milliseconds; `queue_ms` is the wait for a free worker."""

    queue_ms: float
    preprocess_ms: float
    inference_ms: float
    postprocess_ms: float

    @property
    def detector_ms(self) -> float:
        """All work of the detector, without the wait for it."""
        return self.preprocess_ms + self.inference_ms + self.postprocess_ms


@dataclass(frozen=True, slots=True, eq=False)
class DetectionResult:
    """The detections of one frame and how long they took."""

    detections: Detections
    timing: Timing

    def after_waiting(self, queue_ms: float) -> "DetectionResult":
        """The same, for a caller who waited `queue_ms` longer than the pool knows."""
        return replace(self, timing=replace(self.timing, queue_ms=self.timing.queue_ms + queue_ms))
