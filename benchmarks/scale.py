"""Scale: what grows with processors, streams, frame size and objects a frame, one of them at a time.

Streams of 640x480 at 15 frames a second unless it says otherwise, the drawn scene with one firearm, input size 416, computed as
it comes: in 8-bit integers where the processor multiplies them; `float32` as it says. Frame sizes and objects are those of four
streams at 30 frames a second, more than two processors manage. The server alone is held to so many processors; its publishers,
which take 2 % of one for each stream, are not. `ms_a_frame` is processor time of everything for one frame that was detected and
sent back.
"""

import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from benchmarks.film import write_film
from benchmarks.load_rig import LoadRig
from benchmarks.report import write_result

IMGSZ = 416
CORES = (1, 2)
STREAMS = (1, 2, 4, 8)
SIZES = ((320, 240), (640, 480), (1280, 720), (1920, 1080))
OBJECTS = (0, 1, 4, 16, 64)
FPS = 15
# What is more than enough for two processors.
MANY_STREAMS, MANY_FPS = 4, 30


def run(*, rounds: int = 2, settle_s: float = 3.0, slices: int = 3) -> None:
    """Takes each in turns; of the rounds that with the most detections counts for each row, being disturbed the least."""
    with tempfile.TemporaryDirectory() as folder:
        scale = _Scale(Path(folder), settle_s=settle_s, slices=slices)
        found: list[dict[str, dict[str, dict[str, Any]]]] = []
        for _ in range(rounds):
            streams = {f"{cores} cores": scale.streams(cores) for cores in CORES}
            float32 = {"2 cores, float32": scale.streams(2, precision="f32")}
            found.append({**streams, **float32, "frame size": scale.sizes(), "objects": scale.objects()})
    write_result("scale", {"rounds": rounds, **{name: _best(one[name] for one in found) for name in found[0]}})


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


def _best(rounds: Iterable[dict[str, dict[str, Any]]]) -> dict[str, dict[str, Any]]:
    """For each row that of the round with the most detections."""
    found = list(rounds)
    return {name: max((one[name] for one in found), key=lambda row: float(row["detected_fps"])) for name in found[0]}
