"""Head: how the output of a YOLO model is laid out, and how detections are read from it."""

import enum

import numpy as np
import numpy.typing as npt

from server.domain.detection import Detections, DetectOptions
from server.domain.errors import ModelError
from server.inference.letterbox import Letterbox
from server.inference.nms import suppress

Rows = tuple[npt.NDArray[np.float32], npt.NDArray[np.float32], npt.NDArray[np.int32]]
"""Boxes `(n, 4)` as x1, y1, x2, y2 in pixels of the input, confidences `(n,)` and class ids `(n,)`."""


class Head(enum.Enum):
    """The two outputs that Ultralytics' detection models have."""

    RAW = "raw"
    """`(1, 4 + classes, boxes)`: centre, size and a confidence per class; NMS is left to us (YOLOv8, YOLO11, ...)."""

    END_TO_END = "end-to-end"
    """`(1, boxes, 6)`: corners, confidence and class, NMS is done or not needed (`nms=True`, YOLOv10, YOLO26)."""

    @classmethod
    def of(cls, shape: tuple[int | None, ...], *, classes: int) -> "Head":
        """Recognises the head by the output's shape, None standing for a dimension that varies.

        Raises ModelError for everything that is not such a detector.
        """
        if len(shape) != 3 or shape[0] not in (1, None):
            raise ModelError(f"its output has the shape {_text(shape)}, not that of a YOLOv8 detector")
        if shape[1] == 4 + classes:
            return cls.RAW
        if shape[2] == 6:
            return cls.END_TO_END
        if shape[2] == 5 + classes:
            raise ModelError(f"its output {_text(shape)} is that of a YOLOv5 model; export a YOLOv8 or newer one")
        raise ModelError(f"its output {_text(shape)} does not fit {classes} classes: expected (1, {4 + classes}, boxes)")

    def read(self, output: npt.NDArray[np.float32], *, letterbox: Letterbox, options: DetectOptions) -> Detections:
        """Returns what the output says, boxes in pixels of the source, sorted by falling confidence."""
        rows = _read_raw(output[0], options) if self is Head.RAW else _read_end_to_end(output[0], options)
        xyxy, confidence, class_id = _of_classes(rows, options.classes)
        kept = suppress(xyxy, confidence, class_id=class_id, iou=options.iou)
        return Detections(letterbox.to_source(xyxy[kept]), confidence[kept], class_id[kept])


def _read_raw(output: npt.NDArray[np.float32], options: DetectOptions) -> Rows:
    """The candidates of a `(4 + classes, boxes)` output, each with its likeliest class."""
    scores = output[4:]
    best = scores[0] if len(scores) == 1 else scores.max(axis=0)
    candidates = np.flatnonzero(best > options.confidence)
    class_id = scores[:, candidates].argmax(axis=0).astype(np.int32)
    centre, half = output[:2, candidates].T, output[2:4, candidates].T / 2
    return np.concatenate([centre - half, centre + half], axis=1), best[candidates], class_id


def _read_end_to_end(output: npt.NDArray[np.float32], options: DetectOptions) -> Rows:
    """The rows of a `(boxes, 6)` output that are sure enough."""
    rows = output[output[:, 4] > options.confidence]
    return rows[:, :4].copy(), rows[:, 4].copy(), rows[:, 5].astype(np.int32)


def _of_classes(rows: Rows, classes: frozenset[int] | None) -> Rows:
    """The rows of the wanted classes."""
    if classes is None:
        return rows
    wanted = np.isin(rows[2], list(classes))
    return rows[0][wanted], rows[1][wanted], rows[2][wanted]


def _text(shape: tuple[int | None, ...]) -> str:
    """The shape as a person reads it."""
    return "(" + ", ".join("?" if side is None else str(side) for side in shape) + ")"
