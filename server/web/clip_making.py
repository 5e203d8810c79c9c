"""Clips of alerts: what holds the encoded video of live streams, and who makes files of it."""

import asyncio
import os
from concurrent.futures import Executor
from pathlib import Path

from server.alerts.clip_maker import MadeClip
from server.config.settings import Settings
from server.config.watching import Alerts
from server.domain.alert import SourceKind
from server.domain.encoded import EncodedPacket
from server.domain.errors import ClipFailed
from server.jobs.clips import ClipProcess
from server.jobs.messages import Limits
from server.pipeline.packet_ring import PacketRing
from server.web.records import hidden_files

# A key frame may be so much older than what is wanted.
_SPARE_S = 10.0
_MEMORY_BYTES = 2 * 1024**3
_CPU_S = 120
_FILE_BYTES = 1024**3


class RingMaker:
    """Makes what holds the encoded video of a live stream, where alerts are made from its kind."""

    def __init__(self, alerts: Alerts, *, offered: bool) -> None:
        self._alerts = alerts
        self._offered = offered and alerts.enabled

    def make(self, kind: SourceKind) -> PacketRing | None:
        """A ring for one stream of that kind; None where no alerts are made from it."""
        alerts = self._alerts
        if not self._offered or kind not in alerts.sources:
            return None
        return PacketRing(seconds=alerts.before_s + alerts.after_s + _SPARE_S, max_bytes=alerts.max_ring_bytes)


class ClipMaking:
    """Has clips made by a child process, with the priority of video files; on the event loop."""

    def __init__(self, settings: Settings, *, io: Executor) -> None:
        limits = Limits(
            nice=settings.videos.nice,
            memory_bytes=_MEMORY_BYTES,
            cpu_s=_CPU_S,
            file_bytes=_FILE_BYTES,
            parent=os.getpid(),
            confined=settings.videos.confine == "auto",
            hidden=hidden_files(settings),
        )
        self._process = ClipProcess(limits=limits, io=io)
        self._io = io

    async def make(self, packets: list[EncodedPacket], out: Path) -> MadeClip:
        """Writes the packets as an MP4 file with H.264; raises ClipFailed."""
        if not packets:
            raise ClipFailed("no video is held")
        made = await self._process.make(packets, out)
        try:
            size = await asyncio.get_running_loop().run_in_executor(self._io, lambda: out.stat().st_size)
        except OSError as exc:  # the alert was removed meanwhile
            raise ClipFailed("the clip is gone") from exc
        return MadeClip(made.first_received_at, made.duration_s, size)
