"""Throughput: how many frames a second a detector manages on this machine, found by trying."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from server.domain.detection import DetectOptions
from server.domain.frame import Frame, PixelLayout
from server.inference.pool import DetectorPool

# A webcam's usual picture; every other live frame of the model's input size costs at most as much.
WIDTH_PX, HEIGHT_PX = 640, 480
# Nothing is sure by 1, so that the grey picture costs no time behind the network.
_OPTIONS = DetectOptions(confidence=1.0, iou=1.0)

# With warming up and the frames under way at the end it stays under 2 s wherever a frame takes less than 0.3 s.
ALONE_S, TOGETHER_S = 0.25, 0.6
MOST_FRAMES = 100


@dataclass(frozen=True, slots=True)
class Throughput:
    """What was measured: `frame_ms` of one frame alone, and `detections_fps` of all workers together."""

    frame_ms: float
    detections_fps: float


async def measure(pool: DetectorPool, *, clock: Callable[[], float] = time.perf_counter) -> Throughput:
    """Times the pool, which nobody else uses meanwhile.

    The work is done by the pool's own threads, which also makes the memory of each worker: the first real frames find it warm.
    """
    frame = Frame(np.full((HEIGHT_PX * 3 // 2, WIDTH_PX), 114, np.uint8), PixelLayout.I420)
    workers = pool.stats().workers
    await asyncio.gather(*(pool.detect(frame, _OPTIONS) for _ in range(workers)))
    alone_s, frames = await _run(pool, frame, at_once=1, limit_s=ALONE_S, clock=clock)
    together_s, together = await _run(pool, frame, at_once=workers, limit_s=TOGETHER_S, clock=clock)
    return Throughput(frame_ms=1000 * alone_s / frames, detections_fps=together / together_s)


async def _run(
    pool: DetectorPool, frame: Frame, *, at_once: int, limit_s: float, clock: Callable[[], float]
) -> tuple[float, int]:
    """Keeps `at_once` frames under way; returns the seconds, never 0, and how many frames they sufficed for."""
    started = clock()
    frames = 0

    async def detect() -> None:
        nonlocal frames
        while frames < MOST_FRAMES and (frames == 0 or clock() - started < limit_s):
            await pool.detect(frame, _OPTIONS)
            frames += 1

    await asyncio.gather(*(detect() for _ in range(at_once)))
    return max(clock() - started, 1e-6), frames
