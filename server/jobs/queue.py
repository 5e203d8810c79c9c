"""The queue of jobs: the records themselves, from which a worker takes a job on a lease that it renews.

A worker that is killed lets its lease run out, and the job can be taken again. `JobQueue` is all that the runner knows of it,
so that another engine can take its place when jobs outgrow one machine.
"""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import Executor
from typing import Any, Protocol, TypeVar

from server.domain.errors import NotFound
from server.domain.job import Job, JobState
from server.storage.jobs import JobRecords

Result = TypeVar("Result")

# After a kill -9 a job waits so long at most until it goes on; a renewal that is late by two thirds of it loses nothing.
LEASE_S = 15.0
RENEWAL_S = LEASE_S / 3


class JobQueue(Protocol):
    """What a worker asks of a queue. All raise RecordsUnavailable when it does not answer."""

    async def claim(self) -> Job | None:
        """Takes the next job for LEASE_S, None where there is none."""

    async def renew(self, job: Job) -> bool:
        """Keeps it for another LEASE_S and notes its progress; False when it is this worker's no longer."""

    async def settle(self, job: Job, state: JobState, **values: Any) -> Job | None:
        """Ends the lease with what came of it; None, and nothing done, when it is this worker's no longer."""


class RecordedQueue:
    """The queue in the records, for one worker `owner`, and what users do with their jobs.

    `executor` is for records alone: a locked database must hold up neither files nor pictures. `clock` is UTC in seconds.
    """

    def __init__(self, records: JobRecords, *, executor: Executor, owner: str, clock: Callable[[], float] = time.time) -> None:
        self._records = records
        self._executor = executor
        self._owner = owner
        self.clock = clock

    async def claim(self) -> Job | None:
        """Takes the next job for LEASE_S, None where there is none."""
        return await self._on_executor(lambda: self._records.claim(owner=self._owner, now=self.clock(), lease_s=LEASE_S))

    async def renew(self, job: Job) -> bool:
        """Keeps it for another LEASE_S and notes its progress; False when it is this worker's no longer."""
        return await self._on_executor(lambda: self._records.renew(job, now=self.clock(), lease_s=LEASE_S))

    async def settle(self, job: Job, state: JobState, **values: Any) -> Job | None:
        """Ends the lease with what came of it; None, and nothing done, when it is this worker's no longer."""
        try:
            return await self._on_executor(lambda: self._records.change(job.id, state, owner=self._owner, values=values))
        except NotFound:  # it was removed meanwhile
            return None

    async def add(self, job: Job) -> None:
        """Puts a new job at the end."""
        await self._on_executor(lambda: self._records.add(job))

    async def get(self, job_id: str) -> Job:
        """One job; raises NotFound."""
        return await self._on_executor(lambda: self._records.get(job_id))

    async def all(self) -> list[Job]:
        """All jobs, newest first."""
        return await self._on_executor(self._records.all)

    async def queued(self) -> list[Job]:
        """Those that wait, in their order."""
        return await self._on_executor(self._records.queued)

    async def cancel(self, job_id: str) -> Job:
        """Ends a job that waits or runs, whoever runs it; raises NotFound and Conflict."""
        values = {"finished_at": self.clock()}
        change = self._records.change
        cancelled = await self._on_executor(lambda: change(job_id, JobState.CANCELLED, values=values))
        if cancelled is None:
            raise RuntimeError("only a change by an owner can be left out")
        return cancelled

    async def restart(self, job_id: str) -> Job:
        """Puts a failed or cancelled job at the end of the queue; raises NotFound and Conflict."""
        anew = {
            "error": None,
            "started_at": None,
            "finished_at": None,
            "frames_done": 0,
            "fps": None,
            "attempts": 0,
            "crashes": 0,
        }
        values = {**anew, "queued_at": self.clock()}
        return await self._on_executor(lambda: self._records.restart(job_id, values=values))

    async def remove(self, job_id: str) -> None:
        """Forgets a finished job; raises NotFound and Conflict."""
        await self._on_executor(lambda: self._records.remove(job_id))

    async def _on_executor(self, work: Callable[[], Result]) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._executor, work)
