"""Memory of a process that detects in pictures of ever more shapes, as the engine is set up and without its bounds.

The delivered model with two engines, two frames of each shape at once. Figures are resident memory after so many shapes in MiB,
and after all of them three times over; see `docs/adr/0011-few-input-shapes-at-hand.md`.
"""

import argparse
import json
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from benchmarks.report.results import write_result
from server.domain.detection import DetectOptions
from server.domain.frame import Frame, PixelLayout
from server.inference import openvino
from server.inference.compute import Compute
from server.inference.loader import load_detector
from server.resources import delivered_model
from server.web.heap import use_few_arenas
from tests.server_process import REPOSITORY

WORKERS = 2
# All proportions from 4:1 to 1:4 at one input size; the input's sides are multiples of 32.
SIZES = (*((640, height) for height in range(160, 641, 32)), *((width, 640) for width in range(160, 640, 32)))
SHOWN = (1, 2, 4, 8, 16, len(SIZES))
WITHOUT_BOUNDS = {"ONEDNN_PRIMITIVE_CACHE_CAPACITY": "1024"}  # oneDNN's own


def run() -> None:
    """Each case in a process of its own."""
    cases = {"bounded": (openvino.KEPT_SHAPES, {}), "unbounded": (len(SIZES), WITHOUT_BOUNDS)}
    write_result("shapes", {name: _measure(kept, environ=environ) for name, (kept, environ) in cases.items()})


def _measure(kept: int, *, environ: dict[str, str]) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.shapes", "--kept", str(kept)]
    own = {name: value for name, value in os.environ.items() if name not in WITHOUT_BOUNDS}
    done = subprocess.run(command, cwd=REPOSITORY, env={**own, **environ}, capture_output=True, text=True, check=True)
    told: dict[str, float] = json.loads(done.stdout)
    return told


def main() -> None:
    """Detects in all shapes, and prints the memory on the way as a JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kept", type=int, required=True, help="shapes that an engine's stream keeps")
    use_few_arenas()  # as the server does
    openvino.KEPT_SHAPES = parser.parse_args().kept
    detector = load_detector(delivered_model(), compute=Compute(at_once=WORKERS))
    requests = [detector.create_request() for _ in range(WORKERS)]
    told: dict[str, float] = {}
    with ThreadPoolExecutor(WORKERS) as threads:
        for turn in range(3):
            for number, (width, height) in enumerate(SIZES, 1):
                frame = Frame(np.full((height, width, 3), 114, np.uint8), PixelLayout.BGR)
                options = DetectOptions(confidence=1.0, iou=0.7)
                requests[0].detect(frame, options)  # alone
                for _ in range(2):
                    list(threads.map(lambda request, *given: request.detect(*given), requests, [frame] * 2, [options] * 2))
                if turn == 0 and number in SHOWN:
                    told[f"shapes: {number}"] = _resident_mib()
    told[f"shapes: {len(SIZES)}, three times over"] = _resident_mib()
    print(json.dumps(told))


def _resident_mib() -> float:
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return round(int(re.findall(r"^VmRSS:\s+(\d+) kB", status, re.MULTILINE)[0]) / 1024, 1)


if __name__ == "__main__":
    main()
