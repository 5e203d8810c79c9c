"""Non-maximum suppression: of overlapping boxes of one class only the surest stays, where they lie on average.

That is box voting, without weights (Gidaris and Komodakis 2015, "Object detection via a multi-region & semantic
segmentation-aware CNN model"): the surest box is seldom the best placed one, and what many places of the picture say about the
same object errs less than what one says. What rounding to 8 bits moves is evened out with it.
"""

import cv2
import numpy as np
import numpy.typing as npt

MAX_CANDIDATES = 3000
"""Boxes that are compared, the surest first: a caller who asks for confidence 0 must not hold a worker for seconds."""

MAX_DETECTIONS = 300
"""Boxes that stay, as many as Ultralytics keeps."""

VOTER_SHARE = 0.25
"""A box has a vote when it is this sure, of the confidence of the one that stays."""

# Least overlap with the one that stays: lower, and boxes of another extent of the object vote, and mAP75 falls.
_VOTER_IOU = 0.8


def suppress(
    xyxy: npt.NDArray[np.float32],
    confidence: npt.NDArray[np.float32],
    *,
    class_id: npt.NDArray[np.int32],
    iou: float,
) -> npt.NDArray[np.intp]:
    """Returns the indices of the boxes that stay, by falling confidence.

    A box goes when its overlap with a surer one of its own class is above `iou`; boxes of different classes never touch.
    """
    order = np.argsort(-confidence, kind="stable")[:MAX_CANDIDATES]
    if len(order) < 2:
        return order
    xywh = xyxy[order].astype(np.float64)
    xywh[:, 2:] -= xywh[:, :2]
    kept = cv2.dnn.NMSBoxesBatched(
        xywh,  # type: ignore[arg-type]  # OpenCV takes an array where its stub asks for a sequence of rectangles
        confidence[order],  # type: ignore[arg-type]  # likewise
        class_id[order],  # type: ignore[arg-type]  # likewise
        0.0,
        iou,
    )
    return order[np.sort(np.asarray(kept, np.intp))[:MAX_DETECTIONS]]


def vote(
    xyxy: npt.NDArray[np.float32],
    confidence: npt.NDArray[np.float32],
    *,
    class_id: npt.NDArray[np.int32],
    kept: npt.NDArray[np.intp],
    iou: float,
) -> npt.NDArray[np.float32]:
    """Returns where the boxes `kept` lie, `(kept, 4)`: the mean of all boxes of their class that show the same, themselves too.

    `iou` is the one of `suppress`: boxes that overlap less are not of one object. All boxes down to `VOTER_SHARE` of the least
    sure one that stays must be there, or a higher confidence asked for would move boxes.
    """
    overlap = _overlap(xyxy[kept], xyxy)
    votes = (overlap >= max(_VOTER_IOU, iou)) & (class_id == class_id[kept, None])
    votes &= confidence >= VOTER_SHARE * confidence[kept, None]
    votes[np.arange(len(kept)), kept] = True
    return np.asarray(votes.astype(np.float32) @ xyxy / votes.sum(axis=1, dtype=np.float32)[:, None], np.float32)


def _overlap(some: npt.NDArray[np.float32], others: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Intersection over union of each with each, `(some, others)`; 0 of boxes without an area."""
    corner = np.maximum(some[:, None, :2], others[:, :2])
    common = (np.minimum(some[:, None, 2:], others[:, 2:]) - corner).clip(0).prod(axis=2)
    areas = [(boxes[:, 2:] - boxes[:, :2]).clip(0).prod(axis=1) for boxes in (some, others)]
    return np.asarray(common / np.maximum(areas[0][:, None] + areas[1] - common, np.finfo(np.float32).tiny), np.float32)
