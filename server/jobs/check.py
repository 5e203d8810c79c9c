"""A check: one attempt to check one video, in a process of its own, and what came of it."""

import asyncio
import enum
import logging
import signal
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from server.domain.job import Job
from server.jobs.messages import CheckOrder, Finished, Progressed, Refused, Seen
from server.jobs.options import JobOptions
from server.jobs.process import Broken, CheckProcess, check_process, describe_end
from server.pipeline.slot import LatestSlot

logger = logging.getLogger(__name__)


class Stop(enum.Enum):
    """Why a check was ended from outside."""

    CANCELLED = enum.auto()
    LOST = enum.auto()
    """The lease has run out and another worker may have the job."""
    DRAINING = enum.auto()


@dataclass(frozen=True, slots=True)
class Crashed:
    """The process did not come to its end; `how` is part of a sentence. `again` tells that another attempt may do better."""

    how: str
    again: bool = True


Outcome = Finished | Refused | Crashed | Stop


class RunningCheck:
    """One check while it runs; on the event loop.

    `job` knows how far it is, `seen` what was found up to there, `ended` tells that it has come to its end, whatever that was.
    `is_writing` is asked whether its process writes although it reports nothing: the last it does is to move the index of the
    video to the front, which rewrites the whole file.
    """

    def __init__(
        self, job: Job, *, options: JobOptions, progressed: Callable[[Job], None], is_writing: Callable[[], Awaitable[bool]]
    ) -> None:
        self.job = job
        self.seen: Seen | None = None
        self.ended = asyncio.Event()
        self._viewers: set[LatestSlot[bytes]] = set()
        self._newest_picture: bytes | None = None
        self._options = options
        self._progressed = progressed
        self._is_writing = is_writing
        self._process: CheckProcess | None = None
        self._stop: Stop | None = None

    def stop(self, reason: Stop) -> None:
        """Ends it; the first reason counts."""
        self._stop = self._stop or reason
        if self._process is not None:
            self._process.kill()

    @contextmanager
    def view(self) -> Iterator[LatestSlot[bytes]]:
        """The annotated frames as JPEG files, inside the block: the newest of those that came, until the check ends."""
        slot: LatestSlot[bytes] = LatestSlot()
        if self._newest_picture is not None:
            slot.put(self._newest_picture)
        self._viewers.add(slot)
        self._tell_watched()
        try:
            yield slot
        finally:
            self._viewers.discard(slot)
            self._tell_watched()

    def end(self) -> None:
        """Tells everybody that nothing more comes."""
        self.ended.set()
        self.end_viewers()

    def end_viewers(self) -> None:
        """Sends its viewers away."""
        for slot in self._viewers:
            slot.close()

    async def run(self, *, source: Path, out: Path) -> Outcome:
        """Runs it to its end and returns what came of it."""
        order = self._order(source=source, out=out)
        async with check_process(order) as process:
            self._process = process
            logger.info("checking %s: %d bytes, process %d", self.job.name, self.job.size_bytes, process.pid)
            if self._stop is not None:
                return self._stop
            self._tell_watched()
            outcome = await self._follow(process)
            if self._stop is not None and not isinstance(outcome, Finished):
                return self._stop
            if isinstance(outcome, Crashed):
                logger.warning("checking %s: the process broke off: %s | %s", self.job.name, outcome.how, process.last_words)
            return outcome

    async def _follow(self, process: CheckProcess) -> Outcome:
        try:
            async for block in process.reports(stall_s=self._options.stall_s, is_busy=self._is_writing):
                if isinstance(block, bytes):
                    self._show(block)
                elif isinstance(block, Progressed):
                    self._advance(block)
                elif isinstance(block, Finished | Refused):
                    return block
        except TimeoutError:
            return Crashed(f"it stood still for {self._options.stall_s:g} s")
        except Broken as exc:
            return Crashed(f"it said something that cannot be meant: {exc}")
        code = await process.wait()
        if code == -signal.SIGXCPU:
            hours = self._options.limits.cpu_s / 3600
            return Crashed(f"it took more than {hours:g} h of processor time (videos.max_cpu_s)", again=False)
        return Crashed(describe_end(code))

    def _show(self, picture: bytes) -> None:
        self._newest_picture = picture
        for slot in self._viewers:
            slot.put(picture)

    def _tell_watched(self) -> None:
        """Previews come often while somebody watches, seldom else."""
        if self._process is not None:
            self._process.watch(watched=bool(self._viewers))

    def _advance(self, report: Progressed) -> None:
        frames = report.frames or self.job.frames
        self.job = replace(self.job, frames_done=report.frames_done, frames=frames, fps=report.fps)
        self.seen = report.seen
        self._progressed(self.job)

    def _order(self, *, source: Path, out: Path) -> CheckOrder:
        job, options = self.job, self._options
        return CheckOrder(
            source=str(source),
            name=job.name,
            out=str(out),
            every=job.every,
            confidence=job.confidence,
            classes=job.classes,
            max_pixels=options.max_pixels,
            max_duration_s=options.max_duration_s,
            model=options.model(),
            limits=options.limits,
            frame=(job.width_px, job.height_px),
        )
