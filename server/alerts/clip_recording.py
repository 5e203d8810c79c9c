"""Clip recording: what was seen around an alert, as video and as detections."""

import logging
from typing import Any

from server.alerts.past import Moment, Past, detections_json
from server.alerts.recording_kit import RecordingKit
from server.alerts.sources import HeldPackets
from server.domain.alert import ClipState
from server.domain.encoded import EncodedPacket
from server.domain.errors import ClipFailed

logger = logging.getLogger(__name__)


class ClipRecording:
    """The clip of one alert that was opened at the clock reading `opened_s`; on the event loop."""

    def __init__(self, kit: RecordingKit, alert_id: str, *, opened_s: float, past: Past, packets: HeldPackets | None) -> None:
        self._kit = kit
        self._alert_id = alert_id
        self._opened_s = opened_s
        self._past = past
        self._packets = packets
        self._taken = False
        self._video: list[EncodedPacket] = []
        self._moments: list[Moment] = []

    def take(self) -> None:
        """Takes what there is up to now, from the key frame before the first second on; once."""
        if self._taken:
            return
        self._taken = True
        since_s = self._opened_s - self._kit.options.before_s
        self._video = [] if self._packets is None else self._packets.since(since_s)
        self._moments = self._past.since(min([since_s, *(packet.received_at for packet in self._video[:1])]))

    async def keep(self, *, shape: tuple[int, int]) -> dict[str, Any]:
        """Writes what was taken, and returns the values of the alert's clip; `shape` is width and height of its boxes."""
        await self._write_detections(shape)
        video, self._video = self._video, []
        if self._kit.clips is None or not video:
            return await self._missing()
        files, alert_id = self._kit.files, self._alert_id
        try:
            out = await self._kit.on_io(lambda: files.incoming_clip(alert_id))
            made = await self._kit.clips.make(video, out)
            size = await self._kit.on_io(lambda: files.accept_clip(alert_id))
        except (ClipFailed, OSError) as exc:
            logger.warning("alert %s: there is no clip of it: %s", alert_id, exc)
            return await self._missing()
        start_s = made.first_received_at - self._opened_s
        return {"clip": ClipState.READY, "clip_start_s": start_s, "clip_duration_s": made.duration_s, "size_bytes": size}

    async def size(self) -> int:
        """How many bytes the alert takes on the disk."""
        files, alert_id = self._kit.files, self._alert_id
        return await self._kit.on_io(lambda: files.size(alert_id))

    async def _missing(self) -> dict[str, Any]:
        return {"clip": ClipState.MISSING, "size_bytes": await self.size()}

    async def _write_detections(self, shape: tuple[int, int]) -> None:
        files, alert_id, opened_s, labels = self._kit.files, self._alert_id, self._opened_s, self._kit.labels()
        moments, self._moments = self._moments, []

        def write() -> None:
            files.write(files.detections(alert_id), detections_json(moments, opened_s=opened_s, labels=labels, shape=shape))

        try:
            await self._kit.on_io(write)
        except OSError as exc:
            logger.warning("alert %s: its detections cannot be written: %s", alert_id, exc)
