"""Throughput: how many frames a second a detector manages on this machine, found by trying, at a few input sizes."""

import asyncio
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from server.domain.detection import DetectOptions
from server.domain.errors import InvalidRequest
from server.domain.frame import Frame, PixelLayout
from server.inference.letterbox import STRIDE_PX
from server.inference.pool import DetectorPool

# A webcam's usual picture; every other live frame of the model's input size costs at most as much.
WIDTH_PX, HEIGHT_PX = 640, 480
# What a live stream may be brought down to, as shares of the model's own size: each costs about two thirds of the one before.
SMALLER = (0.8, 0.65, 0.5)
LEAST_PX = 160

# With warming up and the frames under way at the end it stays under 2 s wherever a frame takes less than 0.15 s.
ALONE_S, TOGETHER_S, SMALLER_S = 0.2, 0.5, 0.2
MOST_FRAMES = 100


@dataclass(frozen=True, slots=True)
class SizeThroughput:
    """How many detections a second all workers together manage at one input size, its longest side in pixels."""

    imgsz: int
    detections_fps: float


@dataclass(frozen=True, slots=True)
class Throughput:
    """What was measured: `frame_ms` of one frame alone, and `detections_fps` of all workers together, at the model's own size.

    `smaller` are the sizes below it, falling; none where the model takes one size only.
    """

    frame_ms: float
    detections_fps: float
    smaller: tuple[SizeThroughput, ...] = ()


def smaller_sizes(imgsz: int) -> tuple[int, ...]:
    """The input sizes below a model's own at which live streams may be detected, falling."""
    sizes = {round(imgsz * share / STRIDE_PX) * STRIDE_PX for share in SMALLER}
    return tuple(sorted((size for size in sizes if LEAST_PX <= size < imgsz), reverse=True))


async def measure(
    pool: DetectorPool, *, sizes: Iterable[int] | None = None, clock: Callable[[], float] = time.perf_counter
) -> Throughput:
    """Times the pool, which nobody else uses meanwhile: at its model's size and at `sizes`, by default `smaller_sizes`.

    The work is done by the pool's own threads, which also makes the memory of each worker: the first real frames find it warm.
    """
    frame = Frame(np.full((HEIGHT_PX * 3 // 2, WIDTH_PX), 114, np.uint8), PixelLayout.I420)
    workers = pool.stats().workers
    timing = _Timing(pool, frame, clock=clock)
    await timing.warm_up(imgsz=None, workers=workers)
    alone_fps = await timing.rate_fps(at_once=1, limit_s=ALONE_S, imgsz=None)
    together_fps = await timing.rate_fps(at_once=workers, limit_s=TOGETHER_S, imgsz=None)
    smaller: list[SizeThroughput] = []
    try:
        for size in smaller_sizes(pool.info.imgsz) if sizes is None else sizes:
            await timing.warm_up(imgsz=size, workers=workers)
            smaller.append(SizeThroughput(size, await timing.rate_fps(at_once=workers, limit_s=SMALLER_S, imgsz=size)))
    except InvalidRequest:  # the model was exported for one size
        smaller = []
    return Throughput(frame_ms=1000 / alone_fps, detections_fps=together_fps, smaller=tuple(smaller))


class _Timing:
    """Times one pool with one frame."""

    def __init__(self, pool: DetectorPool, frame: Frame, *, clock: Callable[[], float]) -> None:
        self._pool = pool
        self._frame = frame
        self._clock = clock

    async def warm_up(self, *, imgsz: int | None, workers: int) -> None:
        """Gives each worker a frame."""
        options = _options(imgsz)
        await asyncio.gather(*(self._pool.detect(self._frame, options) for _ in range(workers)))

    async def rate_fps(self, *, at_once: int, limit_s: float, imgsz: int | None) -> float:
        """Keeps `at_once` frames under way; returns how many were done a second."""
        options = _options(imgsz)
        started = self._clock()
        frames = 0

        async def detect() -> None:
            nonlocal frames
            while frames < MOST_FRAMES and (frames == 0 or self._clock() - started < limit_s):
                await self._pool.detect(self._frame, options)
                frames += 1

        await asyncio.gather(*(detect() for _ in range(at_once)))
        return frames / max(self._clock() - started, 1e-6)


def _options(imgsz: int | None) -> DetectOptions:
    """Nothing is sure by 1, so that the grey picture costs no time behind the network."""
    return DetectOptions(confidence=1.0, iou=1.0, imgsz=imgsz)
