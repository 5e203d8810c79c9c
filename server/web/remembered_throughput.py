"""Remembered throughput: measured once for a model on this machine, and kept in the data folder."""

import asyncio
import logging
from concurrent.futures import Executor
from pathlib import Path

from server.config import Settings
from server.inference.pool import DetectorPool
from server.inference.throughput import Throughput, measure
from server.inference.throughput_cache import ThroughputCache, throughput_key
from server.web.configured_model import model_path

logger = logging.getLogger(__name__)


class RememberedThroughput:
    """Times a detector pool, unless the same was done within the last day; `io` reads and writes the file."""

    def __init__(self, settings: Settings, *, io: Executor) -> None:
        self._settings = settings
        self._cache = ThroughputCache(Path(settings.server.data_dir).expanduser())
        self._io = io

    async def __call__(self, pool: DetectorPool) -> Throughput:
        """What the pool manages; raises what `measure` raises."""
        loop = asyncio.get_running_loop()
        key = await loop.run_in_executor(self._io, self._key, pool)
        known = await loop.run_in_executor(self._io, self._cache.get, key)
        if known is not None:
            return known
        measured = await measure(pool)
        await loop.run_in_executor(self._io, self._cache.put, key, measured)
        return measured

    def _key(self, pool: DetectorPool) -> str:
        inference = self._settings.inference
        return throughput_key(pool.info, path=model_path(self._settings), workers=inference.workers, threads=inference.threads)
