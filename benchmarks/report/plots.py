"""Plots of the results, as small pictures for the report."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from benchmarks.meters.thread_times import WORKS
from benchmarks.report.churn_plot import draw_churn

_DPI = 90
_LIMIT = {"color": "grey", "linestyle": ":", "linewidth": 1}
Result = Mapping[str, Any]


def draw_plots(figures: Mapping[str, Result], folder: Path) -> None:
    """Draws what there are results for."""
    folder.mkdir(exist_ok=True)
    for file, (name, draw) in _PLOTS.items():
        if name in figures:
            draw(figures[name]).savefig(folder / file, format="png", metadata={"Software": None})


def plots_of(name: str) -> list[str]:
    """The names of the files that a result is drawn into."""
    return [file for file, (of, _) in _PLOTS.items() if of == name]


def _axes(columns: int) -> tuple[Any, Any]:
    from matplotlib.figure import Figure  # noqa: PLC0415 - of the development group; Figure itself needs no display

    figure = Figure(figsize=(4.6 * columns, 3.6), dpi=_DPI, layout="constrained")
    axes = figure.subplots(1, columns, squeeze=False)[0]
    for each in axes:
        each.grid(visible=True, alpha=0.3)
    return figure, axes


def _conditions(capacity: Result) -> dict[str, list[Result]]:
    return {name: value["steps"] for name, value in capacity.items() if isinstance(value, Mapping)}


def _draw_capacity(capacity: Result) -> Any:
    figure, (ages, rates) = _axes(2)
    for name, rows in _conditions(capacity).items():
        streams = [row["streams"] for row in rows]
        ages.plot(streams, [row["box_age_p95_ms"] for row in rows], marker=".", label=name)
        rates.plot(streams, [row["detected_fps"]["each"] for row in rows], marker=".", label=name)
    ages.axhline(250, **_LIMIT)
    rates.axhline(5, **_LIMIT)
    ages.set(xlabel="streams", ylabel="box_age_ms p95", ylim=(0, 600))
    rates.set(xlabel="streams", ylabel="detections a second and stream", ylim=(0, 16))
    rates.legend()
    return figure


def _draw_profile(capacity: Result) -> Any:
    """Processor time by work: of a stream with the machine to itself, and of one on a full server."""
    figure, axes = _axes(2)
    for each, row_of, title in zip(axes, (_first, _last), ("one stream", "full"), strict=True):
        rows = {name: row_of(rows) for name, rows in _conditions(capacity).items()}
        names = [_label(name, row) for name, row in rows.items()]
        below = [0.0] * len(rows)
        for work in WORKS:
            spent = [row["ms_a_stream_and_second"][work] for row in rows.values()]
            each.bar(names, spent, bottom=below, label=work)
            below = [low + more for low, more in zip(below, spent, strict=True)]
        each.set(title=title, ylabel="ms of processor time a stream and second")
        each.tick_params(axis="x", labelsize=6)
    figure.legend(*axes[-1].get_legend_handles_labels(), loc="outside right upper")
    return figure


def _label(name: str, row: Result) -> str:
    """Below a bar: what it is of, on three lines."""
    imgsz, _, precision = name.partition(", ")
    return f"{imgsz}\n{precision}\n{row['streams']} x {row['detected_fps']['each']}/s"


def _first(rows: list[Result]) -> Result:
    return rows[0]


def _last(rows: list[Result]) -> Result:
    """The fullest that was served well, if there was one."""
    return rows[max(0, len(rows) - 2)]


def _draw_streams(scale: Result) -> Any:
    figure, (rates, ages) = _axes(2)
    for name, rows in scale.items():
        if "cores" in name and isinstance(rows, dict):
            streams = [int(number) for number in rows]
            rates.plot(streams, [row["detected_fps"]["median"] for row in rows.values()], marker=".", label=name)
            ages.plot(streams, [row["box_age_p95_ms"]["median"] for row in rows.values()], marker=".", label=name)
    rates.set(xlabel="streams", ylabel="detections a second, all streams", ylim=(0, None))
    ages.set(xlabel="streams", ylabel="box_age_ms p95", ylim=(0, None))
    rates.legend()
    return figure


def _draw_frames(scale: Result) -> Any:
    figure, axes = _axes(2)
    for each, name in zip(axes, ("frame size", "objects"), strict=True):
        rows = scale[name]
        below = [0.0] * len(rows)
        for work in WORKS:
            spent = [row["ms_a_frame"][work] for row in rows.values()]
            each.bar(list(rows), spent, bottom=below, label=work)
            below = [low + more for low, more in zip(below, spent, strict=True)]
        each.set(xlabel=name, ylabel="ms of processor time a frame")
        each.tick_params(axis="x", labelsize=8)
    figure.legend(*axes[-1].get_legend_handles_labels(), loc="outside right upper")
    return figure


def _draw_overload(overload: Result) -> Any:
    figure, (ages, memory) = _axes(2)
    minutes = [row["at_s"] / 60 for row in overload.get("series", ())]
    ages.plot(minutes, [row["box_age_p95_ms"] for row in overload.get("series", ())])
    memory.plot(minutes, [row["resident_mib"] for row in overload.get("series", ())])
    ages.set(xlabel="minutes", ylabel="box_age_ms p95", ylim=(0, None))
    memory.set(xlabel="minutes", ylabel="resident memory, MiB", ylim=(0, None))
    return figure


_PLOTS: dict[str, tuple[str, Callable[[Result], Any]]] = {
    "capacity.png": ("capacity", _draw_capacity),
    "profile.png": ("capacity", _draw_profile),
    "streams.png": ("scale", _draw_streams),
    "frames.png": ("scale", _draw_frames),
    "overload.png": ("overload", _draw_overload),
    "churn.png": ("churn", draw_churn),
}
