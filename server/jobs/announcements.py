"""Announcements: who follows jobs hears what becomes of them."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from server.domain.errors import RecordsUnavailable
from server.domain.job import Job, JobState
from server.jobs.messages import Seen
from server.jobs.queue import RecordedQueue
from server.pipeline.broadcast import Broadcast
from server.pipeline.supervised_task import SupervisedTask

# A progress bar that moves once a second is enough for a person.
PROGRESS_INTERVAL_S = 1.0
RETRY_S = 2.0


@dataclass(frozen=True, slots=True)
class JobView:
    """A job as its owner sees it.

    `position` is its place among those that wait, 0 is the next, `expires_at` when it is removed, in seconds UTC. `seen` is
    what was found so far, while it runs.
    """

    job: Job
    position: int | None
    expires_at: float | None
    seen: Seen | None = None


@dataclass(frozen=True, slots=True)
class JobRemoved:
    """A job and its files are gone."""

    id: str


JobChange = JobView | JobRemoved


class Announcements:
    """Tells `changes` of jobs, with their places in the queue, from `start()` to `aclose()`; on the event loop.

    A change of one job moves those that wait, so all of them are told with it. `clock` bounds how often progress is told.
    """

    def __init__(self, queue: RecordedQueue, *, keep_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.changes: Broadcast[JobChange] = Broadcast()
        self.counts: dict[JobState, int] = dict.fromkeys(JobState, 0)
        self._queue = queue
        self._keep_s = keep_s
        self._clock = clock
        self._pending: set[str] = set()
        self._removed: set[str] = set()
        self._changed = asyncio.Event()
        self._progress_told_at = float("-inf")
        self._task = SupervisedTask(self._run, name="announce videos")

    def start(self) -> None:
        """Begins, with the counts."""
        self._changed.set()
        self._task.start()

    async def aclose(self) -> None:
        """Ends."""
        await self._task.aclose()

    def changed(self, job: Job) -> None:
        """Has it told at once that the state of a job is another; which one it is, is read then."""
        self._pending.add(job.id)
        self._changed.set()

    def progressed(self, job: Job, *, seen: Seen | None = None) -> None:
        """Tells how far a running job is, unless that was told a moment ago."""
        now = self._clock()
        if now - self._progress_told_at >= PROGRESS_INTERVAL_S and job.id not in self._pending:
            self._progress_told_at = now
            self.changes.publish(self.view(job, position=None, seen=seen))

    def removed(self, job_id: str) -> None:
        """Tells that a job is gone."""
        self._pending.discard(job_id)
        self._removed.add(job_id)
        self.changes.publish(JobRemoved(job_id))
        self._changed.set()

    def view(self, job: Job, *, position: int | None, seen: Seen | None = None) -> JobView:
        """The job as its owner sees it."""
        expires_at = job.finished_at + self._keep_s if job.state.finished and job.finished_at is not None else None
        return JobView(job, position, expires_at, seen)

    async def _run(self) -> None:
        while True:
            await self._changed.wait()
            self._changed.clear()
            try:
                await self._tell()
            except RecordsUnavailable:  # the database has told of it
                await asyncio.sleep(RETRY_S)
                self._changed.set()

    async def _tell(self) -> None:
        """Tells all from one reading: what changes during it is pending again, what is removed during it is left out."""
        pending, self._pending = self._pending, set()
        self._removed.clear()
        try:
            read = await self._queue.all()
        except RecordsUnavailable:
            self._pending |= pending
            raise
        jobs = [job for job in read if job.id not in self._removed]
        counts = Counter(job.state for job in jobs)
        self.counts = {state: counts[state] for state in JobState}
        for job in jobs:
            if job.id in pending and job.state is not JobState.QUEUED:
                self.changes.publish(self.view(job, position=None))
        for position, job in enumerate(in_order(jobs)):
            self.changes.publish(self.view(job, position=position))


def in_order(jobs: Iterable[Job]) -> list[Job]:
    """Those that wait, in the order in which they are taken."""
    return sorted((job for job in jobs if job.state is JobState.QUEUED), key=lambda job: (job.queued_at, job.id))
