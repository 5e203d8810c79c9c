"""The picture of the churn: memory, descriptors and threads over the number of sessions."""

from collections.abc import Mapping
from typing import Any


def draw_churn(churn: Mapping[str, Any]) -> Any:
    """The figure; the band is 10 % around the plateau."""
    from matplotlib.figure import Figure  # noqa: PLC0415 - of the development group; Figure itself needs no display

    rows, plateau = churn["over the sessions"], churn["resident_mib"]["plateau"]
    sessions = [row["sessions"] for row in rows]
    figure = Figure(figsize=(9.2, 3.6), dpi=90, layout="constrained")
    memory, counts = figure.subplots(1, 2)
    memory.axhspan(plateau * 0.9, plateau * 1.1, color="0.9", label="10 % around the plateau")
    memory.plot(sessions, [row["resident_mib"] for row in rows], label="resident memory, MiB")
    memory.set_ylim(0, plateau * 1.3)
    counts.plot(sessions, [row["descriptors"] for row in rows], label="descriptors")
    counts.plot(sessions, [row["threads"] for row in rows], label="threads")
    counts.set_ylim(bottom=0)
    for axes in (memory, counts):
        axes.set_xlabel("sessions opened and closed")
        axes.grid(visible=True, alpha=0.3)
        axes.legend(loc="lower right")
    return figure
