"""Processor time of one detection by the delivered model on one core: float32, which every machine can do, bf16, as chosen."""

import time

import numpy as np

from benchmarks.report.results import machine, summary, write_result
from server.config.settings import Live
from server.domain.detection import DetectOptions
from server.domain.frame import Frame, PixelLayout
from server.inference.compute import Compute, Precision
from server.inference.loader import load_detector
from server.inference.throughput import HEIGHT_PX, WIDTH_PX
from server.pipeline.capacity import DETECTOR_SHARE
from server.resources import delivered_model


def run(*, rounds: int = 8, frames: int = 10) -> None:
    """Counts processor time, not the clock's, so that other programs on the machine hardly matter."""
    precisions: tuple[Precision, ...] = ("f32", "bf16", "auto") if machine()["bf16"] else ("f32", "auto")
    times_ms = {precision: _times_ms(precision, rounds=rounds, frames=frames) for precision in precisions}
    figures: dict[str, object] = {"frame": f"{WIDTH_PX}x{HEIGHT_PX} I420", "detections": rounds * frames}
    for precision, spent_ms in times_ms.items():
        found = summary(spent_ms)
        figures[f"precision {precision}"] = {
            "cpu_ms": found,
            "detections_a_second_and_core": round(1000 / found["median"], 1),
            "streams_a_core": round(DETECTOR_SHARE * 1000 / found["median"] / Live().min_detections_fps, 1),
        }
    write_result("detection", figures)


def _times_ms(precision: Precision, *, rounds: int, frames: int) -> list[float]:
    """Milliseconds of processor time a detection, one value a round."""
    request = load_detector(delivered_model(), compute=Compute(precision, threads=1)).create_request()
    frame = Frame(np.full((HEIGHT_PX * 3 // 2, WIDTH_PX), 114, np.uint8), PixelLayout.I420)
    options = DetectOptions(confidence=1.0, iou=1.0)
    for _ in range(frames):  # the first ones make memory
        request.detect(frame, options)
    spent_ms = []
    for _ in range(rounds):
        started_s = time.process_time()
        for _ in range(frames):
            request.detect(frame, options)
        spent_ms.append(1000 * (time.process_time() - started_s) / frames)
    return spent_ms
