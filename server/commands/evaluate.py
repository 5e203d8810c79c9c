"""`sightline evaluate`: says how good a model is, run as it is served, and writes figures and curves."""

import argparse
import os
import sys
from dataclasses import dataclass
from pathlib import Path

from server.commands.exit_codes import INTERRUPTED, OK, PROBLEMS
from server.commands.progress import Progress
from server.config import Settings
from server.domain.errors import InvalidRequest
from server.domain.protocols import Detector
from server.inference.loader import load_detector
from server.media.whole_file import whole_file
from server.resources import version
from server.training.curves import write_curves
from server.training.evaluate import (
    EvaluatedSize,
    Workplace,
    compare,
    describe_data,
    describe_model,
    evaluate_pictures,
    sample_metrics,
)
from server.training.evaluation_report import report
from server.training.labelled_pictures import LabelledSplit, read_split
from server.training.metrics_file import SCHEMA, MetricsFile, WeightsMetrics, encode_metrics
from server.training.picture_list import write_picture_list
from server.web.configured_model import load_configured_model, model_path

METRICS_NAME = "metrics.json"
REPORT_NAME = "report.txt"


@dataclass(frozen=True, slots=True)
class EvaluateOrder:
    """What is to be evaluated, and where the figures go."""

    data: Path
    split: str
    manifest: Path | None
    sizes: tuple[int, ...]
    against: Path | None
    out: Path


@dataclass(frozen=True, slots=True, eq=False)
class _Outcome:
    """All that came of the pictures."""

    split: LabelledSplit
    served: dict[int, EvaluatedSize]
    against: WeightsMetrics | None


def run(settings: Settings, arguments: argparse.Namespace) -> int:
    """Evaluates, writes, prints, and returns the exit code; raises InvalidRequest, ModelError and SettingsError."""
    detector = load_configured_model(settings)
    order = _order(arguments, detector=detector)
    try:
        outcome = _evaluate(settings, order, detector=detector)
        metrics = _metrics(settings, order, detector=detector, outcome=outcome)
        _write(order, metrics, outcome=outcome)
    except OSError as exc:
        raise InvalidRequest(f"{exc.filename or order.out}: {exc.strerror or exc}") from exc
    except KeyboardInterrupt:
        return INTERRUPTED
    print(report(metrics) + f"\n{order.out / METRICS_NAME}")  # noqa: T201 - the answer to the person at the terminal
    return PROBLEMS if any(one.problems for one in outcome.served.values()) else OK


def _order(arguments: argparse.Namespace, *, detector: Detector) -> EvaluateOrder:
    if not arguments.data:
        raise InvalidRequest("--data: say which pictures, the data.yaml of a data set in YOLO layout")
    return EvaluateOrder(
        data=Path(arguments.data),
        split=arguments.split,
        manifest=Path(arguments.by_source) if arguments.by_source else None,
        sizes=tuple(dict.fromkeys(arguments.sizes or (detector.info.imgsz,))),
        against=Path(arguments.against) if arguments.against else None,
        out=Path(arguments.out),
    )


def _evaluate(settings: Settings, order: EvaluateOrder, *, detector: Detector) -> _Outcome:
    split = read_split(order.data, split=order.split, manifest=order.manifest)
    progress = Progress(len(split.pictures) * len(order.sizes) * (1 if order.against is None else 2), stream=sys.stderr)
    workplace = Workplace(
        workers=settings.inference.workers,
        io_threads=max(2, os.cpu_count() or 1),
        max_pixels=settings.predict.max_pixels,
        on_checked=progress.advance,
    )
    confidence = detector.info.confidence
    served = evaluate_pictures(detector, split, sizes=order.sizes, confidence=confidence, workplace=workplace)
    against = None
    if order.against is not None:
        weights = load_detector(order.against, iou=settings.model.iou, threads=settings.inference.threads)
        theirs = evaluate_pictures(weights, split, sizes=order.sizes, confidence=confidence, workplace=workplace)
        against = compare(served, theirs, path=order.against, info=weights.info)
    progress.close()
    for problem in next(iter(served.values())).problems:
        progress.say(f"sightline: {problem}")
    return _Outcome(split, served, against)


def _metrics(settings: Settings, order: EvaluateOrder, *, detector: Detector, outcome: _Outcome) -> MetricsFile:
    own = outcome.served.get(detector.info.imgsz)
    return MetricsFile(
        schema=SCHEMA,
        sightline=version(),
        model=describe_model(model_path(settings), detector.info, confidence=detector.info.confidence),
        data=describe_data(order.data, outcome.split),
        by_imgsz={str(size): one.metrics for size, one in outcome.served.items()},
        sample=None if own is None else sample_metrics(own, outcome.split, imgsz=detector.info.imgsz),
        against=outcome.against,
    )


def _write(order: EvaluateOrder, metrics: MetricsFile, *, outcome: _Outcome) -> None:
    for name, content in ((METRICS_NAME, encode_metrics(metrics)), (REPORT_NAME, report(metrics).encode())):
        with whole_file(order.out / name) as file:
            file.write(content)
    for size, one in outcome.served.items():
        write_curves(one.matches, order.out, imgsz=size, confidence=metrics.model.confidence)
        write_picture_list(one, order.out / f"pictures-{size}.csv", confidence=metrics.model.confidence)
