"""Recording: one alert from the moment its rule is met until its object has gone and its clip is kept."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from server.alerts.clip_recording import ClipRecording
from server.alerts.past import Past, label_of
from server.alerts.pictures import Shot, write_pictures
from server.alerts.recording_kit import RecordingKit
from server.alerts.sources import HeldPackets
from server.domain.alert import Alert
from server.domain.detection import Detection
from server.domain.errors import NotFound, RecordsUnavailable
from server.domain.live import LiveResult

logger = logging.getLogger(__name__)

# People are told with the picture, unless the machine is so busy that they would wait for it.
PICTURE_WAIT_S = 0.5
TICK_S = 0.25
RETRY_S = 2.0
# What stays for minutes need not be written every second.
_FIRST_INTERVAL_S, _LAST_INTERVAL_S, _INTERVAL_SHARE = 1.0, 10.0, 1 / 30


class Recording:
    """Writes one candidate, and what becomes known of it afterwards; on the event loop.

    `opened_s` is the clock reading of the frame in which the rule was met, `first_seen_s` that of the first with its object.
    `found` is the object in that frame, `track` its newest track. A better frame changes `alert` once its pictures are written:
    box and picture are of one frame, whenever a person decides.
    """

    def __init__(
        self,
        kit: RecordingKit,
        alert: Alert,
        *,
        found: Detection,
        result: LiveResult,
        opened_s: float,
        first_seen_s: float,
        past: Past,
        packets: HeldPackets | None,
    ) -> None:
        self.alert = alert
        self.track = alert.track_id
        self.is_written = False
        self._kit = kit
        self._opened_s = opened_s
        self._first_seen_s = first_seen_s
        self._last_seen_s = opened_s
        self._clip = ClipRecording(kit, alert.id, opened_s=opened_s, past=past, packets=packets)
        self._shot: Shot | None = Shot(result.frame, result.detections, found)
        self._best_confidence = found.confidence
        self._writing = asyncio.Lock()
        self._changed = False
        self._written_s = opened_s
        self._size_written = 0
        self._settled = False
        self._ended = False
        self._closing = False
        self._removed = False
        self._warned = False
        self._woken = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._late_pictures: asyncio.Task[None] | None = None

    @property
    def following(self) -> bool:
        """Whether its object is in view, as far as is known, and a person has not decided."""
        gone = self._kit.clock() - self._last_seen_s >= self._kit.options.rearm_s
        return not (self._ended or self._settled or self._removed or gone)

    def start(self, done: Callable[["Recording"], None]) -> None:
        """Begins; `done` hears of the end."""
        self._task = asyncio.create_task(self._run(), name=f"record alert {self.alert.id}")
        self._task.add_done_callback(lambda task: self._finished(task, done))

    def see(self, found: Detection, result: LiveResult, *, hits: int) -> None:
        """Its object is in a further frame."""
        frame = result.frame
        self.track = self.track if found.track_id is None else found.track_id
        self._last_seen_s = max(self._last_seen_s, frame.received_at)
        if found.confidence > self._best_confidence:
            self._best_confidence = found.confidence
            self._shot = Shot(frame, result.detections, found)
        in_view_s = self._last_seen_s - self._first_seen_s
        self.alert = replace(self.alert, in_view_s=in_view_s, hits=max(self.alert.hits, hits))
        self._changed = True

    def settle(self) -> None:
        """A person has decided: the pictures stay those that the person saw."""
        self._settled = True
        self._shot = None
        self.wake()

    def end(self) -> None:
        """Nothing more comes from the source; the clip is made of what there is."""
        self._ended = True
        self._clip.take()
        self.wake()

    def wake(self) -> None:
        """Has it look at the clock."""
        woken, self._woken = self._woken, asyncio.Event()
        woken.set()

    async def remove(self) -> None:
        """Ends at once, because the alert is gone."""
        self._removed = True
        await self._cancel()

    async def aclose(self, *, grace_s: float) -> None:
        """Ends with what there is, after `grace_s` at the latest."""
        self._closing = True
        self.end()
        if self._task is not None:
            await asyncio.wait([self._task], timeout=grace_s)
        await self._cancel()

    async def _run(self) -> None:
        await self._write_first_pictures()
        await self._open()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._follow(), name=f"follow alert {self.alert.id}")
            tasks.create_task(self._keep_clip(), name=f"keep the clip of alert {self.alert.id}")
        size = await self._clip.size()
        if size != self._size_written:  # pictures and clip were written at the same time
            await self._insist({"size_bytes": size})

    async def _write_first_pictures(self) -> None:
        """Returns when they are there, or when people should not wait for them any longer."""
        writing = asyncio.create_task(self._write_pictures(), name=f"write the pictures of alert {self.alert.id}")
        self._late_pictures = writing
        await asyncio.wait([writing], timeout=PICTURE_WAIT_S)

    async def _open(self) -> None:
        again = False
        while True:
            try:
                await self._kit.book.open(self.alert, again=again)
            except RecordsUnavailable as exc:
                again = True
                self._warn("its record cannot be written now, and is tried again: %s", exc)
                if self._closing:
                    raise
                await self._pause(RETRY_S)
            else:
                self.is_written = True
                logger.info(
                    "alert %s: %s at %.2f on %s",
                    self.alert.id,
                    self.alert.label,
                    self.alert.confidence,
                    self.alert.source_name,
                )
                return

    async def _follow(self) -> None:
        while self.following:
            await self._pause()
            if self._kit.clock() - self._written_s >= self._interval_s():
                await self._write()
        if self._late_pictures is not None:
            await asyncio.wait([self._late_pictures])
        await self._write()
        while self._changed and not (self._closing or self._removed):
            await self._pause(RETRY_S)
            await self._write()

    def _interval_s(self) -> float:
        return min(max(_FIRST_INTERVAL_S, self.alert.in_view_s * _INTERVAL_SHARE), _LAST_INTERVAL_S)

    async def _write(self) -> None:
        """Writes what is known better than before; when the records do not answer it is written the next time."""
        self._written_s = self._kit.clock()
        await self._write_pictures()
        if not self._changed:
            return
        self._changed = False
        known = self.alert
        names = ("in_view_s", "hits", "confidence", "label", "xyxy", "width_px", "height_px", "size_bytes")
        values = {name: getattr(known, name) for name in names}
        try:
            await self._update(values)
        except RecordsUnavailable as exc:
            self._changed = True
            self._warn("what is known of it cannot be written now: %s", exc)

    async def _write_pictures(self) -> None:
        async with self._writing:  # one behind the other, or an earlier frame might end up in place of a later one
            shot, self._shot = self._shot, None
            if shot is not None and not self._removed:
                await self._write_shot(shot)

    async def _write_shot(self, shot: Shot) -> None:
        files, alert_id, annotator = self._kit.files, self.alert.id, self._kit.annotator()
        try:
            size = await self._kit.on_io(lambda: write_pictures(files, alert_id, shot=shot, annotator=annotator))
        except OSError as exc:
            self._warn("its pictures cannot be written, and are tried again while its object is in view: %s", exc)
            self._put_back(shot)
        else:
            frame, found, label = shot.frame, shot.found, label_of(shot.found, self._kit.labels())
            self.alert = replace(self.alert, confidence=found.confidence, label=label, xyxy=found.xyxy)
            self.alert = replace(self.alert, width_px=frame.width, height_px=frame.height, size_bytes=size)
            self._changed = True

    def _put_back(self, shot: Shot) -> None:
        """Has it written the next time, unless there is a better one by then, or the pictures have to stay as they are."""
        if self._shot is None and not self._settled:
            self._shot = shot

    async def _keep_clip(self) -> None:
        due_s = self._opened_s + self._kit.options.after_s
        while not self._ended and self._kit.clock() < due_s:
            await self._pause()
        self._clip.take()
        await self._insist(await self._clip.keep(shape=(self.alert.width_px, self.alert.height_px)))

    async def _insist(self, values: dict[str, Any]) -> None:
        """Writes the values, however long the records do not answer."""
        while True:
            try:
                await self._update(values)
            except RecordsUnavailable as exc:
                self._warn("its clip cannot be written down now, and is tried again: %s", exc)
                if self._closing:
                    return  # the next start finds it pending
                await self._pause(RETRY_S)
            else:
                return

    async def _update(self, values: dict[str, Any]) -> None:
        try:
            await self._kit.book.update(self.alert.id, **values, updated_at=self._kit.wall_clock())
            self._size_written = values.get("size_bytes", self._size_written)
        except NotFound:
            self._removed = True  # by somebody else

    async def _pause(self, seconds: float = TICK_S) -> None:
        woken = self._woken
        try:
            async with asyncio.timeout(seconds):
                await woken.wait()
        except TimeoutError:
            pass

    async def _cancel(self) -> None:
        for task in (self._task, self._late_pictures):
            if task is not None:
                task.cancel()
                await asyncio.wait([task])

    def _finished(self, task: asyncio.Task[None], done: Callable[["Recording"], None]) -> None:
        done(self)
        error = None if task.cancelled() else task.exception()
        if not self.is_written and not self._removed:
            logger.error("alert %s of %s is lost: it could not be written", self.alert.id, self.alert.source_name)
        if error is not None and not isinstance(error, RecordsUnavailable):
            logger.error("alert %s: what follows it is given up", self.alert.id, exc_info=error)

    def _warn(self, message: str, error: Exception) -> None:
        """One line for each alert: what goes wrong once goes wrong again. The database has told of itself already."""
        if not self._warned:
            self._warned = True
            level = logging.INFO if isinstance(error, RecordsUnavailable) else logging.WARNING
            logger.log(level, f"alert %s: {message}", self.alert.id, error)  # noqa: G004 - the message is one of those above
