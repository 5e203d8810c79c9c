"""A runner with records, files and children of the test's own."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from server.domain.job import Job, JobState
from server.jobs import process
from server.jobs.files import JobFiles
from server.jobs.messages import Limits, ModelOrder
from server.jobs.options import JobOptions
from server.jobs.queue import RecordedQueue
from server.jobs.service import VideoJobs
from server.storage.database import open_database, sqlite_url
from server.storage.jobs import JobRecords
from tests.builders import make_job

MODEL = ModelOrder("none", "auto", "auto", None, 0.7, None, threads=1, workers=1)
LIMITS = Limits(nice=0, memory_bytes=2**31, cpu_s=60, file_bytes=2**30, parent=os.getpid())


class Rig:
    """Video jobs whose children act as the uploads say."""

    def __init__(self, folder: Path, *, stall_s: float = 20.0, keep_s: float = 1000.0, max_total_bytes: int = 10**9) -> None:
        self.io = ThreadPoolExecutor(2)
        self.database = open_database(sqlite_url(folder / "records.db"))
        self.records = JobRecords(self.database)
        self.files = JobFiles(folder / "videos")
        self.files.open()
        options = JobOptions(
            lambda: MODEL, 10**7, 7200.0, limits=LIMITS, stall_s=stall_s, keep_s=keep_s, max_total_bytes=max_total_bytes
        )
        self.queue = RecordedQueue(self.records, executor=self.io, owner="rig")
        self.jobs = VideoJobs(queue=self.queue, files=self.files, options=options, io=self.io)
        self.jobs.start()

    async def add(self, words: str, *, id: str = "1", **values: Any) -> Job:  # noqa: A002 - the field's name
        """Puts a job into the queue whose child does what the words say."""
        self.files.incoming(id).write_text(words)
        now = self.queue.clock()
        job = make_job(id=id, **{"created_at": now, "queued_at": now, "frames": 100, **values})
        await self.jobs.add(job)
        return job

    async def until(self, state: JobState, *, id: str = "1") -> Job:  # noqa: A002 - likewise
        """The job once it has got into the state."""
        async with asyncio.timeout(30):
            while (job := await self.queue.get(id)).state is not state:  # noqa: ASYNC110 - a process goes on
                await asyncio.sleep(0.02)
        return job

    async def aclose(self) -> None:
        """Ends everything."""
        await self.jobs.aclose()
        self.database.close()
        self.io.shutdown()


@pytest.fixture(autouse=True)
def acting_children(monkeypatch: pytest.MonkeyPatch) -> None:
    """Children act."""
    monkeypatch.setattr(process, "COMMAND", (sys.executable, "-m", "tests.jobs.acting_child"))


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    """Jobs that are being checked."""
    rig = Rig(tmp_path)
    rig.jobs.start_checking()
    yield rig
    await rig.aclose()
