"""Announcements: what is told is what is true, whatever changes while the records are read."""

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from server.domain.errors import RecordsUnavailable
from server.domain.job import Job, JobState
from server.jobs import announcements
from server.jobs.announcements import Announcements, JobRemoved, JobView
from server.jobs.queue import RecordedQueue
from server.storage.database import open_database, sqlite_url
from server.storage.jobs import JobRecords
from tests.builders import ListSink, make_job


class HeldQueue(RecordedQueue):
    """Holds up answers with all jobs, which are as they were when it was asked, while `going_on` is not set."""

    def __init__(self, records: JobRecords, *, executor: ThreadPoolExecutor) -> None:
        super().__init__(records, executor=executor, owner="test")
        self.reached = asyncio.Event()
        self.going_on = asyncio.Event()
        self.refusals = 0

    async def all(self) -> list[Job]:
        """All jobs; RecordsUnavailable as often as `refusals` says."""
        jobs = await super().all()
        self.reached.set()
        await self.going_on.wait()
        self.refusals -= 1
        if self.refusals >= 0:
            raise RecordsUnavailable("locked")
        return jobs


class Rig:
    """Announcements of two jobs that wait, which have just read that they do and have told nothing."""

    def __init__(self, records: JobRecords, *, executor: ThreadPoolExecutor) -> None:
        self.records = records
        self.queue = HeldQueue(records, executor=executor)
        self.announcements = Announcements(self.queue, keep_s=1000.0)
        self.sink = ListSink()
        self.announcements.changes.subscribe(self.sink)

    def told(self, job_id: str) -> list[JobState | str]:
        """What was told of one job, in order."""
        views = [item for item in self.sink.items if item == JobRemoved(job_id) or _is_of(item, job_id)]
        return [item.job.state if isinstance(item, JobView) else "removed" for item in views]

    async def until_told(self, job_id: str, state: JobState) -> None:
        """Returns when that was told last of a job."""
        async with asyncio.timeout(20):
            while self.told(job_id)[-1:] != [state]:  # noqa: ASYNC110 - a thread goes on
                await asyncio.sleep(0.01)


def _is_of(item: object, job_id: str) -> bool:
    return isinstance(item, JobView) and item.job.id == job_id


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    """Held in its first reading."""
    database = open_database(sqlite_url(tmp_path / "records.db"))
    with ThreadPoolExecutor(1) as executor:
        rig = Rig(JobRecords(database), executor=executor)
        for job_id in ("1", "2"):
            rig.records.add(make_job(id=job_id))
        rig.announcements.start()
        await rig.queue.reached.wait()
        yield rig
        await rig.announcements.aclose()
    database.close()


async def test_a_change_during_the_reading_is_told(rig: Rig) -> None:
    """The last that is heard of a cancelled job is that it is cancelled."""
    rig.announcements.changed(await rig.queue.cancel("1"))
    rig.queue.going_on.set()
    await rig.until_told("1", JobState.CANCELLED)
    assert rig.announcements.counts[JobState.CANCELLED] == 1


async def test_what_is_removed_during_the_reading_stays_removed(rig: Rig) -> None:
    """No row of a job that is gone comes back."""
    await rig.queue.cancel("1")
    await rig.queue.remove("1")
    rig.announcements.removed("1")
    rig.queue.going_on.set()
    await rig.until_told("2", JobState.QUEUED)
    assert rig.told("1") == ["removed"]


async def test_the_newest_state_is_told(rig: Rig) -> None:
    """Whoever says last that a job has changed may know an older state than the records."""
    old = rig.records.get("1")
    rig.records.claim(owner="test", now=rig.queue.clock(), lease_s=10.0)
    rig.announcements.changed(old)
    rig.queue.going_on.set()
    await rig.until_told("1", JobState.RUNNING)
    assert rig.announcements.counts[JobState.RUNNING] == 1


async def test_what_could_not_be_read_is_told_later(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """A database that is locked for a moment loses no change."""
    monkeypatch.setattr(announcements, "RETRY_S", 0.05)
    rig.queue.going_on.set()
    rig.queue.refusals = 2
    rig.announcements.changed(await rig.queue.cancel("1"))
    await rig.until_told("1", JobState.CANCELLED)
