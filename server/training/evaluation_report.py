"""Evaluation report: the figures of a `metrics.json` as text for a person."""

from collections.abc import Iterator, Sequence

from server.training.metrics_file import ClipsMetrics, MetricsFile, OperatingPoint, PictureMetrics, WeightsMetrics

Row = Sequence[object]


def report(metrics: MetricsFile) -> str:
    """The whole report, lines below 130 characters."""
    return "\n".join(_lines(metrics)) + "\n"


def _lines(metrics: MetricsFile) -> Iterator[str]:
    model, data = metrics.model, metrics.data
    yield f"{model.name}: {model.runtime}, {model.precision}, default confidence {model.confidence:g}, NMS at IoU {model.iou:g}"
    if data is not None:
        yield (
            f"{data.name}, split {data.split}: {data.pictures} pictures ({data.without_objects} show nothing), "
            f"{data.objects} objects"
        )
    for size, figures in metrics.by_imgsz.items():
        yield from _size(figures, imgsz=int(size))
    if metrics.against is not None:
        yield from _against(metrics.against)
    for size, clips in metrics.clips.items():
        yield from _clips(clips, imgsz=int(size))


def _size(figures: PictureMetrics, *, imgsz: int) -> Iterator[str]:
    empty = figures.empty_pictures
    averages = f"mAP50 {_share(figures.map50)}, mAP50-95 {_share(figures.map50_95)}"
    yield f"\n== Input of {imgsz} px: {averages}, {figures.detector_ms:.1f} ms a picture"
    yield _point("default", figures.default)
    yield _point("best F1", figures.best)
    yield (
        f"pictures that show nothing: {empty.false_alarms} false alarms in {empty.with_false_alarms} of {empty.pictures}, "
        f"{_share(empty.false_alarms_per_picture)} a picture"
    )
    yield "\nby confidence"
    yield from _table(
        ("confidence", "precision", "recall", "F1", "false alarms"),
        [(f"{one.confidence:g}", one.precision, one.recall, one.f1, one.false_alarms) for one in figures.by_confidence],
    )
    yield "\nby longest side at input size, recall at the default confidence"
    yield from _table(
        ("px", "objects", "recall", "mAP50", "mAP50-95"),
        [
            (f"{one.from_px}-{one.to_px or ''}", one.objects, one.recall, one.map50, one.map50_95)
            for one in figures.by_object_size
        ],
    )
    yield from _sources(figures)
    yield from _confusion(figures)


def _sources(figures: PictureMetrics) -> Iterator[str]:
    if len(figures.by_source) < 2:
        return
    yield "\nby source, at the default confidence; alarms are false ones, a picture that shows nothing"
    yield from _table(
        ("source", "pictures", "objects", "precision", "recall", "mAP50", "mAP50-95", "empty", "alarms"),
        [
            (
                name,
                one.pictures,
                one.objects,
                one.default.precision,
                one.default.recall,
                one.map50,
                one.map50_95,
                one.empty_pictures,
                one.empty_alarms_per_picture,
            )
            for name, one in figures.by_source.items()
        ],
    )


def _confusion(figures: PictureMetrics) -> Iterator[str]:
    names, counts = figures.confusion.classes, figures.confusion.counts
    if len(names) > 12:  # a person reads no larger one; the file has it
        return
    yield "\nwhat was there (rows) and what was detected (columns), at the default confidence"
    yield from _table(("", *names), [(name, *row) for name, row in zip(names, counts, strict=True)])


def _against(against: WeightsMetrics) -> Iterator[str]:
    yield f"\n== The served form against {against.name} ({against.runtime})"
    yield from _table(
        ("px", "mAP50 of the weights", "served", "mAP50-95 of the weights", "served"),
        [
            (size, against.map50[size], _signed(against.difference_map50[size]), against.map50_95[size],
             _signed(against.difference_map50_95[size]))
            for size in against.map50
        ],
    )  # fmt: skip


def _clips(clips: ClipsMetrics, *, imgsz: int) -> Iterator[str]:
    rule, frames, alerts = clips.rule, clips.frame_alarms, clips.alerts
    yield (
        f"\n== Video, input of {imgsz} px: an alert needs {rule.hits} of {rule.frames} frames of one track at "
        f"confidence {rule.confidence:g}, at most {rule.max_fps:g} frames a second counted"
    )
    yield f"without a firearm: {clips.frames} frames, {frames.hours * 3600:.1f} s of distinct footage"
    for name, rate in (("frames with false alarms", frames), ("false alerts", alerts)):
        bound = f"below {_rate(rate.per_hour_upper_95)} with 95 % confidence"
        yield f"  {name}: {rate.count}, {_rate(rate.per_hour)} an hour, {bound}"
    yield from _table(
        ("clip", "seconds", "distinct", "frames", "with detections", "alerts at", "raised at", "time to alert"),
        [
            (
                one.name,
                f"{one.duration_s:.1f}",
                f"{one.distinct_s:.1f}",
                one.frames,
                one.frames_with_detections,
                " ".join(f"{at:.2f}" for at in one.alerts_s) or "-",
                "none" if one.raised_s is None else f"{one.raised_s:.2f}",
                _time_to_alert(one.raised_s, one.time_to_alert_s),
            )
            for one in clips.clips
        ],
    )


def _rate(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}"


def _time_to_alert(raised_s: float | None, time_s: float | None) -> str:
    if raised_s is None:
        return "-"
    return "no alert" if time_s is None else f"{time_s:.2f} s"


def _point(name: str, point: OperatingPoint) -> str:
    return (
        f"{name} confidence {point.confidence:.3g}: precision {_share(point.precision)}, recall {_share(point.recall)}, "
        f"F1 {_share(point.f1)}; {point.found} found, {point.missed} missed, {point.false_alarms} false alarms"
    )


def _table(head: Sequence[str], rows: Sequence[Row]) -> Iterator[str]:
    """Columns as wide as what stands in them; the first one to the left, all others to the right."""
    cells = [list(head), *([_cell(value) for value in row] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for row in cells:
        padded = [cell.rjust(width) for cell, width in zip(row, widths, strict=True)]
        yield "  ".join([row[0].ljust(widths[0]), *padded[1:]]).rstrip()


def _cell(value: object) -> str:
    return value if isinstance(value, str) else str(value) if isinstance(value, int) else _share(value)


def _share(value: object) -> str:
    return f"{value:.3f}" if isinstance(value, float) else "-"


def _signed(value: float | None) -> str:
    return "-" if value is None else f"{value:+.4f}"
