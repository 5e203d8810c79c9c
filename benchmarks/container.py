"""The image: size above the base, from start to ready at one processor and at a quarter, memory while a session runs."""

import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.load.publisher import finish_publisher, start_publisher
from benchmarks.report.results import summary, write_result
from tests.container.engine import BASE, build_image, image_bytes, why_impossible
from tests.container.registry import compressed_bytes, push, registry
from tests.container.running import KEY, running

MB = 1_000_000
_CAMERA = ("--key", KEY, "--fps", "15", "--width", "640", "--height", "480")


def run(*, rounds: int = 3, seconds: float = 20.0) -> None:
    """Builds the image unless its layers are there; says why where it cannot."""
    if reason := why_impossible():
        print(f"container: not measured, {reason}")
        return
    image = build_image()
    figures: dict[str, Any] = {"rounds": rounds, "above_base_mb": round((image_bytes(image) - image_bytes(BASE)) / MB)}
    with tempfile.TemporaryDirectory() as folder, registry(Path(folder)) as address:
        push(image, address=address)
        figures["above_base_compressed_mb"] = round(compressed_bytes(address) / MB)
    for processors in (1.0, 0.25):
        figures[f"{processors:g} vCPU"] = _cold_starts(image, processors=processors, rounds=rounds)
    figures["live session 640x480@15, 1 vCPU"] = _live_session(image, seconds=seconds)
    write_result("container", figures)


def _cold_starts(image: str, *, processors: float, rounds: int) -> dict[str, Any]:
    ready_s, resident_mib = [], []
    for _ in range(rounds):
        # Each has data of its own: the detector is timed anew, as on a new task.
        with running(image, processors=processors) as container:
            ready_s.append(container.wait_until_ready())
            time.sleep(2)
            resident_mib.append(container.resident_mib())
    return {"ready_s": summary(ready_s), "resident_mib": summary(resident_mib)}


def _live_session(image: str, *, seconds: float) -> dict[str, Any]:
    with running(image, processors=1, SIGHTLINE_LIVE__MIN_DETECTIONS_FPS="0.5") as container:
        container.wait_until_ready()
        publisher = start_publisher(container, *_CAMERA, seconds=seconds)
        time.sleep(seconds * 0.8)
        memory = {"resident_mib": round(container.resident_mib(), 1), "cgroup_peak_mib": round(container.peak_memory_mib(), 1)}
        report = finish_publisher(publisher)
    rates = {
        name: round(report[key] / seconds, 1) for name, key in (("returned_fps", "returned"), ("detected_fps", "message_count"))
    }
    return {**memory, "round_trip_ms": report["round_trip_ms"], **rates}
