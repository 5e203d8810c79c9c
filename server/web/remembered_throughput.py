"""Remembered throughput: measured once for a model on this machine, and kept in the data folder."""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from pathlib import Path

from server.config.settings import Settings
from server.inference.pool import DetectorPool
from server.inference.processors import available_processors
from server.inference.throughput import Throughput, measure
from server.inference.throughput_cache import ThroughputCache, throughput_key
from server.web.configured_model import detector_workers, model_path
from server.web.live_tuning import sizes_to_measure

logger = logging.getLogger(__name__)

# Alone on a machine the measurement gets 0.99 of the processor time there is, beside two busy programs on two cores 0.3.
QUIET_SHARE = 0.75


class RememberedThroughput:
    """Times a detector pool, unless the same was done within the last day; `io` reads and writes the file.

    What was measured while other programs had the processors holds for this start only. `processor_clock` tells the processor
    time that this process has had, in seconds.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        io: Executor,
        clock: Callable[[], float] = time.perf_counter,
        processor_clock: Callable[[], float] = time.process_time,
    ) -> None:
        self._settings = settings
        self._cache = ThroughputCache(Path(settings.server.data_dir).expanduser())
        self._io = io
        self._clock = clock
        self._processor_clock = processor_clock

    async def __call__(self, pool: DetectorPool) -> Throughput:
        """What the pool manages; raises what `measure` raises."""
        loop = asyncio.get_running_loop()
        sizes = sizes_to_measure(self._settings.live, pool.info)
        key = await loop.run_in_executor(self._io, self._key, pool, sizes)
        known = await loop.run_in_executor(self._io, self._cache.get, key)
        if known is not None:
            return known
        started_s, used_s = self._clock(), self._processor_clock()
        measured = await measure(pool, sizes=sizes)
        if self._was_quiet(self._clock() - started_s, used_s=self._processor_clock() - used_s):
            await loop.run_in_executor(self._io, self._cache.put, key, measured)
        else:
            logger.info("other programs had the processors: the measured speed holds for this start only")
        return measured

    def _was_quiet(self, passed_s: float, *, used_s: float) -> bool:
        """Whether the measurement got the processors that it asked for."""
        processors = min(self._settings.inference.threads or available_processors(), available_processors())
        return used_s >= QUIET_SHARE * passed_s * processors

    def _key(self, pool: DetectorPool, sizes: Sequence[int]) -> str:
        inference = self._settings.inference
        return throughput_key(
            pool.info,
            path=model_path(self._settings),
            sizes=sizes,
            workers=detector_workers(self._settings),
            threads=inference.threads,
        )
