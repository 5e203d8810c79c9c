"""Clips: encoded pictures of live streams become MP4 files in a process of their own, one after the other."""

import asyncio
import logging
from concurrent.futures import Executor
from pathlib import Path

from server.domain.encoded import EncodedPacket
from server.domain.errors import ClipFailed
from server.jobs.messages import ClipOrder, Clipped, Limits, Refused
from server.jobs.process import Broken, check_process, describe_end
from server.media.packet_file import pack

logger = logging.getLogger(__name__)

# Ten seconds are copied in a tenth of one; where they are encoded anew beside live streams it takes some.
CLIP_S = 60.0
# Alerts that come faster than clips are made go without: their pictures are there.
MOST_WAITING = 16


class ClipProcess:
    """Has clips made; on the event loop. `io` writes what the process reads. The server itself parses nothing of it."""

    def __init__(self, *, limits: Limits, io: Executor) -> None:
        self._limits = limits
        self._io = io
        self._turn = asyncio.Semaphore(1)
        self._waiting = 0

    async def make(self, packets: list[EncodedPacket], out: Path) -> Clipped:
        """Writes an MP4 file `out`; raises ClipFailed."""
        if self._waiting >= MOST_WAITING:
            raise ClipFailed(f"{self._waiting} clips wait to be made already")
        self._waiting += 1
        try:
            async with self._turn:
                return await self._make(packets, out)
        finally:
            self._waiting -= 1

    async def _make(self, packets: list[EncodedPacket], out: Path) -> Clipped:
        loop = asyncio.get_running_loop()
        source = out.with_name(f"{out.name}.packets")
        try:
            await loop.run_in_executor(self._io, _write, source, packets)
            return await self._ordered(ClipOrder(str(source), "the held video", str(out), self._limits))
        except OSError as exc:
            raise ClipFailed(f"the clip cannot be written: {exc.strerror or exc}") from exc
        finally:
            await loop.run_in_executor(self._io, _remove, source)

    async def _ordered(self, order: ClipOrder) -> Clipped:
        async with check_process(order) as process:
            try:
                async for report in process.reports(stall_s=CLIP_S):
                    if isinstance(report, Clipped):
                        return report
                    if isinstance(report, Refused):
                        raise ClipFailed(report.reason)
            except (TimeoutError, Broken) as exc:
                raise ClipFailed("making the clip took too long") from exc
            how = describe_end(await process.wait())
            logger.warning("a clip could not be made: %s | %s", how, process.last_words)
            raise ClipFailed("making the clip crashed")


def _write(source: Path, packets: list[EncodedPacket]) -> None:
    source.write_bytes(pack(packets))


def _remove(source: Path) -> None:
    source.unlink(missing_ok=True)
