"""COCO metrics: what faster-coco-eval says of detections and the boxes that were there; its only door."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from server.domain.detection import Detections
from server.domain.errors import InvalidRequest
from server.inference.nms import MAX_DETECTIONS
from server.training.labelled_pictures import LabelledPicture

MATCH_IOU = 0.5
"""Overlap from which a detection counts as having found a box."""

OBJECT_SIZES_PX = (0, 16, 32, 64, 128, 256)
"""Longest side of an object in pixels of the detector's input: where each group begins."""

_LARGEST_PX = 1e5


@dataclass(frozen=True, slots=True, eq=False)
class CheckedPicture:
    """A labelled picture with what was detected in it; `shape` is height, width in pixels."""

    picture: LabelledPicture
    shape: tuple[int, int]
    detections: Detections

    @property
    def boxes_px(self) -> npt.NDArray[np.float64]:
        """The labelled boxes `(n, 4)` in pixels of the picture, cut at its edges."""
        height, width = self.shape
        return np.asarray(self.picture.boxes.clip(0, 1) * np.array([width, height, width, height]), np.float64)


@dataclass(frozen=True, slots=True)
class Averages:
    """Mean average precision at IoU 0.5 and over 0.5 to 0.95; None where there was nothing to find."""

    map50: float | None
    map50_95: float | None


@dataclass(frozen=True, slots=True, eq=False)
class Matches:
    """Which detection found which box, at `MATCH_IOU`.

    One row a detection: `confidence`, `class_id`, `picture` (its index), `box` (row of what it found, -1 for a false alarm).
    One row a labelled box: `box_class`, `box_picture`, `longest_px` (at input size), `found_at` (confidence of the detection
    that found it, -1 where none did). What a higher confidence would have found is what was found with at least that much:
    a weaker detection never takes a box from a surer one.
    """

    confidence: npt.NDArray[np.float64]
    class_id: npt.NDArray[np.int32]
    picture: npt.NDArray[np.intp]
    box: npt.NDArray[np.intp]
    box_class: npt.NDArray[np.int32]
    box_picture: npt.NDArray[np.intp]
    longest_px: npt.NDArray[np.float64]
    found_at: npt.NDArray[np.float64]


class CocoMetrics:
    """Scores pictures that were checked at one input size; `imgsz` is its longest side in pixels."""

    def __init__(self, checked: Sequence[CheckedPicture], *, classes: int, imgsz: int) -> None:
        self._checked = checked
        self._truth, self._found = _datasets(checked, classes=classes, imgsz=imgsz)

    def averages(self, pictures: Sequence[int] | None = None) -> Averages:
        """Mean average precision over all pictures, or over those with these indices."""
        return self._averages(pictures)[0]

    def averages_by_size(self) -> list[Averages]:
        """The same for each group of `OBJECT_SIZES_PX`; objects and false alarms of other sizes are left out."""
        return self._averages(None)[1:]

    @cached_property
    def matches(self) -> Matches:
        """Detections paired with boxes of their own class."""
        return self._match(classes_matter=True)

    @cached_property
    def matches_of_any_class(self) -> Matches:
        """Detections paired with boxes whatever the classes, for a confusion matrix."""
        return self._match(classes_matter=False)

    def _averages(self, pictures: Sequence[int] | None) -> list[Averages]:
        evaluation = _evaluation(self._truth, self._found, pictures=pictures)
        evaluation.evaluate()
        evaluation.accumulate()
        precision = evaluation.eval["precision"]  # (IoU, recall, class, size, most detections), -1 where nothing is known
        return [
            Averages(_mean(precision[0, :, :, size, -1]), _mean(precision[:, :, :, size, -1]))
            for size in range(precision.shape[3])
        ]

    def _match(self, *, classes_matter: bool) -> Matches:
        evaluation = _evaluation(self._truth, self._found)
        params = evaluation.params
        params.iouThrs, params.useCats = np.array([MATCH_IOU]), int(classes_matter)
        params.areaRng, params.areaRngLbl = params.areaRng[:1], params.areaRngLbl[:1]
        evaluation.evaluate()
        evaluation.accumulate()
        pairs = [tuple(map(int, key.split("_"))) for key in evaluation.eval["matched"]]
        return _matches(list(self._found.anns.values()), list(self._truth.anns.values()), pairs=pairs)


