"""Video jobs: all that the web layer knows of them."""

import asyncio
from concurrent.futures import Executor
from pathlib import Path

from server.domain.errors import Conflict, NoRoom, Overloaded, RecordsUnavailable
from server.domain.job import Job, JobState
from server.jobs.announcements import Announcements, JobChange, JobView, in_order
from server.jobs.check import RunningCheck
from server.jobs.files import JobFiles
from server.jobs.messages import Probed
from server.jobs.options import JobOptions
from server.jobs.previews import Previews
from server.jobs.probe import probe_upload
from server.jobs.queue import RecordedQueue
from server.jobs.retention import Retention
from server.jobs.runner import JobRunner, RunnerStats
from server.pipeline.broadcast import Broadcast

# Each takes a processor for a moment, and those of live streams are needed elsewhere.
PROBES_AT_ONCE = 2


class VideoJobs:
    """Jobs from `start()` to `aclose()`; on the event loop.

    `changes` tells of each job whose state changes, of the running one at most once a second, and of each that is removed.
    `io` takes files; records have an executor of their own. What waits for them may raise RecordsUnavailable.
    """

    def __init__(self, *, queue: RecordedQueue, files: JobFiles, options: JobOptions, io: Executor) -> None:
        self.files = files
        self._queue = queue
        self._options = options
        self._io = io
        self._probing = asyncio.Semaphore(PROBES_AT_ONCE)
        self._announcements = Announcements(queue, keep_s=options.keep_s)
        self._runner = JobRunner(
            queue=queue,
            files=files,
            options=options,
            io=io,
            changed=self._announcements.changed,
            progressed=self._progressed,
            clock=queue.clock,
        )
        self.previews = Previews(queue, runner=self._runner, changes=self._announcements.changes)
        self._retention = Retention(queue=queue, files=files, options=options, io=io, removed=self._announcements.removed)

    @property
    def changes(self) -> Broadcast[JobChange]:
        """What becomes of jobs."""
        return self._announcements.changes

    @property
    def counts(self) -> dict[JobState, int]:
        """How many jobs there are in each state, as of the last change."""
        return self._announcements.counts

    @property
    def stats(self) -> RunnerStats:
        """Counters of checks since the start."""
        return self._runner.stats

    def start(self) -> None:
        """Begins to check what waits, and to remove what is old."""
        self._announcements.start()
        self._retention.start()

    def start_checking(self) -> None:
        """Begins to check what waits, once the model is known to work."""
        self._runner.start()

    async def drain(self) -> None:
        """Takes no more jobs and gives the running one back to the queue, for the next start."""
        await self._runner.aclose()

    async def aclose(self) -> None:
        """Ends all of it; may be called after `drain()`."""
        await self._runner.aclose()
        await self._retention.aclose()
        await self._announcements.aclose()

    async def probe(self, upload: Path, *, name: str) -> Probed:
        """What an uploaded file says of itself; raises as `probe_upload`."""
        async with self._probing:
            return await probe_upload(upload, name=name, limits=self._options.limits)

    async def check_room_in_queue(self, most: int) -> None:
        """Raises Overloaded while `most` jobs wait."""
        waiting = len(await self._queue.queued())
        if waiting >= most:
            sentence = f"{waiting} videos wait to be checked, as many as are taken (videos.max_queued)"
            raise Overloaded(sentence, retry_after_s=30)

    async def check_room(self, upload_bytes: int) -> None:
        """Raises NoRoom where an upload of so many bytes would bring what waits and runs above `max_total_bytes`."""
        waiting = sum(job.size_bytes for job in await self._queue.all() if not job.state.finished)
        missing = waiting + upload_bytes - self._options.max_total_bytes
        if missing > 0:
            limit = f"{self._options.max_total_bytes / 1e9:g} GB (videos.max_total_bytes)"
            reason = f"Those that wait to be checked may take {limit} together. Add it again when some are done."
            raise NoRoom(reason, missing_bytes=missing)

    async def add(self, job: Job) -> JobView:
        """Puts a job at the end of the queue; its upload lies in `files.incoming` and is moved from there.

        Nothing is left of it when this raises.
        """
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._io, self.files.accept, job.id)
        try:
            await self._queue.add(job)
        except RecordsUnavailable:
            await loop.run_in_executor(self._io, self.files.remove, job.id)
            raise
        self._runner.wake()
        self._retention.wake()
        return await self._tell(job)

    async def all(self) -> list[JobView]:
        """All jobs, newest first."""
        jobs = await self._queue.all()
        positions = _positions(in_order(jobs))
        return [self._view(job, positions) for job in jobs]

    async def get(self, job_id: str) -> JobView:
        """One job; raises NotFound."""
        job = await self._queue.get(job_id)
        positions = _positions(await self._queue.queued()) if job.state is JobState.QUEUED else {}
        return self._view(job, positions)

    async def cancel(self, job_id: str) -> JobView:
        """Ends a job that waits or runs; raises NotFound and Conflict. Its process is gone when this returns."""
        check = self._runner.check_of(job_id)
        if check is not None:  # so that it is known how far it was
            await self._queue.renew(check.job)
        job = await self._queue.cancel(job_id)
        await self._runner.stop(job_id)
        return await self._tell(job)

    async def restart(self, job_id: str) -> JobView:
        """Puts a failed or cancelled job at the end of the queue; raises NotFound and Conflict."""
        job = await self._queue.restart(job_id)
        self._runner.wake()
        return await self._tell(job)

    async def remove(self, job_id: str) -> None:
        """Cancels a job where it is not finished, and removes it with its files; raises NotFound."""
        job = await self._queue.get(job_id)
        if not job.state.finished:
            await self._cancel_if_unfinished(job_id)
        await self._queue.remove(job_id)
        await asyncio.get_running_loop().run_in_executor(self._io, self.files.remove, job_id)
        self._announcements.removed(job_id)

    async def _cancel_if_unfinished(self, job_id: str) -> None:
        try:
            await self.cancel(job_id)
        except Conflict:  # it has come to its end meanwhile
            return

    async def sweep(self) -> None:
        """Removes what is too old or too much, now."""
        await self._retention.sweep()

    def check_of(self, job_id: str) -> RunningCheck | None:
        """The running check of a job, None when it does not run here."""
        return self._runner.check_of(job_id)

    async def _tell(self, job: Job) -> JobView:
        self._announcements.changed(job)
        try:
            positions = _positions(await self._queue.queued()) if job.state is JobState.QUEUED else {}
        except RecordsUnavailable:  # what was asked for is done: a refusal now would have it asked for again
            positions = {}
        return self._view(job, positions)

    def _progressed(self, job: Job) -> None:
        check = self._runner.check_of(job.id)
        self._announcements.progressed(job, seen=None if check is None else check.seen)

    def _view(self, job: Job, positions: dict[str, int]) -> JobView:
        check = self._runner.check_of(job.id)
        if check is not None and job.state is JobState.RUNNING:
            return self._announcements.view(check.job, position=None, seen=check.seen)
        return self._announcements.view(job, position=positions.get(job.id))


def _positions(queued: list[Job]) -> dict[str, int]:
    return {job.id: position for position, job in enumerate(queued)}
