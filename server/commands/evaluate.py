"""`sightline evaluate`: says how good a model is, run as it is served, and writes figures and curves."""

import argparse
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from server.alerts.rules import AlertRule
from server.commands.exit_codes import INTERRUPTED, OK, PROBLEMS
from server.commands.progress import Progress
from server.config.settings import Settings
from server.domain.errors import InvalidRequest
from server.domain.protocols import Detector
from server.inference.compute import Compute
from server.inference.letterbox import InputSize
from server.inference.loader import load_detector
from server.inference.pool import DetectorPool
from server.inference.processors import available_processors
from server.media.whole_file import whole_file
from server.resources import version
from server.training.alert_list import write_alert_list
from server.training.alert_sweep import Row, promising, sweep, write_sweep
from server.training.clip_checks import ClipChecker
from server.training.clip_files import check_headers, find_clips, read_raised
from server.training.clip_metrics import measure_clips
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
from server.training.metrics_file import SCHEMA, ClipsMetrics, MetricsFile, WeightsMetrics, encode_metrics
from server.training.picture_list import write_picture_list
from server.web.configured_model import detector_workers, load_configured_model, model_path

METRICS_NAME = "metrics.json"
REPORT_NAME = "report.txt"
SWEEP_NAME = "alert-sweep.csv"


@dataclass(frozen=True, slots=True)
class EvaluateOrder:
    """What is to be evaluated, and where the figures go."""

    data: Path
    split: LabelledSplit | None
    sizes: tuple[int, ...]
    weights: Path
    against: Detector | None
    clips: tuple[Path, ...]
    raised_s: Mapping[str, float]
    rule: AlertRule
    swept: bool
    out: Path


@dataclass(slots=True, eq=False)
class _Outcome:
    """All that came of it."""

    served: dict[int, EvaluatedSize] = field(default_factory=dict)
    against: WeightsMetrics | None = None
    clips: dict[int, ClipsMetrics] = field(default_factory=dict)
    swept: list[Row] = field(default_factory=list)


def run(settings: Settings, arguments: argparse.Namespace) -> int:
    """Evaluates, writes, prints, and returns the exit code; raises InvalidRequest, ModelError and SettingsError."""
    detector = load_configured_model(settings)
    order = _order(settings, arguments, detector=detector)
    outcome = _Outcome()
    try:
        order.out.mkdir(parents=True, exist_ok=True)  # an evaluation takes minutes: rather now than then
        if order.split is not None:
            _evaluate_pictures(settings, order, order.split, detector=detector, outcome=outcome)
        for imgsz in order.sizes if order.clips else ():
            _evaluate_clips(settings, order, imgsz, detector=detector, outcome=outcome)
        metrics = _metrics(settings, order, detector=detector, outcome=outcome)
        _write(order, metrics, outcome=outcome)
    except OSError as exc:
        raise InvalidRequest(f"{exc.filename or order.out}: {exc.strerror or exc}") from exc
    except KeyboardInterrupt:
        return INTERRUPTED
    swept = ["", "rules that alert in every clip with a firearm", *promising(outcome.swept)] if outcome.swept else []
    print(report(metrics), *swept, f"\n{order.out / METRICS_NAME}", sep="\n")  # noqa: T201 - the answer to the person at the terminal
    return PROBLEMS if any(one.problems for one in outcome.served.values()) else OK


def _order(settings: Settings, arguments: argparse.Namespace, *, detector: Detector) -> EvaluateOrder:
    """Reads all that is named before anything is run, because an evaluation takes minutes."""
    if not arguments.data and not arguments.clips:
        raise InvalidRequest("evaluate needs pictures (--data, a data.yaml in YOLO layout), clips (--clips), or both")
    clips = tuple(find_clips(arguments.clips)) if arguments.clips else ()
    check_headers(clips)
    manifest = Path(arguments.by_source) if arguments.by_source else None
    return EvaluateOrder(
        data=Path(arguments.data or ""),
        split=read_split(Path(arguments.data), split=arguments.split, manifest=manifest) if arguments.data else None,
        sizes=_sizes(arguments.sizes or [detector.info.imgsz]),
        weights=Path(arguments.against or ""),
        against=_load_weights(settings, Path(arguments.against)) if arguments.against else None,
        clips=clips,
        raised_s=read_raised(Path(arguments.raised), clips=clips) if arguments.raised else {},
        rule=_rule(arguments.rule, confidence=detector.info.confidence),
        swept=arguments.sweep,
        out=Path(arguments.out),
    )


