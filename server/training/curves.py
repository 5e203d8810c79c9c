"""Curves: precision over recall, and precision, recall and F1 over confidence, as CSV and as pictures."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from server.domain.errors import InvalidRequest
from server.media.whole_file import whole_file
from server.training.coco_metrics import Matches
from server.training.metrics_file import OperatingPoint
from server.training.picture_metrics import point_at
from server.training.table_file import write_table

_SIZE_INCHES = (7.0, 4.5)
_DPI = 110


def write_curves(matches: Matches, folder: Path, *, imgsz: int, confidence: float) -> None:
    """Writes `precision-recall-IMGSZ` and `confidence-IMGSZ`, each as `.csv` and `.png`; `confidence` is marked. Blocks."""
    points = [point_at(matches, step / 100) for step in range(1, 100)]
    _write_csv(folder / f"confidence-{imgsz}.csv", points)
    recall, precision, at = _precision_recall(matches)
    rows = [("recall", "precision", "confidence"), *zip(recall, precision, at, strict=True)]
    write_table(folder / f"precision-recall-{imgsz}.csv", rows)
    _draw_confidence(points, folder / f"confidence-{imgsz}.png", marked=confidence)
    _draw_precision_recall(recall, precision, folder / f"precision-recall-{imgsz}.png", marked=point_at(matches, confidence))


def _precision_recall(matches: Matches) -> tuple[list[float], list[float], list[float]]:
    """Recall, precision and confidence after each detection that found something, by falling confidence."""
    order = np.argsort(-matches.confidence, kind="stable")
    hit = matches.box[order] >= 0
    found = np.cumsum(hit)
    precision = found / np.arange(1, len(found) + 1)
    recall = found / max(len(matches.found_at), 1)
    return (
        recall[hit].round(5).tolist(),
        precision[hit].round(5).tolist(),
        matches.confidence[order][hit].round(5).tolist(),
    )


def _write_csv(path: Path, points: Sequence[OperatingPoint]) -> None:
    names = OperatingPoint.__struct_fields__
    write_table(path, [names, *([_cell(getattr(point, name)) for name in names] for point in points)])


def _cell(value: float | None) -> object:
    return "" if value is None else round(value, 5)


def _draw_confidence(points: Sequence[OperatingPoint], path: Path, *, marked: float) -> None:
    figure, axes = _axes(x="confidence", y="share")
    for name, colour in (("precision", "tab:blue"), ("recall", "tab:orange"), ("f1", "tab:green")):
        values = [getattr(point, name) for point in points]
        axes.plot([point.confidence for point in points], [np.nan if value is None else value for value in values],
                  label=name.replace("f1", "F1"), color=colour)  # fmt: skip
    axes.axvline(marked, color="grey", linestyle=":", label=f"default confidence {marked:g}")
    _save(figure, axes, path)


def _draw_precision_recall(recall: list[float], precision: list[float], path: Path, *, marked: OperatingPoint) -> None:
    figure, axes = _axes(x="recall", y="precision")
    axes.plot(recall, precision, color="tab:blue")
    if marked.recall is not None and marked.precision is not None:
        axes.plot([marked.recall], [marked.precision], "o", color="grey", label=f"default confidence {marked.confidence:g}")
    _save(figure, axes, path)


def _axes(*, x: str, y: str) -> tuple[Any, Any]:
    try:
        from matplotlib.figure import Figure  # noqa: PLC0415 - an extra; Figure itself needs no display and no global state
    except ImportError as exc:
        raise InvalidRequest("evaluation needs the extra evaluate: make install EXTRAS=evaluate") from exc
    figure = Figure(figsize=_SIZE_INCHES, dpi=_DPI, layout="constrained")
    axes = figure.subplots()
    axes.set(xlabel=x, ylabel=y, xlim=(0, 1), ylim=(0, 1.01))
    axes.grid(visible=True, alpha=0.3)
    return figure, axes


def _save(figure: Any, axes: Any, path: Path) -> None:
    if axes.get_legend_handles_labels()[0]:
        axes.legend(loc="best")
    with whole_file(path) as file:
        figure.savefig(file, format="png", metadata={"Software": None})
