"""A tracker after ByteTrack: confident detections first, then weak ones for what is still missing.

Zhang et al., "ByteTrack: Multi-Object Tracking by Associating Every Detection Box" (ECCV 2022). Unlike there, motion runs in
real time (see motion.py) and small boxes are also paired by distance (see association.py).
"""

from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from server.domain.detection import Detection, Detections
from server.pipeline.association import Boxes, Pairs, associate, iou_matrix
from server.pipeline.motion import Motion

LOST_AFTER_S = 1.0
PREDICTED_FOR_S = 0.3

_MIN_IOU = 0.1
# A weak detection is often a part of something else: it must fit better than a confident one.
_MIN_IOU_WEAK = 0.3
_WEAK_GATE = 0.5
# A predicted box on top of a detected one of its class shows the same object twice.
_SAME_OBJECT_IOU = 0.5
# A sender that scales its pictures down rounds their sides to whole macroblocks.
_SAME_SHAPE = 0.1
# A detector gives at most 300 boxes: all of them, and some that are missing, are followed. Noise that changes with every frame
# must not pile up objects for a whole second.
_MOST_TRACKS = 400


@dataclass(slots=True, eq=False)
class _Tracks:
    """What is known of each tracked object beside its motion, one row an object."""

    id: npt.NDArray[np.int64]
    class_id: npt.NDArray[np.int32]
    confidence: npt.NDArray[np.float64]
    """Of the last confident detection."""
    seen_s: npt.NDArray[np.float64]
    """When it was last detected at all."""
    confident_s: npt.NDArray[np.float64]
    """When it was last detected with the confidence asked for."""

    @classmethod
    def empty(cls) -> "_Tracks":
        return cls(np.zeros(0, np.int64), np.zeros(0, np.int32), np.zeros(0), np.zeros(0), np.zeros(0))

    def keep(self, which: npt.NDArray[np.bool_]) -> None:
        for field in fields(self):
            setattr(self, field.name, getattr(self, field.name)[which])

    def append(self, more: "_Tracks") -> None:
        for field in fields(self):
            setattr(self, field.name, np.concatenate((getattr(self, field.name), getattr(more, field.name))))

    def predicted(self, row: int, xyxy: npt.NDArray[np.float64]) -> Detection:
        """The object of a row, where it is expected."""
        x1, y1, x2, y2 = xyxy.tolist()
        known = float(self.confidence[row]), int(self.class_id[row]), int(self.id[row])
        return Detection((x1, y1, x2, y2), *known, predicted=True)


