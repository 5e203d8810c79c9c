"""Scale: what grows with processors, streams, frame size and objects a frame, one of them at a time.

Streams of 640x480 at 15 frames a second unless it says otherwise, the drawn scene with one firearm, input size 416, computed as
it comes: in 8-bit integers where the processor multiplies them; `float32` as it says. Frame sizes and objects are those of four
streams at 30 frames a second, more than two processors manage. The server alone is held to so many processors; its publishers,
which take 2 % of one for each stream, are not. `ms_a_frame` is processor time of everything for one frame that was detected and
sent back, `others` the processors that other programs had; both are medians of the rounds.
"""

import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.load.film import write_film
from benchmarks.load.rig import LoadRig
from benchmarks.report.results import summary, write_result

IMGSZ = 416
CORES = (1, 2)
STREAMS = (1, 2, 4, 8)
SIZES = ((320, 240), (640, 480), (1280, 720), (1920, 1080))
OBJECTS = (0, 1, 4, 16, 64)
FPS = 15
# What is more than enough for two processors.
MANY_STREAMS, MANY_FPS = 4, 30


def run(*, rounds: int = 3, settle_s: float = 3.0, slices: int = 3) -> None:
    """Takes all of them in turns, several times."""
    with tempfile.TemporaryDirectory() as folder:
        scale = _Scale(Path(folder), settle_s=settle_s, slices=slices)
        found: list[dict[str, dict[str, dict[str, Any]]]] = []
        for _ in range(rounds):
            streams = {f"{cores} cores": scale.streams(cores) for cores in CORES}
            float32 = {"2 cores, float32": scale.streams(2, precision="f32")}
            found.append({**streams, **float32, "frame size": scale.sizes(), "objects": scale.objects()})
    write_result("scale", {"rounds": rounds, **{name: _summaries([one[name] for one in found]) for name in found[0]}})


class _Scale:
    """Measures one row after another; films are made once."""

    def __init__(self, folder: Path, *, settle_s: float, slices: int) -> None:
        self._folder = folder
        self._settle_s = settle_s
        self._slices = slices

    def streams(self, cores: int, *, precision: str = "auto") -> dict[str, dict[str, Any]]:
        """Rows by the number of streams."""
        rows: dict[str, dict[str, Any]] = {}
        with LoadRig(self._film((640, 480), objects=1), fps=FPS, imgsz=IMGSZ, cores=cores, precision=precision) as rig:
            for number in range(1, max(STREAMS) + 1):
                rig.add()
                if number in STREAMS:
                    rows[str(number)] = self._row(rig)
        return rows

    def sizes(self) -> dict[str, dict[str, Any]]:
        """Rows by the size of the streams' frames."""
        return {f"{width}x{height}": self._many(self._film((width, height), objects=1)) for width, height in SIZES}

    def objects(self) -> dict[str, dict[str, Any]]:
        """Rows by the number of objects in each frame."""
        return {str(objects): self._many(self._film((640, 480), objects=objects)) for objects in OBJECTS}

    def _many(self, film: Path) -> dict[str, Any]:
        with LoadRig(film, fps=MANY_FPS, imgsz=IMGSZ) as rig:
            for _ in range(MANY_STREAMS):
                rig.add()
            return self._row(rig)

    def _row(self, rig: LoadRig) -> dict[str, Any]:
        time.sleep(self._settle_s)
        row = rig.measure(slices=self._slices)
        detected_fps = row["detected_fps"]["each"]
        works = {work: round(spent / detected_fps, 1) for work, spent in row["ms_a_stream_and_second"].items()}
        return {
            "detected_fps": round(detected_fps * row["streams"], 1),
            "box_age_p95_ms": row["box_age_p95_ms"],
            "ms_a_frame": {"all": round(sum(works.values()), 1), **works},
            "others": row["processors"]["others"],
        }

    def _film(self, size: tuple[int, int], *, objects: int) -> Path:
        path = self._folder / f"{size[0]}x{size[1]}-{objects}.h264"
        return path if path.exists() else write_film(path, width=size[0], height=size[1], fps=FPS, objects=objects)


def _summaries(rounds: Sequence[dict[str, dict[str, Any]]]) -> dict[str, dict[str, Any]]:
    """Each row over all rounds."""
    return {name: _summary([one[name] for one in rounds]) for name in rounds[0]}


def _summary(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    works = rows[0]["ms_a_frame"]
    return {
        "detected_fps": summary([row["detected_fps"] for row in rows]),
        "box_age_p95_ms": summary([row["box_age_p95_ms"] for row in rows]),
        "ms_a_frame": {work: round(statistics.median(row["ms_a_frame"][work] for row in rows), 1) for work in works},
        "others": statistics.median(row["others"] for row in rows),
    }
