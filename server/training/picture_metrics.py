"""Picture metrics: from checked pictures to every figure that is reported of one input size."""

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from server.training.coco_metrics import OBJECT_SIZES_PX, Averages, CheckedPicture, CocoMetrics, Matches
from server.training.metrics_file import (
    ConfusionMatrix,
    EmptyPictures,
    ObjectSizeMetrics,
    OperatingPoint,
    PictureMetrics,
    SourceMetrics,
)

CONFIDENCES = tuple(round(0.05 * step, 2) for step in range(1, 20))
"""What the report's table shows; the curves have every hundredth."""


def measure(
    checked: Sequence[CheckedPicture], *, labels: Sequence[str], imgsz: int, confidence: float, detector_ms: float
) -> tuple[PictureMetrics, Matches]:
    """Returns all figures, and the pairs of detections and boxes that the curves are drawn from.

    `confidence` is the default one, at which what was shown is told apart from what was not.
    """
    coco = CocoMetrics(checked, classes=len(labels), imgsz=imgsz)
    matches, averages = coco.matches, coco.averages()
    metrics = PictureMetrics(
        map50=averages.map50,
        map50_95=averages.map50_95,
        best=best_point(matches),
        default=point_at(matches, confidence),
        by_confidence=[point_at(matches, each) for each in CONFIDENCES],
        by_object_size=_by_size(matches, coco.averages_by_size(), confidence=confidence),
        by_source=_by_source(checked, coco, confidence=confidence),
        empty_pictures=_empty_pictures(checked, matches, confidence=confidence),
        confusion=_confusion(coco.matches_of_any_class, labels=labels, confidence=confidence),
        detector_ms=detector_ms,
    )
    return metrics, matches


def point_at(matches: Matches, confidence: float, *, pictures: Iterable[int] | None = None) -> OperatingPoint:
    """What is right and wrong at a confidence, in all pictures or in those with these indices."""
    shown, boxes = matches.confidence >= np.float32(confidence), np.ones(len(matches.found_at), np.bool_)
    if pictures is not None:
        chosen = list(pictures)
        shown &= np.isin(matches.picture, chosen)
        boxes = np.isin(matches.box_picture, chosen)
    found = int((shown & (matches.box >= 0)).sum())
    return _point(confidence, found=found, shown=int(shown.sum()), boxes=int(boxes.sum()))


def best_point(matches: Matches) -> OperatingPoint:
    """The operating point with the highest F1, at the confidence of a detection."""
    order = np.argsort(-matches.confidence, kind="stable")
    found = np.cumsum(matches.box[order] >= 0)
    if not len(found) or not len(matches.found_at):
        return _point(1.0, found=0, shown=0, boxes=len(matches.found_at))
    f1 = 2 * found / (np.arange(1, len(found) + 1) + len(matches.found_at))
    return point_at(matches, float(matches.confidence[order][int(f1.argmax())]))


def _point(confidence: float, *, found: int, shown: int, boxes: int) -> OperatingPoint:
    return OperatingPoint(
        confidence=confidence,
        precision=_share(found, shown),
        recall=_share(found, boxes),
        f1=_share(2 * found, shown + boxes),
        found=found,
        missed=boxes - found,
        false_alarms=shown - found,
    )


def _by_size(matches: Matches, averages: Sequence[Averages], *, confidence: float) -> list[ObjectSizeMetrics]:
    group = np.searchsorted(OBJECT_SIZES_PX, matches.longest_px, side="right") - 1
    found = matches.found_at >= np.float32(confidence)
    return [
        ObjectSizeMetrics(
            from_px=start,
            to_px=end,
            objects=int((group == number).sum()),
            map50=averages[number].map50,
            map50_95=averages[number].map50_95,
            recall=_share(int((found & (group == number)).sum()), int((group == number).sum())),
        )
        for number, (start, end) in enumerate(zip(OBJECT_SIZES_PX, (*OBJECT_SIZES_PX[1:], None), strict=True))
    ]


def _by_source(checked: Sequence[CheckedPicture], coco: CocoMetrics, *, confidence: float) -> dict[str, SourceMetrics]:
    sources = np.array([one.picture.source for one in checked])
    return {
        str(source): _source(checked, coco, chosen=np.flatnonzero(sources == source), confidence=confidence)
        for source in sorted(set(sources.tolist()))
    }


def _source(
    checked: Sequence[CheckedPicture], coco: CocoMetrics, *, chosen: npt.NDArray[np.intp], confidence: float
) -> SourceMetrics:
    averages = coco.averages(chosen.tolist())
    default = point_at(coco.matches, confidence, pictures=chosen.tolist())
    empty = _empty(checked, chosen)
    return SourceMetrics(
        pictures=len(chosen),
        objects=default.found + default.missed,
        map50=averages.map50,
        map50_95=averages.map50_95,
        default=default,
        empty_pictures=len(empty),
        empty_alarms_per_picture=_share(point_at(coco.matches, confidence, pictures=empty).false_alarms, len(empty)),
    )


def _empty(checked: Sequence[CheckedPicture], chosen: Iterable[int]) -> list[int]:
    """Which of the pictures show no object."""
    return [int(number) for number in chosen if not len(checked[int(number)].picture.boxes)]


def _empty_pictures(checked: Sequence[CheckedPicture], matches: Matches, *, confidence: float) -> EmptyPictures:
    empty = _empty(checked, range(len(checked)))
    alarms = matches.picture[(matches.confidence >= np.float32(confidence)) & np.isin(matches.picture, empty)]
    return EmptyPictures(
        pictures=len(empty),
        with_false_alarms=len(np.unique(alarms)),
        false_alarms=len(alarms),
        false_alarms_per_picture=_share(len(alarms), len(empty)),
    )


def _confusion(matches: Matches, *, labels: Sequence[str], confidence: float) -> ConfusionMatrix:
    background = len(labels)
    counts = np.zeros((background + 1, background + 1), np.int64)
    shown = matches.confidence >= np.float32(confidence)
    there = np.append(matches.box_class, background)[matches.box]  # row -1, a false alarm, is background
    np.add.at(counts, (there[shown], matches.class_id[shown]), 1)
    missed = matches.found_at < np.float32(confidence)
    np.add.at(counts[:, background], matches.box_class[missed], 1)
    return ConfusionMatrix(classes=[*labels, "background"], counts=counts.tolist())


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
