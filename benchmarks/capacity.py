"""Capacity: publishers of 640x480 at 15 frames a second are added one by one until the boxes get old or detections rare.

The last number at which `box_age_ms` was at most 250 at the 95th percentile, and each stream got 5 detections a second. The
input size is pinned and admission is off. Publishers send packets that were encoded before, want the annotated video back and
do not decode it; what they and others on the machine take of the same processors is beside. Computed as it comes, which is with
the INT8 form of the weights where the processor multiplies 8-bit integers; `bf16` and `float32` as they say.
`by_processor_time` is how many streams the processors would be enough for at 5 detections a second each, by what a stream and a
detection cost.
"""

import os
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.load.film import write_film
from benchmarks.load.rig import LoadRig
from benchmarks.report.results import machine, summary, write_result

WIDTH_PX, HEIGHT_PX, FPS = 640, 480, 15
MOST_BOX_AGE_MS, LEAST_DETECTIONS_FPS = 250.0, 5.0
MOST_STREAMS = 24
CONDITIONS = {
    f"{imgsz} px{name}": (imgsz, precision)
    for imgsz in (416, 640)
    for name, precision in (("", "auto"), (", bf16", "bf16"), (", float32", "f32"))
    if precision != "bf16" or machine()["bf16"]
}
# A step that fails while others take part is tried again, for so long.
PATIENCE_S = 60.0


def run(*, rounds: int = 2, settle_s: float = 2.0, slices: int = 3) -> None:
    """Fills a server anew for each condition, all conditions in turns."""
    found: dict[str, list[list[dict[str, Any]]]] = {name: [] for name in CONDITIONS}
    with tempfile.TemporaryDirectory() as folder:
        film = write_film(Path(folder) / "film.h264", width=WIDTH_PX, height=HEIGHT_PX, fps=FPS)
        for _ in range(rounds):
            for name, (imgsz, precision) in CONDITIONS.items():
                with LoadRig(film, fps=FPS, imgsz=imgsz, precision=precision) as rig:
                    found[name].append(fill(rig, settle_s=settle_s, slices=slices))
    write_result("capacity", {"rounds": rounds, **{name: _figures(fillings) for name, fillings in found.items()}})


def fill(rig: LoadRig, *, settle_s: float, slices: int) -> list[dict[str, Any]]:
    """One row for each number of streams, the one that was too many last."""
    rows: list[dict[str, Any]] = []
    while len(rows) < MOST_STREAMS and all(map(holds, rows)):
        rig.add()
        time.sleep(settle_s)
        row = rig.measure(slices=slices)
        if not holds(row):
            row = rig.measure(slices=slices, patience_s=PATIENCE_S)
        rows.append(row)
        print(row, flush=True)
    return rows


def holds(row: dict[str, Any]) -> bool:
    """Whether all streams of a row were served well."""
    box_age_ms = row["box_age_p95_ms"]
    fresh = box_age_ms is not None and box_age_ms <= MOST_BOX_AGE_MS
    return fresh and row["detected_fps"]["least"] >= LEAST_DETECTIONS_FPS


def _figures(fillings: list[list[dict[str, Any]]]) -> dict[str, Any]:
    """The capacity of each round, and the rows of the round in the middle."""
    middle = sorted(fillings, key=len)[len(fillings) // 2]
    return {
        "streams": summary([sum(map(holds, rows)) for rows in fillings]),
        "by_processor_time": summary([_by_processor_time(rows[-1]) for rows in fillings]),
        "steps": middle,
    }


def _by_processor_time(row: dict[str, Any]) -> float:
    """Streams that all processors could serve, at the cost of a full server's stream and detection."""
    works = row["ms_a_stream_and_second"]
    rest_ms = float(sum(spent for work, spent in works.items() if work != "detect"))
    detection_ms = float(row["ms_a_detection"])
    return 1000 * len(os.sched_getaffinity(0)) / (rest_ms + LEAST_DETECTIONS_FPS * detection_ms)