def _sizes(asked: list[int]) -> tuple[int, ...]:
    """Each size once, in the order asked for."""
    try:
        return tuple(dict.fromkeys(msgspec.convert(asked, list[InputSize])))
    except msgspec.ValidationError as exc:
        raise InvalidRequest(f"--imgsz: {' '.join(map(str, asked))}: {str(exc).lower().partition(' - ')[0]}") from exc


def _rule(text: str | None, *, confidence: float) -> AlertRule:
    if text is None:
        return AlertRule(confidence=confidence, rearm_s=0)  # every track that would alert is counted
    hits, _, frames = text.partition("/")
    if not hits.isdecimal() or not frames.isdecimal():
        raise InvalidRequest(f"--rule: {text!r} is not N/M, for example 3/5")
    return AlertRule(confidence=confidence, hits=int(hits), frames=int(frames), rearm_s=0)


def _load_weights(settings: Settings, path: Path) -> Detector:
    return load_detector(path, iou=settings.model.iou, compute=Compute(threads=settings.inference.threads))


def _evaluate_pictures(
    settings: Settings, order: EvaluateOrder, split: LabelledSplit, *, detector: Detector, outcome: _Outcome
) -> None:
    progress = Progress(len(split.pictures) * len(order.sizes) * (1 if order.against is None else 2), stream=sys.stderr)
    workplace = Workplace(
        workers=detector_workers(settings),
        io_threads=max(2, available_processors()),
        max_pixels=settings.predict.max_pixels,
        on_checked=progress.advance,
    )
    confidence = detector.info.confidence
    try:
        served = evaluate_pictures(detector, split, sizes=order.sizes, confidence=confidence, workplace=workplace)
        if order.against is not None:
            theirs = evaluate_pictures(order.against, split, sizes=order.sizes, confidence=confidence, workplace=workplace)
            outcome.against = compare(served, theirs, path=order.weights, info=order.against.info)
    finally:
        progress.close()
    for problem in next(iter(served.values())).problems:
        progress.say(f"sightline: {problem}")
    outcome.served = served


def _evaluate_clips(settings: Settings, order: EvaluateOrder, imgsz: int, *, detector: Detector, outcome: _Outcome) -> None:
    progress = Progress(len(order.clips), stream=sys.stderr)
    pool = DetectorPool(detector, workers=detector_workers(settings))
    try:
        checker = ClipChecker(pool, imgsz=imgsz)
        checked = []
        for path in order.clips:
            checked.append(checker.check(path))
            progress.advance()
    finally:
        progress.close()
        pool.close()
    write_alert_list(checked, order.out / f"alerts-{imgsz}.csv", rule=order.rule)
    outcome.clips[imgsz] = measure_clips(checked, rule=order.rule, raised_s=order.raised_s)
    if order.swept:
        outcome.swept += sweep(checked, imgsz=imgsz, raised_s=order.raised_s)


def _metrics(settings: Settings, order: EvaluateOrder, *, detector: Detector, outcome: _Outcome) -> MetricsFile:
    own, split = outcome.served.get(detector.info.imgsz), order.split
    return MetricsFile(
        schema=SCHEMA,
        sightline=version(),
        model=describe_model(model_path(settings), detector.info, confidence=detector.info.confidence),
        data=None if split is None else describe_data(order.data, split),
        by_imgsz={str(size): one.metrics for size, one in outcome.served.items()},
        sample=None if own is None or split is None else sample_metrics(own, split, imgsz=detector.info.imgsz),
        against=outcome.against,
        clips={str(size): one for size, one in outcome.clips.items()},
    )


def _write(order: EvaluateOrder, metrics: MetricsFile, *, outcome: _Outcome) -> None:
    for name, content in ((METRICS_NAME, encode_metrics(metrics)), (REPORT_NAME, report(metrics).encode())):
        with whole_file(order.out / name) as file:
            file.write(content)
    for size, one in outcome.served.items():
        write_curves(one.matches, order.out, imgsz=size, confidence=metrics.model.confidence)
        write_picture_list(one, order.out / f"pictures-{size}.csv", confidence=metrics.model.confidence)
    if outcome.swept:
        shown = [path.name for path in order.clips if path.name in order.raised_s]
        write_sweep(outcome.swept, order.out / SWEEP_NAME, clips=shown)
