"""Speed and accuracy of one model in several stored forms (32, 16 and 8 bits), computed in f32 and in the processor's best.

`python -m benchmarks.precision fp16=best_sightline int8=best_sightline_int8 --data set/data.yaml` measures folders that
`sightline export` made. Rounds are interleaved, so that what else the machine does meets all of them alike.
"""

import argparse
import os
import time
from pathlib import Path

import numpy as np

from benchmarks.report import summary, write_result
from server.domain.detection import DetectOptions
from server.domain.frame import Frame, PixelLayout
from server.domain.protocols import InferRequest
from server.inference.loader import Precision, load_detector
from server.training.evaluate import Workplace, evaluate_pictures
from server.training.labelled_pictures import LabelledSplit, read_split
from tests.scenes import draw_firearm

IMGSZ = 640
SHAPES = {"640x384": (1280, 768), "640x640": (960, 960)}
"""The detector's input, and the width and height of a picture that leads to it."""
PRECISIONS: tuple[Precision, ...] = ("auto", "f32")


def main() -> None:
    """Measures the folders that are named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", nargs="+", metavar="NAME=FOLDER")
    parser.add_argument("--data", type=Path, help="data.yaml: accuracy on its split val, too")
    parser.add_argument("--rounds", type=int, default=60)
    arguments = parser.parse_args()
    folders = {name: Path(folder) for name, _, folder in (one.partition("=") for one in arguments.models)}
    split = read_split(arguments.data, split="val") if arguments.data else None
    figures = {
        "detector_ms": _speed(folders, rounds=arguments.rounds),
        "mib": {name: _mib(one) for name, one in folders.items()},
    }
    if split is not None:
        figures["accuracy"] = {name: _accuracy(folder, split) for name, folder in folders.items()}
    write_result("precision", figures)


def _speed(folders: dict[str, Path], *, rounds: int) -> dict[str, object]:
    """Milliseconds from a frame to its detections."""
    requests: dict[str, InferRequest] = {}
    for name, folder in folders.items():
        for precision in PRECISIONS:
            detector = load_detector(folder, precision=precision, imgsz=IMGSZ)
            requests[f"{name}, {_shown(detector.info.precision, precision)}"] = detector.create_request()
    return {shape: _interleaved(requests, size=size, rounds=rounds) for shape, size in SHAPES.items()}


def _interleaved(requests: dict[str, InferRequest], *, size: tuple[int, int], rounds: int) -> dict[str, object]:
    frame = Frame(np.ascontiguousarray(draw_firearm(size).bgr), PixelLayout.BGR)
    options = DetectOptions(confidence=0.25, iou=0.7)
    took_ms: dict[str, list[float]] = {name: [] for name in requests}
    for number in range(rounds + 3):
        for name, request in requests.items():
            started = time.perf_counter()
            request.detect(frame, options)
            if number >= 3:  # the first ones compile for this shape
                took_ms[name].append((time.perf_counter() - started) * 1e3)
    return {name: summary(values) for name, values in took_ms.items()}


def _shown(computed: str, asked: str) -> str:
    return f"{asked} ({computed})" if asked == "auto" else asked


def _mib(folder: Path) -> float:
    return round(sum(file.stat().st_size for file in folder.glob("*.bin")) / 2**20, 2)


def _accuracy(folder: Path, split: LabelledSplit) -> dict[str, object]:
    """On the validation split, computed as the server would by default."""
    detector = load_detector(folder, imgsz=IMGSZ)
    place = Workplace(workers=1, io_threads=max(2, os.cpu_count() or 1), max_pixels=10**8)
    served = evaluate_pictures(detector, split, sizes=[IMGSZ], confidence=detector.info.confidence, workplace=place)[
        IMGSZ
    ].metrics
    figures = {
        "map50": served.map50,
        "map50_95": served.map50_95,
        "best_f1": served.best.f1,
        "recall": served.default.recall,
    }
    return {name: None if value is None else round(value, 4) for name, value in figures.items()}


if __name__ == "__main__":
    main()
