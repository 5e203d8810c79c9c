"""Non-maximum suppression: of overlapping boxes of one class only the surest stays."""

import cv2
import numpy as np
import numpy.typing as npt

MAX_CANDIDATES = 3000
"""Boxes that are compared, the surest first: a caller who asks for confidence 0 must not hold a worker for seconds."""

MAX_DETECTIONS = 300
"""Boxes that stay, as many as Ultralytics keeps."""


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
