"""Retention: finished videos go after a time, and the oldest of them when all together take too much room."""

import asyncio
import logging
import time
from collections.abc import Callable
from concurrent.futures import Executor

from server.domain.clock_jumps import ClockJumps
from server.domain.errors import Conflict, NotFound, RecordsUnavailable
from server.domain.job import Job
from server.jobs.files import JobFiles, Orphans
from server.jobs.options import JobOptions
from server.jobs.queue import RecordedQueue
from server.pipeline.supervised_task import SupervisedTask

logger = logging.getLogger(__name__)

# Nobody minds an hour's worth of videos a minute longer.
INTERVAL_S = 60.0
# After the clock was set: by a person who was wrong, or to what is right. In the second case a day more costs nothing.
HOLD_S = 86_400.0


class Retention:
    """Removes what is too old or too much, every INTERVAL_S, from `start()` to `aclose()`; on the event loop.

    `removed` hears of each id. What waits or runs is never removed, and nothing for its age while the clock cannot be believed.
    """

    def __init__(
        self,
        *,
        queue: RecordedQueue,
        files: JobFiles,
        options: JobOptions,
        io: Executor,
        removed: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._queue = queue
        self._files = files
        self._options = options
        self._io = io
        self._removed = removed
        self._jumps = ClockJumps(hold_s=HOLD_S, wall_clock=queue.clock, clock=clock)
        self._warned = False
        self._wake = asyncio.Event()
        self._task = SupervisedTask(self._run, name="remove old videos")

    def start(self) -> None:
        """Begins; the first time at once, as the server may have been off for long."""
        self._task.start()

    def wake(self) -> None:
        """Says that there is something new."""
        self._wake.set()

    async def aclose(self) -> None:
        """Ends."""
        await self._task.aclose()

    async def sweep(self) -> list[str]:
        """Removes what has to go now, and files that belong to no job; returns the ids of the jobs."""
        if jump_s := self._jumps.jumped_s():
            text = "the clock was set by %+.1f days: no video is removed for its age within the next %g h"
            logger.warning(text, jump_s / 86_400, HOLD_S / 3600)
        keep_s = float("inf") if self._jumps.held else self._options.keep_s
        jobs = await self._queue.all()
        loop = asyncio.get_running_loop()
        sizes = await loop.run_in_executor(self._io, self._sizes, jobs)
        going = due(jobs, sizes, now=self._queue.clock(), keep_s=keep_s, max_bytes=self._options.max_total_bytes)
        for job in going:
            await self._remove(job)
        if not self._jumps.held:  # what is being written looks old as well
            self._tell(await loop.run_in_executor(self._io, self._orphans, jobs))
        return [job.id for job in going]

    async def _run(self) -> None:
        while True:
            self._wake.clear()
            try:
                await self.sweep()
            except RecordsUnavailable:  # the database has told of it
                pass
            except OSError as exc:
                logger.warning("old videos cannot be removed now: %s", exc)
            try:
                async with asyncio.timeout(INTERVAL_S):
                    await self._wake.wait()
            except TimeoutError:
                pass

    async def _remove(self, job: Job) -> None:
        try:
            await self._queue.remove(job.id)
        except (NotFound, Conflict):  # its owner was quicker, or has started it again
            return
        await asyncio.get_running_loop().run_in_executor(self._io, self._files.remove, job.id)
        logger.info("removed %s, which was %s: its time is over, or there was no room", job.name, job.state)
        self._removed(job.id)

    def _tell(self, orphans: Orphans) -> None:
        if orphans.removed:
            logger.info("removed %d uploads and videos that the records do not know", orphans.removed)
        if orphans.kept and not self._warned:
            self._warned = True
            text = "%s: the records do not know %d of the videos there (another database?); they are removed when %g days old"
            logger.warning(text, self._files.folder, orphans.kept, self._options.keep_s / 86_400)

    def _orphans(self, jobs: list[Job]) -> Orphans:
        return self._files.remove_orphans([job.id for job in jobs], keep_s=self._options.keep_s)

    def _sizes(self, jobs: list[Job]) -> dict[str, int]:
        return {job.id: self._files.size(job.id) for job in jobs}


def due(jobs: list[Job], sizes: dict[str, int], *, now: float, keep_s: float, max_bytes: int) -> list[Job]:
    """The finished jobs that have to go: those whose time is over, then the oldest until the rest of them fits.

    What waits or runs does not count: results must not go because much has just arrived.
    """
    finished = sorted((job for job in jobs if job.finished_at is not None and job.state.finished), key=_finished_at)
    going = [job for job in finished if _finished_at(job) + keep_s <= now]
    too_much = sum(sizes[job.id] for job in finished[len(going) :]) - max_bytes
    for job in finished[len(going) :]:
        if too_much <= 0:
            break
        too_much -= sizes[job.id]
        going.append(job)
    return going


def _finished_at(job: Job) -> float:
    return job.finished_at or 0.0
