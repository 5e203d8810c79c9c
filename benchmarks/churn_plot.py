"""The picture of the churn: memory, descriptors and threads over the number of sessions."""

from typing import Any

from matplotlib import rc_context
from matplotlib.figure import Figure

from benchmarks.report import RESULTS


def write_plot(samples: list[dict[str, Any]], *, plateau_from: int) -> None:
    """Writes `results/churn.svg`; the band is 10 % around the plateau."""
    sessions = [sample["sessions"] for sample in samples]
    plateau = sorted(sample["resident_mib"] for sample in samples if sample["sessions"] >= plateau_from)
    middle = plateau[len(plateau) // 2]
    figure = Figure(figsize=(8, 5), layout="constrained")
    memory, counts = figure.subplots(2, 1, sharex=True)
    memory.axhspan(middle * 0.9, middle * 1.1, color="0.9", label="10 % around the plateau")
    memory.plot(sessions, [sample["resident_mib"] for sample in samples], label="resident memory, MiB")
    memory.set_ylim(0, middle * 1.3)
    counts.plot(sessions, [sample["descriptors"] for sample in samples], label="descriptors")
    counts.plot(sessions, [sample["threads"] for sample in samples], label="threads")
    counts.set_ylim(bottom=0)
    counts.set_xlabel("sessions opened and closed")
    for axes in (memory, counts):
        axes.legend(loc="lower right", frameon=False)
        axes.spines[["top", "right"]].set_visible(False)
    with rc_context({"svg.hashsalt": "sightline"}):
        figure.savefig(RESULTS / "churn.svg", metadata={"Date": None})
