"""The runner: takes one job after the other from the queue and has it checked."""

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from server.domain.errors import RecordsUnavailable
from server.domain.job import Job, JobState
from server.jobs.check import Crashed, Outcome, RunningCheck, Stop
from server.jobs.files import JobFiles
from server.jobs.messages import Finished, Refused
from server.jobs.options import JobOptions
from server.jobs.queue import RENEWAL_S, JobQueue
from server.logs import log_context
from server.pipeline.supervised_task import SupervisedTask

logger = logging.getLogger(__name__)

# A job whose worker was killed comes back when its lease has run out, and nobody tells of that.
POLL_S = 3.0
# A file that brings down the whole server with it, its machine's memory say, must not do so at every start.
MOST_ATTEMPTS = 5
MOST_CRASHES = 2


@dataclass(slots=True)
class RunnerStats:
    """Counters since the start: frames checked, seconds spent on it, checks by what came of them."""

    frames: int = 0
    seconds: float = 0.0
    outcomes: dict[str, int] = field(default_factory=lambda: dict.fromkeys(("done", "failed", "cancelled", "crashed"), 0))


class JobRunner:
    """Runs jobs, one at a time, from `start()` to `aclose()`; on the event loop.

    `changed` hears of every job whose state changes here, `progressed` of every step of the running one. `io` removes files.
    `clock` is UTC in seconds.
    """

    def __init__(
        self,
        *,
        queue: JobQueue,
        files: JobFiles,
        options: JobOptions,
        io: Executor,
        changed: Callable[[Job], None],
        progressed: Callable[[Job], None],
        clock: Callable[[], float],
    ) -> None:
        self.running: RunningCheck | None = None
        self.stats = RunnerStats()
        self._queue = queue
        self._files = files
        self._options = options
        self._io = io
        self._changed = changed
        self._progressed = progressed
        self._clock = clock
        self._wake = asyncio.Event()
        self._draining = False
        self._told = ""
        self._task = SupervisedTask(self._run, name="check videos")

    def start(self) -> None:
        """Begins to take jobs."""
        self._task.start()

    def wake(self) -> None:
        """Says that there is a new job."""
        self._wake.set()

    def check_of(self, job_id: str) -> RunningCheck | None:
        """The running check of a job, None when it does not run here."""
        running = self.running
        return running if running is not None and running.job.id == job_id else None

    async def stop(self, job_id: str) -> None:
        """Ends the check of a job that was cancelled, and returns when its process is gone."""
        check = self.check_of(job_id)
        if check is not None:
            check.stop(Stop.CANCELLED)
            await check.ended.wait()

    async def aclose(self) -> None:
        """Takes no more jobs and gives the running one back to the queue, for the next start; may be called again."""
        self._draining = True
        self._wake.set()
        if self.running is not None:
            self.running.stop(Stop.DRAINING)
        await self._task.wait()

    async def _run(self) -> None:
        while not self._draining:
            try:
                job = await self._next()
                if job is not None:
                    with log_context(video=job.id):
                        await self._check(job)
            except RecordsUnavailable:  # the database has told of it
                await self._sleep(POLL_S)
            except OSError as exc:
                self._warn(str(exc))
                await self._sleep(POLL_S)

    def _warn(self, trouble: str) -> None:
        """One line until something else goes wrong, or a video is checked."""
        if trouble != self._told:
            logger.warning("videos wait: %s", trouble)
        self._told = trouble

    async def _next(self) -> Job | None:
        """The next job; None after a while without one."""
        self._wake.clear()
        job = await self._queue.claim()
        if job is None and not self._draining:
            await self._sleep(POLL_S)
        return job

    async def _sleep(self, seconds: float) -> None:
        """Waits, but not longer than until the next call of `wake()`."""
        try:
            async with asyncio.timeout(seconds):
                await self._wake.wait()
        except TimeoutError:
            pass

    async def _check(self, job: Job) -> None:
        if job.attempts > MOST_ATTEMPTS:
            reason = (
                f"Checking it was broken off {MOST_ATTEMPTS} times, each time the server ended with it. The other files go on."
            )
            await self._settle(job, JobState.FAILED, error=reason, finished_at=self._clock())
            return
        is_writing = partial(self._is_writing, job.id)
        check = self.running = RunningCheck(job, options=self._options, progressed=self._progressed, is_writing=is_writing)
        self._changed(job)
        started_at = self._clock()
        try:
            try:
                outcome = await self._attempt(check)
            except OSError:  # a full disk, or no process to be had: no fault of the file, which waits for better times
                await self._give_back(job)
                raise
            self._told = ""
            self.stats.seconds += self._clock() - started_at
            self.stats.frames += check.job.frames_done
            await self._conclude(check.job, outcome)
        finally:
            self.running = None
            check.end()

    async def _attempt(self, check: RunningCheck) -> Outcome:
        job = check.job
        if self._draining:
            return Stop.DRAINING
        await asyncio.get_running_loop().run_in_executor(self._io, self._files.clear_results, job.id)
        keeping = asyncio.create_task(self._keep(check), name=f"lease of {job.id}")
        try:
            return await check.run(source=self._files.source(job.id), out=self._files.results(job.id))
        finally:
            keeping.cancel()
            await asyncio.wait([keeping])

    async def _is_writing(self, job_id: str) -> bool:
        since = self._clock() - self._options.stall_s
        return await asyncio.get_running_loop().run_in_executor(self._io, partial(self._files.is_written, job_id, since=since))

    async def _keep(self, check: RunningCheck) -> None:
        """Renews the lease as long as the check runs, and ends the check when it is lost."""
        while True:
            await asyncio.sleep(RENEWAL_S)
            try:
                if not await self._queue.renew(check.job):
                    check.stop(Stop.LOST)
                    return
            except RecordsUnavailable as exc:  # nobody else can take it meanwhile either
                logger.debug("the lease cannot be renewed now: %s", exc)

    async def _conclude(self, job: Job, outcome: Outcome) -> None:
        """Records what came of it."""
        now = self._clock()
        if isinstance(outcome, Finished):
            found = {"detections": outcome.detections, "tracks": outcome.tracks, "fps": job.fps}
            frames = {"frames": outcome.frames, "frames_done": outcome.frames}
            await self._settle(job, JobState.DONE, **found, **frames, finished_at=now)
        elif isinstance(outcome, Refused):
            await self._fail(job, outcome.reason)
        elif isinstance(outcome, Crashed):
            await self._crash(job, outcome)
        elif outcome is Stop.DRAINING:
            await self._give_back(job)
        else:
            self.stats.outcomes["cancelled"] += outcome is Stop.CANCELLED
            logger.info("checking %s ended: %s after %d frames", job.name, outcome.name.lower(), job.frames_done)

    async def _give_back(self, job: Job) -> None:
        """Has it wait again in its old place; the attempt does not count."""
        await self._settle(job, JobState.QUEUED, attempts=job.attempts - 1, frames_done=0, fps=None, started_at=None)

    async def _crash(self, job: Job, outcome: Crashed) -> None:
        self.stats.outcomes["crashed"] += 1
        crashes = job.crashes + 1
        at = f"after {job.frames_done} of {job.frames} frames" if job.frames else f"after {job.frames_done} frames"
        if not outcome.again:
            await self._fail(job, f"{outcome.how[:1].upper()}{outcome.how[1:]}, {at}.", crashes=crashes)
        elif crashes >= MOST_CRASHES:
            await self._fail(job, f"Checking it crashed twice. The other files go on. ({outcome.how}, {at})", crashes=crashes)
        else:
            await self._settle(job, JobState.QUEUED, crashes=crashes, frames_done=0, fps=None, started_at=None)

    async def _fail(self, job: Job, reason: str, **values: Any) -> None:
        values = {"error": reason, "finished_at": self._clock(), "frames_done": job.frames_done, "frames": job.frames, **values}
        await self._settle(job, JobState.FAILED, **values)

    async def _settle(self, job: Job, state: JobState, **values: Any) -> None:
        """Records it, as often as it takes: what is checked once need not be checked again."""
        while True:
            try:
                settled = await self._queue.settle(job, state, **values)
                break
            except RecordsUnavailable as exc:
                if self._draining:  # the lease runs out, and the next start checks it again
                    raise
                logger.info("what came of %s cannot be recorded now, and is tried again: %s", job.name, exc)
                await asyncio.sleep(POLL_S)
        if settled is None:
            logger.warning("checking %s: it belonged to another worker at the end", job.name)
            return
        if state in (JobState.DONE, JobState.FAILED):
            self.stats.outcomes[str(state)] += 1
        logger.info("checking %s ended: %s, %d frames%s", job.name, state, settled.frames_done, _because(settled))
        self._changed(settled)


def _because(job: Job) -> str:
    return f": {job.error}" if job.error else ""
