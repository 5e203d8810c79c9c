"""Evaluate: how good a model is on labelled pictures, run as it is served, at one or more input sizes."""

import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from server.domain.errors import InvalidRequest, ModelError
from server.domain.model import ModelInfo
from server.domain.protocols import Detector
from server.inference.pool import DetectorPool
from server.training.coco_metrics import CheckedPicture, CocoMetrics, Matches
from server.training.labelled_pictures import LabelledSplit
from server.training.metrics_file import (
    EvaluatedData,
    EvaluatedModel,
    PictureMetrics,
    SampleMetrics,
    WeightsMetrics,
)
from server.training.picture_checks import check_pictures
from server.training.picture_metrics import measure

SAMPLE_EVERY = 4
"""The fixed sample is every fourth picture by name: a quarter of the time, and all sources are in it."""

_MODEL_SUFFIXES = frozenset({".xml", ".bin", ".onnx", ".pt"})


@dataclass(frozen=True, slots=True)
class Workplace:
    """What checking pictures takes: worker threads of the detector and of `io`, the largest picture, who counts them."""

    workers: int
    io_threads: int
    max_pixels: int
    on_checked: Callable[[], None] = lambda: None


@dataclass(frozen=True, slots=True, eq=False)
class EvaluatedSize:
    """What came of one input size."""

    metrics: PictureMetrics
    matches: Matches
    checked: list[CheckedPicture]
    problems: list[str]


def evaluate_pictures(
    detector: Detector, split: LabelledSplit, *, sizes: Sequence[int], confidence: float, workplace: Workplace
) -> dict[int, EvaluatedSize]:
    """Runs all pictures of a split through the detector, once for each input size. Blocks; not on an event loop.

    Raises ModelError when the model's classes are not those of the data, InvalidRequest for a size that it does not take.
    """
    if detector.info.labels != split.labels:
        raise ModelError(f"the model's classes {_few(detector.info.labels)} are not the data set's {_few(split.labels)}")
    pool = DetectorPool(detector, workers=workplace.workers)
    try:
        with ThreadPoolExecutor(workplace.io_threads, thread_name_prefix="io") as io:
            return {
                imgsz: _evaluate_size(pool, split, imgsz=imgsz, confidence=confidence, workplace=workplace, io=io)
                for imgsz in sizes
            }
    finally:
        pool.close()


def _evaluate_size(
    pool: DetectorPool, split: LabelledSplit, *, imgsz: int, confidence: float, workplace: Workplace, io: ThreadPoolExecutor
) -> EvaluatedSize:
    checks = check_pictures(
        pool,
        split.pictures,
        imgsz=imgsz,
        io=io,
        max_pixels=workplace.max_pixels,
        on_checked=workplace.on_checked,
    )
    if not checks.pictures:
        raise InvalidRequest(f"none of the pictures can be checked; {checks.problems[0]}")
    metrics, matches = measure(
        checks.pictures, labels=split.labels, imgsz=imgsz, confidence=confidence, detector_ms=checks.detector_ms
    )
    return EvaluatedSize(metrics, matches, checks.pictures, checks.problems)


def sample_of(split: LabelledSplit) -> LabelledSplit:
    """The fixed sample of a split."""
    return LabelledSplit(split.name, split.labels, split.pictures[::SAMPLE_EVERY])


def sample_metrics(evaluated: EvaluatedSize, split: LabelledSplit, *, imgsz: int) -> SampleMetrics:
    """The figures of the fixed sample, from what was checked anyway."""
    chosen = {one.path for one in sample_of(split).pictures}
    checked = [one for one in evaluated.checked if one.picture.path in chosen]
    averages = CocoMetrics(checked, classes=len(split.labels), imgsz=imgsz).averages()
    return SampleMetrics(
        every=SAMPLE_EVERY, pictures=len(checked), imgsz=imgsz, map50=averages.map50, map50_95=averages.map50_95
    )


def describe_model(path: Path, info: ModelInfo, *, confidence: float) -> EvaluatedModel:
    """What was run: the files at `path` and how."""
    return EvaluatedModel(
        name=info.name,
        sha256=file_digests(path),
        classes=list(info.labels),
        confidence=confidence,
        iou=info.iou,
        imgsz=info.imgsz,
        precision=info.precision,
        runtime=" ".join(info.runtime),
    )


def file_digests(path: Path) -> dict[str, str]:
    """The sha256 of each file of a model by its name: those of its folder, or the file, and the `.bin` of an `.xml`."""
    beside = (path.with_suffix(".bin"),) if path.suffix.lower() == ".xml" else ()
    files = path.iterdir() if path.is_dir() else (path, *beside)
    wanted = sorted(file for file in files if file.suffix.lower() in _MODEL_SUFFIXES and file.is_file())
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in wanted}


def describe_data(data: Path, split: LabelledSplit) -> EvaluatedData:
    """What it was run on."""
    digest = hashlib.sha256()
    for one in split.pictures:
        digest.update(f"{one.name} {one.class_id.tolist()} {one.boxes.round(6).tolist()}\n".encode())
    return EvaluatedData(
        name=data.resolve().parent.name,
        split=split.name,
        pictures=len(split.pictures),
        without_objects=sum(not len(one.boxes) for one in split.pictures),
        objects=sum(len(one.boxes) for one in split.pictures),
        sources=dict(sorted(Counter(one.source for one in split.pictures).items())),
        sha256=digest.hexdigest(),
    )


def compare(
    served: dict[int, EvaluatedSize], weights: dict[int, EvaluatedSize], *, path: Path, info: ModelInfo
) -> WeightsMetrics:
    """How far the served form is from the weights that it was made from."""
    map50 = {str(size): one.metrics.map50 for size, one in weights.items()}
    map50_95 = {str(size): one.metrics.map50_95 for size, one in weights.items()}
    return WeightsMetrics(
        name=path.name,
        sha256=next(iter(file_digests(path).values())),
        runtime=" ".join(info.runtime),
        map50=map50,
        map50_95=map50_95,
        difference_map50={size: _difference(served[int(size)].metrics.map50, map50[size]) for size in map50},
        difference_map50_95={size: _difference(served[int(size)].metrics.map50_95, map50_95[size]) for size in map50_95},
    )


def _difference(served: float | None, weights: float | None) -> float | None:
    return None if served is None or weights is None else served - weights


def _few(labels: Sequence[str]) -> str:
    return ", ".join(labels[:5]) + (f", ... ({len(labels)})" if len(labels) > 5 else "")
