"""The server as it is, with a detector that sleeps and finds one box: what is measured is the path around it.

`python -m benchmarks.servers.sleeping_server --detector-s 0.06`
"""

import argparse
import asyncio
import os
import time
from dataclasses import dataclass

import numpy as np
from aiohttp import web

from server.config.load import load_settings
from server.domain.detection import DetectionResult, Detections, DetectOptions, Timing
from server.domain.frame import Frame
from server.domain.model import ModelInfo
from server.inference.pool import DetectorPool
from server.inference.throughput import Throughput
from server.web.app import create_app
from server.web.connections import AppRunner
from server.web.garbage import keep_what_is_loaded
from server.web.heap import use_few_arenas

MODEL = ModelInfo("sleeping", ("firearm",), 0.4, 0.7, 640, "none", ("sleep", "1"))


@dataclass(frozen=True)
class SleepingDetector:
    """Takes the same time for each frame, and no processor."""

    detector_s: float
    info: ModelInfo = MODEL

    def create_request(self) -> "SleepingDetector":
        """One worker is like another."""
        return self

    def detect(self, frame: Frame, options: DetectOptions) -> DetectionResult:
        """Sleeps, and finds a box in the middle."""
        del frame, options
        time.sleep(self.detector_s)
        box = np.array([[200, 200, 400, 400]], np.float32)
        found = Detections(box, np.array([0.9], np.float32), np.array([0], np.int32))
        return DetectionResult(found, Timing(0.0, 0.0, self.detector_s * 1000, 0.0))


async def main() -> None:
    """Serves on a free port, and says which."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--detector-s", type=float, required=True)
    arguments = parser.parse_args()
    use_few_arenas()

    async def known(_pool: DetectorPool) -> Throughput:
        return Throughput(frame_ms=1000 * arguments.detector_s, detections_fps=2 / arguments.detector_s)

    app = create_app(
        load_settings(file=None, environ=os.environ, flags={}), detector=SleepingDetector(arguments.detector_s), time_pool=known
    )
    runner = AppRunner(app, access_log=None)
    await runner.setup()
    keep_what_is_loaded()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(f"ready: http://127.0.0.1:{runner.addresses[0][1]}/", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
