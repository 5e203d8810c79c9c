"""The soak as a picture: everything that must be flat, over the time."""

from collections.abc import Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.meters.soak_samples import Sample

PANELS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("MiB", ("resident_mib", "in_use_mib", "children_mib")),
    ("count", ("descriptors", "threads", "tasks")),
    ("milliseconds", ("box_age_ms", "age_ms")),
    ("count", ("streams", "children")),
)
LABELS = {
    "resident_mib": "memory of the server",
    "in_use_mib": "of that in use, as its allocator counts",
    "children_mib": "memory of its children",
    "descriptors": "descriptors",
    "threads": "threads",
    "tasks": "tasks",
    "box_age_ms": "age of the boxes (p95, median stream)",
    "age_ms": "age of the results (p95, median stream)",
    "streams": "live streams",
    "children": "child processes",
}


def write_plot(path: Path, samples: Sequence[Sample], *, warm_up_s: float) -> None:
    """Writes a PNG; what lies before `warm_up_s` is shaded, as it does not count."""
    figure = Figure(figsize=(10.0, 9.0), dpi=110, layout="constrained")
    panels = figure.subplots(len(PANELS), 1, sharex=True)
    for axes, (unit, names) in zip(panels, PANELS, strict=True):
        for name in names:
            _plot(axes, samples, name)
        axes.axvspan(0, warm_up_s / 60, color="grey", alpha=0.15, linewidth=0)
        axes.set(ylabel=unit, ylim=(0, None))
        axes.grid(visible=True, alpha=0.3)
        axes.legend(loc="upper right", fontsize="small")
    panels[-1].set(xlabel="minutes", xlim=(0, samples[-1].at_s / 60))
    figure.savefig(path, format="png", metadata={"Software": None})


def _plot(axes: Axes, samples: Sequence[Sample], name: str) -> None:
    points = [(sample.at_s / 60, value) for sample in samples if (value := getattr(sample, name)) is not None]
    if points:
        minutes, values = zip(*points, strict=True)
        axes.plot(minutes, values, label=LABELS[name], linewidth=1.2)
