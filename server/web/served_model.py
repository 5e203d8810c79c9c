"""The model that is served: loads behind the open socket, then answers."""

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import Executor

from server.domain.errors import NotReady
from server.domain.model import ModelInfo
from server.domain.protocols import Annotator, Detector
from server.inference.pool import DetectorPool
from server.pipeline.annotator import BoxAnnotator

logger = logging.getLogger(__name__)


class ServedModel:
    """One model with its detector pool, from `start()` to `aclose()`.

    `load` and the pool's own start and end block and run on `executor`, so that the server answers meanwhile. Until the model
    is there everything that needs it raises NotReady.
    """

    def __init__(self, load: Callable[[], Detector], *, workers: int, executor: Executor) -> None:
        self._load = load
        self._workers = workers
        self._executor = executor
        self._pool: DetectorPool | None = None
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

    async def aclose(self) -> None:
        """Ends the pool; waits for a load that is under way, as a thread cannot be interrupted."""
        if self._task is not None:
            await asyncio.wait([self._task])
        if self._pool is not None:
            await asyncio.get_running_loop().run_in_executor(self._executor, self._pool.close)

    async def _open(self) -> None:
        loop = asyncio.get_running_loop()
        pool = await loop.run_in_executor(self._executor, self._create_pool)
        self._annotator = BoxAnnotator(pool.info.labels)
        self._pool = pool
        logger.info("model ready: %s on %s, %s", pool.info.name, " ".join(pool.info.runtime), pool.info.precision)

    def _create_pool(self) -> DetectorPool:
        return DetectorPool(self._load(), workers=self._workers)
