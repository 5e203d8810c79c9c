"""Live tuning: keeps the input size of live streams at what the processor allows, or at what the settings say."""

import asyncio
import logging
import time
from collections.abc import Callable

from server.config.settings import Live
from server.domain.errors import ModelError
from server.domain.model import ModelInfo
from server.inference.throughput import SizeThroughput, Throughput, smaller_sizes
from server.pipeline.stats import StreamStats
from server.pipeline.tuning import InputLevel, InputTuner
from server.web.served_model import ServedModel

logger = logging.getLogger(__name__)

INTERVAL_S = 1.0


class LiveTuning:
    """The input size of live streams, from `start()` to `aclose()`; `streams` tells how those that run do."""

    def __init__(
        self,
        live: Live,
        *,
        model: ServedModel,
        streams: Callable[[], list[StreamStats]],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._live = live
        self._model = model
        self._streams = streams
        self._clock = clock
        self._tuner: InputTuner | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def level(self) -> InputLevel:
        """The present size and why; raises NotReady until the model is there."""
        if self._live.imgsz is not None:
            return InputLevel(self._sizes()[0].imgsz, "pinned")
        return InputLevel(self._model.info.imgsz, "full") if self._tuner is None else self._tuner.level

    @property
    def capacity_fps(self) -> float:
        """Detections a second at the smallest size that streams may come down to; raises NotReady until the model is there."""
        return self._sizes()[-1].detections_fps

    def start(self) -> None:
        """Begins to look after the streams once the model is there."""
        if self._live.imgsz is None:
            self._task = asyncio.create_task(self._run(), name="tune live streams")

    async def aclose(self) -> None:
        """Stops looking."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def _run(self) -> None:
        try:
            await self._model.loaded()
        except ModelError:  # told by whoever loads it
            return
        self._tuner = tuner = InputTuner(self._sizes(), min_fps=self._live.min_detections_fps)
        before = tuner.level
        while True:
            tuner.update(self._streams(), now_s=self._clock())
            if tuner.level != before:
                logger.info("live streams are detected at %d px now (%s)", tuner.level.imgsz, tuner.level.reason)
                before = tuner.level
            await asyncio.sleep(INTERVAL_S)

    def _sizes(self) -> tuple[SizeThroughput, ...]:
        return allowed_sizes(self._live, self._model.info, throughput=self._model.throughput)


def sizes_to_measure(live: Live, model: ModelInfo) -> tuple[int, ...]:
    """The input sizes beside the model's own at which live streams may be detected, falling."""
    if live.imgsz is not None:
        return () if live.imgsz == model.imgsz else (live.imgsz,)
    return tuple(size for size in smaller_sizes(model.imgsz) if size >= live.min_imgsz)


def allowed_sizes(live: Live, model: ModelInfo, *, throughput: Throughput) -> tuple[SizeThroughput, ...]:
    """What was measured at the sizes at which live streams may be detected, falling, at least one.

    A model that was exported for one size has just that, whatever the settings say.
    """
    own = SizeThroughput(model.imgsz, throughput.detections_fps)
    wanted = sizes_to_measure(live, model)
    measured = tuple(size for size in throughput.smaller if size.imgsz in wanted)
    return measured if live.imgsz is not None and measured else (own, *measured)
