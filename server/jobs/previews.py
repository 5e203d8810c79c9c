"""Previews: who watches a video while it is being checked."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator

from server.domain.errors import NotFound
from server.jobs.announcements import JobChange
from server.jobs.queue import RecordedQueue
from server.jobs.runner import JobRunner
from server.pipeline.broadcast import Broadcast
from server.pipeline.slot import LatestSlot, SlotClosed

# Where no picture comes for so long the caller looks whether the viewer is still there.
QUIET_S = 2.0


class Previews:
    """The annotated frames of jobs for their viewers, until `close()`; on the event loop."""

    def __init__(self, queue: RecordedQueue, *, runner: JobRunner, changes: Broadcast[JobChange]) -> None:
        self._queue = queue
        self._runner = runner
        self._closed = False
        self._waiting: set[asyncio.Event] = set()
        changes.subscribe(self)

    async def follow(self, job_id: str) -> AsyncGenerator[bytes | None, None]:
        """Yields JPEG files while the job runs, always the newest; waits while it waits, and ends with it.

        None comes where nothing else does for QUIET_S. A slow caller gets fewer pictures.
        """
        while await self._goes_on(job_id):
            check = self._runner.check_of(job_id)
            if check is None:
                await self._change()
                yield None
                continue
            with check.view() as slot:
                async for picture in _pictures(slot):
                    yield picture

    def put(self, _item: JobChange) -> None:
        """Has those who wait look again."""
        for event in self._waiting:
            event.set()

    def close(self) -> None:
        """Ends all viewers, now and later."""
        self._closed = True
        for event in self._waiting:
            event.set()
        if self._runner.running is not None:
            self._runner.running.end_viewers()

    async def _goes_on(self, job_id: str) -> bool:
        try:
            return not self._closed and not (await self._queue.get(job_id)).state.finished and not self._closed
        except NotFound:  # it was removed meanwhile
            return False

    async def _change(self) -> None:
        """Waits for news of any job, for QUIET_S at most."""
        event = asyncio.Event()
        self._waiting.add(event)
        try:
            async with asyncio.timeout(QUIET_S):
                await event.wait()
        except TimeoutError:
            pass
        finally:
            self._waiting.discard(event)


async def _pictures(slot: LatestSlot[bytes]) -> AsyncIterator[bytes | None]:
    """What comes into the slot until it is closed, None where nothing does for QUIET_S."""
    while True:
        try:
            async with asyncio.timeout(QUIET_S):
                picture: bytes | None = await slot.get()
        except TimeoutError:
            picture = None
        except SlotClosed:
            return
        yield picture