def _matches(found: list[dict[str, Any]], truth: list[dict[str, Any]], *, pairs: list[tuple[int, ...]]) -> Matches:
    """Pairs are of annotation ids, which count from 1 in the order of the rows."""
    confidence = np.array([one["score"] for one in found], np.float64)
    box, found_at = np.full(len(found), -1, np.intp), np.full(len(truth), -1.0)
    for detection_id, box_id in pairs:
        box[detection_id - 1] = box_id - 1
        found_at[box_id - 1] = confidence[detection_id - 1]
    return Matches(
        confidence=confidence,
        class_id=np.array([one["category_id"] for one in found], np.int32),
        picture=np.array([one["image_id"] for one in found], np.intp),
        box=box,
        box_class=np.array([one["category_id"] for one in truth], np.int32),
        box_picture=np.array([one["image_id"] for one in truth], np.intp),
        longest_px=np.sqrt(np.array([one["area"] for one in truth], np.float64)),
        found_at=found_at,
    )


def _library() -> tuple[Any, Any]:
    """The two classes of the library."""
    try:
        from faster_coco_eval import COCO, COCOeval_faster  # noqa: PLC0415 - an extra
    except ImportError as exc:
        raise InvalidRequest("evaluation needs the extra evaluate: make install EXTRAS=evaluate") from exc
    return COCO, COCOeval_faster


def _datasets(checked: Sequence[CheckedPicture], *, classes: int, imgsz: int) -> tuple[Any, Any]:
    """Labelled boxes and detections as the library takes them; image ids are indices, and class ids stay what they are."""
    images = [{"id": number, "width": one.shape[1], "height": one.shape[0]} for number, one in enumerate(checked)]
    categories = [{"id": number, "name": str(number)} for number in range(classes)]
    truth, found = [], []
    for number, one in enumerate(checked):
        scale = imgsz / max(one.shape)
        boxes = zip(one.boxes_px.tolist(), one.picture.class_id.tolist(), strict=True)
        truth += [_annotation(box, image=number, category=kind, scale=scale) for box, kind in boxes]
        found += [
            _annotation(seen.xyxy, image=number, category=seen.class_id, scale=scale) | {"score": seen.confidence}
            for seen in one.detections
        ]
    return _dataset(truth, images=images, categories=categories), _dataset(found, images=images, categories=categories)


def _dataset(annotations: list[dict[str, Any]], *, images: list[dict[str, Any]], categories: list[dict[str, Any]]) -> Any:
    coco, _ = _library()
    numbered = [annotation | {"id": number} for number, annotation in enumerate(annotations, start=1)]
    return coco({"images": images, "categories": categories, "annotations": numbered})


def _annotation(xyxy: Sequence[float], *, image: int, category: int, scale: float) -> dict[str, Any]:
    """One box. In place of its area stands the square of its longest side at input size: groups by size go by that."""
    x1, y1, x2, y2 = xyxy
    longest_px = scale * max(x2 - x1, y2 - y1)
    return {
        "image_id": image,
        "category_id": category,
        "bbox": [x1, y1, x2 - x1, y2 - y1],
        "area": longest_px**2,
        "iscrowd": 0,
    }


def _evaluation(truth: Any, found: Any, *, pictures: Sequence[int] | None = None) -> Any:
    _, evaluation_type = _library()
    ends = (*OBJECT_SIZES_PX[1:], _LARGEST_PX)
    # The library counts both ends of a range in: an object of exactly 16 px belongs to one group only.
    ranges = {f"{start}": [start**2, np.nextafter(end**2, 0)] for start, end in zip(OBJECT_SIZES_PX, ends, strict=True)}
    ranges[f"{OBJECT_SIZES_PX[-1]}"][1] = _LARGEST_PX**2
    evaluation = evaluation_type(truth, found, iouType="bbox", ranges=ranges)
    evaluation.params.maxDets = [1, 10, MAX_DETECTIONS]
    if pictures is not None:
        evaluation.params.imgIds = list(pictures)
    return evaluation


def _mean(precision: npt.NDArray[np.float64]) -> float | None:
    known = precision[precision > -1]
    return float(known.mean()) if known.size else None
