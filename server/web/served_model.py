"""The model that is served: loads behind the open socket, then answers."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from concurrent.futures import Executor

from server.domain.errors import DetectorFailed, ModelError, NotReady
from server.domain.model import ModelInfo
from server.domain.protocols import Annotator, Detector
from server.inference.pool import DetectorPool
from server.inference.throughput import Throughput, measure
from server.pipeline.annotator import BoxAnnotator

logger = logging.getLogger(__name__)


TimePool = Callable[[DetectorPool], Awaitable[Throughput]]


class ServedModel:
    """One model with its detector pool, from `start()` to `aclose()`.

    `load` and the pool's own start and end block and run on `executor`, so that the server answers meanwhile; `time_pool` then
    finds out how quick it is, before anybody else uses it. Until the model is there everything that needs it raises NotReady.
    A frame that takes longer than `hang_s` is given up, see DetectorPool.
    """

    def __init__(
        self,
        load: Callable[[], Detector],
        *,
        workers: int,
        executor: Executor,
        hang_s: float | None = None,
        time_pool: TimePool = measure,
    ) -> None:
        self._load = load
        self._workers = workers
        self._hang_s = hang_s
        self._executor = executor
        self._time_pool = time_pool
        self._pool: DetectorPool | None = None
        self._throughput: Throughput | None = None
        self._annotator: Annotator | None = None
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begins to load."""
        self._task = asyncio.create_task(self._open(), name="load the model")

    async def loaded(self) -> None:
        """Returns when the model is there; raises ModelError when it cannot be loaded."""
        if self._task is None:
            raise RuntimeError("start() comes before loaded()")
        await asyncio.shield(self._task)

    @property
    def ready(self) -> bool:
        """Whether the model is there."""
        return self._pool is not None

    @property
    def pool(self) -> DetectorPool:
        """Detects; raises NotReady until the model is there."""
        if self._pool is None:
            raise NotReady("the model is being loaded")
        return self._pool

    @property
    def info(self) -> ModelInfo:
        """What is known of the model; raises NotReady until it is there."""
        return self.pool.info

    @property
    def annotator(self) -> Annotator:
        """Draws with the model's class names; raises NotReady until it is there."""
        if self._annotator is None:
            raise NotReady("the model is being loaded")
        return self._annotator

    @property
    def throughput(self) -> Throughput:
        """How quick it was when it was loaded; raises NotReady until the model is there."""
        if self._throughput is None:
            raise NotReady("the model is being loaded")
        return self._throughput

    async def aclose(self) -> None:
        """Ends the pool; waits for a load that is under way, as a thread cannot be interrupted."""
        if self._task is not None:
            await asyncio.wait([self._task])
        if self._pool is not None:
            await asyncio.get_running_loop().run_in_executor(self._executor, self._pool.close)

    async def _open(self) -> None:
        loop = asyncio.get_running_loop()
        pool = await loop.run_in_executor(self._executor, self._create_pool)
        try:
            throughput = await self._time_pool(pool)
        except DetectorFailed as exc:
            await loop.run_in_executor(self._executor, pool.close)
            raise ModelError(f"{pool.info.name}: the model is loaded but detects nothing: {exc}") from exc
        self._annotator = BoxAnnotator(pool.info.labels)
        self._throughput = throughput
        self._pool = pool
        logger.info(
            "model ready: %s on %s, %s; %.0f ms a frame, %.0f detections a second",
            pool.info.name,
            " ".join(pool.info.runtime),
            pool.info.precision,
            throughput.frame_ms,
            throughput.detections_fps,
        )

    def _create_pool(self) -> DetectorPool:
        return DetectorPool(self._load(), workers=self._workers, hang_s=self._hang_s)
