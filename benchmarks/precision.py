"""Precision: FP32, FP16 weights and INT8 (head in float) of a `.pt`: speed with both hints, and accuracy.

Apart from the other benchmarks, because it needs weights and their data: `python -m benchmarks.precision best.pt data.yaml`, in
the environment of `make extra`.
"""

import argparse
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np

from benchmarks.report.results import summary, write_result
from server.domain.detection import DetectOptions
from server.domain.frame import Frame, PixelLayout
from server.inference.compute import Compute
from server.inference.loader import load_detector
from server.training.evaluate import Workplace, evaluate_pictures
from server.training.export import export_model
from server.training.labelled_pictures import LabelledSplit, read_split

HINTS: tuple[Literal["auto", "f32"], ...] = ("auto", "f32")
HEIGHTS_PX = (360, 640)
"""Frames of 640 pixels' width, that is inputs of 640x384 and 640x640 at input size 640."""


def main() -> None:
    """Exports, evaluates and times in turns; writes `results/precision.json`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("weights", type=Path)
    parser.add_argument("data", type=Path)
    parser.add_argument("--imgsz", type=int, default=640)
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--every", type=int, default=1, help="evaluates every n-th validation picture (default: 1)")
    arguments = parser.parse_args()
    models = _export(arguments.weights, arguments.data)
    split = read_split(arguments.data, split="val")
    split = LabelledSplit(split.name, split.labels, split.pictures[:: arguments.every])
    figures: dict[str, Any] = {"model": arguments.weights.name, "imgsz": arguments.imgsz, "pictures": len(split.pictures)}
    for height in HEIGHTS_PX:
        figures[f"detector_ms {arguments.imgsz}, frame 640x{height}"] = _times(
            models, height=height, imgsz=arguments.imgsz, rounds=arguments.rounds
        )
    figures["accuracy"] = {name: _accuracy(path, split, imgsz=arguments.imgsz) for name, path in models.items()}
    write_result("precision", figures)


def _export(weights: Path, data: Path) -> dict[str, Path]:
    """The folders of the forms; they are kept beside the weights."""
    return {
        "fp32": export_model(weights, form="onnx"),
        "fp16 weights": export_model(weights),
        "int8, head in float": export_model(weights, form="int8", calibration=data),
    }


def _times(models: Mapping[str, Path], *, height: int, imgsz: int, rounds: int) -> dict[str, dict[str, float]]:
    """The detector's time of a frame for each form and hint, one frame each in turns, so that all meet the same machine."""
    requests = {
        f"{name}, hint {hint}": load_detector(path, compute=Compute(hint)).create_request()
        for name, path in models.items()
        for hint in HINTS
    }
    frame = Frame(np.random.default_rng(1).integers(0, 255, (height, 640, 3), np.uint8), PixelLayout.BGR)
    options = DetectOptions(confidence=0.4, iou=0.7, imgsz=imgsz)
    times: dict[str, list[float]] = {name: [] for name in requests}
    for turn in range(rounds + 5):
        for name, request in requests.items():
            took_ms = request.detect(frame, options).timing.detector_ms
            if turn >= 5:  # the first ones meet a cold cache
                times[name].append(took_ms)
    return {name: summary(values) for name, values in times.items()}


def _accuracy(model: Path, split: LabelledSplit, *, imgsz: int) -> dict[str, float | None]:
    """Average precision of the served form through the serving code, at the precision that this machine serves with."""
    workplace = Workplace(workers=os.cpu_count() or 1, io_threads=2, max_pixels=50_000_000)
    found = evaluate_pictures(load_detector(model), split, sizes=[imgsz], confidence=0.25, workplace=workplace)[imgsz]
    return {"map50": found.metrics.map50, "map50_95": found.metrics.map50_95}


if __name__ == "__main__":
    main()