class ByteTracker:
    """Gives the objects of one stream ids that count from 1; one call at a time, any thread.

    An object is forgotten after a second without any detection. Until 0.3 s after its last confident detection it is shown as
    predicted, unless that detection was weaker than the confidence now asked for. Boxes of detected objects are the detector's
    own, not smoothed. Time that jumps back by more than a second starts anew; ids go on.

    `lost_after_s` takes the place of that second where detections are further apart.
    """

    def __init__(self, *, lost_after_s: float = LOST_AFTER_S) -> None:
        self._lost_after_s = lost_after_s
        self._motion = Motion()
        self._tracks = _Tracks.empty()
        self._next_id = 1
        self._now_s = float("-inf")

    def update(self, detections: Detections, *, confidence: float, time_s: float) -> list[Detection]:
        """Returns the objects to show at `time_s`, detected ones first, each group by falling confidence."""
        self._advance(time_s)
        usable = detections.select(np.flatnonzero(np.isfinite(detections.xyxy).all(axis=1)))
        strong = usable.select(usable.confidence >= np.float32(confidence))
        weak = usable.select(usable.confidence < np.float32(confidence))
        detected = self._follow(strong)
        self._follow_weak(weak, detected=detected)
        self._begin(strong, detected=detected)
        return [*_shown(strong, self._tracks, detected=detected), *self._predicted(detected, confidence=confidence)]

    def resize(self, before: tuple[int, int], after: tuple[int, int]) -> None:
        """Takes all objects over into frames of another size (height, width); forgets them where the picture was turned."""
        x, y = after[1] / before[1], after[0] / before[0]
        if abs(x / y - 1) > _SAME_SHAPE:
            self._keep(np.zeros(len(self._motion), np.bool_))
        self._motion.rescale(x, y)

    def _advance(self, time_s: float) -> None:
        """Moves every object on to `time_s` and forgets those not seen for too long."""
        if time_s < self._now_s - LOST_AFTER_S:
            self._keep(np.zeros(len(self._motion), np.bool_))
            self._now_s = time_s
        elapsed_s = time_s - self._now_s
        if elapsed_s > 0:
            self._now_s = time_s
            self._keep(self._worth_following(time_s))
            self._motion.advance(elapsed_s)

    def _worth_following(self, time_s: float) -> npt.NDArray[np.bool_]:
        worth = time_s - self._tracks.seen_s <= self._lost_after_s
        worth[np.argsort(-self._tracks.seen_s, kind="stable")[_MOST_TRACKS:]] = False
        return worth

    def _keep(self, which: npt.NDArray[np.bool_]) -> None:
        self._motion.keep(which)
        self._tracks.keep(which)

    def _follow(self, strong: Detections) -> dict[int, int]:
        """Pairs all objects with confident detections; returns the detection's row for each object's row."""
        everything = np.arange(len(self._motion))
        pairs = self._associate(everything, strong, min_iou=_MIN_IOU, gate=1.0)
        rows, found = self._correct(pairs, strong)
        self._tracks.confidence[rows] = strong.confidence[found]
        self._tracks.confident_s[rows] = self._now_s
        return dict(zip(rows.tolist(), found.tolist(), strict=True))

    def _follow_weak(self, weak: Detections, *, detected: dict[int, int]) -> None:
        """Pairs the objects that are missing, but were there a moment ago, with weak detections."""
        missing = self._now_s - self._tracks.seen_s <= PREDICTED_FOR_S
        missing[list(detected)] = False
        self._correct(self._associate(np.flatnonzero(missing), weak, min_iou=_MIN_IOU_WEAK, gate=_WEAK_GATE), weak)

    def _associate(self, rows: npt.NDArray[np.intp], found: Detections, *, min_iou: float, gate: float) -> Pairs:
        objects = Boxes(self._motion.boxes()[rows], self._tracks.class_id[rows])
        boxes = Boxes(found.xyxy.astype(np.float64), found.class_id)
        pairs = associate(objects, boxes, gates_px=gate * self._motion.gates_px()[rows], min_iou=min_iou)
        return [(int(rows[row]), column) for row, column in pairs]

    def _correct(self, pairs: Pairs, found: Detections) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
        rows, columns = np.array(pairs, np.intp).reshape(-1, 2).T
        self._motion.correct(rows, found.xyxy[columns].astype(np.float64))
        self._tracks.seen_s[rows] = self._now_s
        return rows, columns

    def _begin(self, strong: Detections, *, detected: dict[int, int]) -> None:
        """Takes the confident detections that belong to nothing known as new objects."""
        new = np.ones(len(strong), np.bool_)
        new[list(detected.values())] = False
        first_row, count = len(self._motion), int(new.sum())
        detected.update(zip(range(first_row, first_row + count), np.flatnonzero(new).tolist(), strict=True))
        self._motion.append(strong.xyxy[new].astype(np.float64))
        now = np.full(count, self._now_s)
        ids = np.arange(self._next_id, self._next_id + count)
        self._tracks.append(_Tracks(ids, strong.class_id[new], strong.confidence[new].astype(np.float64), now, now.copy()))
        self._next_id += count

    def _predicted(self, detected: dict[int, int], *, confidence: float) -> list[Detection]:
        """The objects that were detected a moment ago and are missing now, where they are expected."""
        tracks = self._tracks
        shown = (self._now_s - tracks.confident_s <= PREDICTED_FOR_S) & (tracks.confidence >= np.float32(confidence))
        shown[list(detected)] = False
        rows, there = np.flatnonzero(shown), np.array(list(detected), np.intp)
        rows = rows[np.argsort(-tracks.confidence[rows], kind="stable")]
        boxes = self._motion.boxes()
        same = iou_matrix(boxes[rows], boxes[there]) > _SAME_OBJECT_IOU
        same &= tracks.class_id[rows, None] == tracks.class_id[there]
        return [tracks.predicted(row, boxes[row]) for row in rows[~same.any(axis=1)].tolist()]


def _shown(strong: Detections, tracks: _Tracks, *, detected: dict[int, int]) -> list[Detection]:
    """The confident detections with the ids of their objects."""
    id_of = {column: int(tracks.id[row]) for row, column in detected.items()}
    return [
        Detection(one.xyxy, one.confidence, one.class_id, id_of[column])
        for column, one in sorted(enumerate(strong), key=lambda item: -item[1].confidence)
    ]
