"""Training curves: losses and accuracy over the epochs, as CSV and as a picture."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from server.media.whole_file import whole_file
from server.training.table_file import write_table
from server.training.training_watch import MAP50, MAP50_95

CSV_NAME, PNG_NAME = "training.csv", "training.png"
_SIZE_INCHES = (10.0, 4.5)
_DPI = 110

# Columns of ours, with Ultralytics' names; those without a value are left out.
_ACCURACY = {"mAP50": MAP50, "mAP50-95": MAP50_95, "precision": "metrics/precision(B)", "recall": "metrics/recall(B)"}


def write_training_curves(epochs: Path, folder: Path) -> int:
    """Writes `training.csv` and `training.png` from Ultralytics' results.csv; returns the number of epochs. Blocks.

    An epoch that an interruption made twice counts as it was the last time. Raises OSError.
    """
    rows = _read(epochs)
    columns = list(rows[-1]) if rows else []
    write_table(folder / CSV_NAME, [columns, *([row.get(name, "") for name in columns] for row in rows)])
    figure = _draw(rows)
    with whole_file(folder / PNG_NAME) as file:
        figure.savefig(file, format="png", metadata={"Software": None})
    return len(rows)


def _read(epochs: Path) -> list[dict[str, str]]:
    with epochs.open(encoding="utf-8", newline="") as file:
        by_number = {int(row["epoch"]): row for row in csv.DictReader(file)}
    return [by_number[number] for number in sorted(by_number)]


def _draw(rows: Sequence[Mapping[str, str]]) -> Any:
    """Losses on the left, accuracy on the right."""
    from matplotlib.figure import Figure  # noqa: PLC0415 - part of the extra; Figure itself needs no display
    from matplotlib.ticker import MaxNLocator  # noqa: PLC0415 - likewise

    figure = Figure(figsize=_SIZE_INCHES, dpi=_DPI, layout="constrained")
    losses, accuracy = figure.subplots(1, 2)
    for name in rows[-1] if rows else ():
        if name.startswith(("train/", "val/")):
            _plot(losses, rows, name=name, label=name.removesuffix("_loss"), dashed=name.startswith("val/"))
    for label, name in _ACCURACY.items():
        _plot(accuracy, rows, name=name, label=label)
    losses.set(xlabel="epoch", ylabel="loss")
    accuracy.set(xlabel="epoch", ylabel="on the validation split", ylim=(0, 1.01))
    for axes in (losses, accuracy):
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.grid(visible=True, alpha=0.3)
        if axes.get_legend_handles_labels()[0]:
            axes.legend(loc="best")
    return figure


def _plot(axes: Any, rows: Sequence[Mapping[str, str]], *, name: str, label: str, dashed: bool = False) -> None:
    """One line over the epochs that were validated: the others have only zeros."""
    points = [(int(row["epoch"]), float(row[name])) for row in rows if float(row.get(name) or 0)]
    if points:
        axes.plot(*zip(*points, strict=True), label=label, linestyle="--" if dashed else "-", marker=".")
