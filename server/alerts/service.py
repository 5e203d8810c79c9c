"""Alert service: makes alerts of live sources, takes verdicts, and keeps what belongs to them."""

import asyncio
import logging
import time
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from typing import Any

from server.alerts.book import AlertBook, AlertChange
from server.alerts.clip_maker import ClipMaker
from server.alerts.evidence import AlertFiles
from server.alerts.past import label_of
from server.alerts.recording import Recording
from server.alerts.recording_kit import RecordingKit
from server.alerts.retention import AlertRetention
from server.alerts.rules import AlertRule
from server.alerts.sink import AlertSink, Opening
from server.alerts.sources import AlertMessages, AlertOptions, AlertSource
from server.domain.alert import Alert, AlertState, AlertStats
from server.domain.camera import Camera
from server.domain.clock_jumps import ClockJumps
from server.domain.errors import Conflict, NotFound, RecordsUnavailable
from server.domain.protocols import Annotator
from server.pipeline.broadcast import Broadcast
from server.pipeline.supervised_task import SupervisedTask
from server.storage.alerts import AlertRecords

logger = logging.getLogger(__name__)

# While the records do not answer so many candidates wait for them, each with its place in memory; a person has more to look at
# then than anybody can.
MOST_UNWRITTEN = 32
EXPIRY_INTERVAL_S = 1.0
CLOSE_S = 10.0


class AlertService:
    """The alerts from `start()` to `aclose()`; on the event loop.

    `executor` is that of the records, `io` runs what encodes and writes files. `rule_for` and `camera_of` say what holds for a
    source at this moment. `clock` is that of frames, `wall_clock` that of records. Where the records do not answer all raise
    RecordsUnavailable.
    """

    def __init__(  # noqa: PLR0913 - each is another part of the server
        self,
        *,
        records: AlertRecords,
        executor: Executor,
        files: AlertFiles,
        io: Executor,
        outbox: AlertMessages,
        wake: Callable[[], None],
        annotator: Callable[[], Annotator],
        labels: Callable[[], Sequence[str]],
        rule_for: Callable[[AlertSource], AlertRule],
        camera_of: Callable[[str], Camera | None],
        clips: ClipMaker | None,
        options: AlertOptions,
        clock: Callable[[], float] = time.monotonic,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self._book = AlertBook(records, executor=executor, outbox=outbox, wake=wake)
        self._rule_for = rule_for
        self._camera_of = camera_of
        self._kit = RecordingKit(
            book=self._book,
            files=files,
            io=io,
            annotator=annotator,
            labels=labels,
            clips=clips,
            options=options,
            clock=clock,
            wall_clock=wall_clock,
        )
        self._sinks: dict[str, AlertSink] = {}
        self._recordings: dict[str, Recording] = {}
        self._lost = 0
        self._warned = False
        self._retention = AlertRetention(
            book=self._book,
            files=files,
            options=options,
            io=io,
            busy=self._recordings.keys,
            remove=self.remove,
            wall_clock=wall_clock,
            clock=clock,
        )
        self._jumps = ClockJumps(hold_s=options.expire_s, wall_clock=wall_clock, clock=clock)
        self._expiry = SupervisedTask(self._expire_always, name="expire alerts")

    @property
    def changes(self) -> Broadcast[AlertChange]:
        """Tells of each alert that is new, another, or gone."""
        return self._book.changes

    def stats(self) -> AlertStats:
        """A snapshot of the counters."""
        counts = self._book.counts
        return AlertStats({state.value: counts[state] for state in AlertState}, self._book.waiting, self._lost)

    async def start(self) -> None:
        """Begins to expire and to remove; what an earlier run of the server has left is put in order first of all."""
        self._expiry.start()
        self._retention.start()

    async def aclose(self) -> None:
        """Ends: alerts that are under way get their clips of what there is, within CLOSE_S."""
        for sink in tuple(self._sinks.values()):
            self.detach(sink.source)
        recordings = tuple(self._recordings.values())
        await asyncio.gather(*(one.aclose(grace_s=CLOSE_S) for one in recordings))
        await self._expiry.aclose()
        await self._retention.aclose()

    def attach(self, session: AlertSource) -> None:
        """Begins to watch a source."""
        if session.id in self._sinks:
            return
        sink = AlertSink(
            session,
            rule_for=self._rule_for,
            camera_of=self._camera_of,
            open_alert=self._open,
            options=self._kit.options,
            wall_clock=self._kit.wall_clock,
        )
        self._sinks[session.id] = sink
        session.stream.results.subscribe(sink)

    def detach(self, session: AlertSource) -> None:
        """Ends to watch it; does nothing where it was not watched."""
        sink = self._sinks.pop(session.id, None)
        if sink is None:
            return
        sink.source.stream.results.unsubscribe(sink)
        for recording in self._recordings.values():
            if recording.alert.stream_id == session.id:
                recording.end()

    async def find(self, **filters: Any) -> list[Alert]:
        """Newest first; `filters` are those of AlertRecords.find."""
        return await self._book.read(lambda: self._book.records.find(**filters))

    async def get(self, alert_id: str) -> Alert:
        """One of them; raises NotFound."""
        return await self._book.read(lambda: self._book.records.get(alert_id))

    async def waiting(self) -> int:
        """How many candidates wait for a person."""
        return await self._book.read(self._book.records.waiting)

    async def confirm(self, alert_id: str, *, by: str, zone: str | None, note: str | None = None) -> Alert:
        """A person says that it is one; every channel hears of it. Raises NotFound and Conflict."""
        return await self._verdict(alert_id, AlertState.CONFIRMED, {"decided_by": by, "decided_zone": zone}, note=note)

    async def dismiss(
        self, alert_id: str, *, by: str, zone: str | None, note: str | None = None, reason: str | None = None
    ) -> Alert:
        """A person says that it is none, and the rule is armed for all but that object; otherwise as `confirm`."""
        values = {"decided_by": by, "decided_zone": zone, "reason": reason}
        alert = await self._verdict(alert_id, AlertState.DISMISSED, values, note=note)
        sink = self._sinks.get(alert.stream_id)
        if sink is not None:
            sink.dismissed(alert)
        return alert

    async def write_note(self, alert_id: str, text: str | None) -> Alert:
        """Writes beside an alert, in place of what stood there; raises NotFound."""
        return await self._book.update(alert_id, note=text or None, updated_at=self._kit.wall_clock())

    async def remove(self, alert_id: str) -> None:
        """Removes an alert and its files; raises NotFound, and Conflict for an open candidate."""
        await self._book.remove(alert_id)
        recording = self._recordings.get(alert_id)
        if recording is not None:
            await recording.remove()
        await asyncio.get_running_loop().run_in_executor(self._kit.io, self._kit.files.remove, alert_id)

    async def expire(self) -> None:
        """Expires the candidates that nobody has answered in time; after the clock was set that time begins anew."""
        now = self._kit.wall_clock()
        await self._book.count()
        self._jumps.jumped_s()
        if self._jumps.held:
            return
        for alert in await self._book.read(lambda: self._book.records.due(now)):
            try:
                await self._book.decide(alert.id, AlertState.EXPIRED, values={"updated_at": now})
            except (NotFound, Conflict):  # somebody has answered this very moment
                continue
            logger.info("alert %s has expired: nobody has answered", alert.id)

    async def sweep(self) -> list[str]:
        """Removes what has to go now; returns the ids."""
        return await self._retention.sweep()

    def wake(self) -> None:
        """Has all that is under way look at the clock."""
        for recording in self._recordings.values():
            recording.wake()

    async def _verdict(self, alert_id: str, state: AlertState, values: dict[str, Any], *, note: str | None) -> Alert:
        now = self._kit.wall_clock()
        noted = {} if note is None else {"note": note}
        alert = await self._book.decide(alert_id, state, values={**values, **noted, "decided_at": now, "updated_at": now})
        logger.info("alert %s is %s", alert_id, state)
        recording = self._recordings.get(alert_id)
        if recording is not None:
            recording.settle()
        return alert

    def _open(self, opening: Opening) -> Recording | None:
        """Begins an alert; None where too many wait for the records already."""
        if sum(not one.is_written for one in self._recordings.values()) >= MOST_UNWRITTEN:
            self._lost += 1
            if not self._warned:
                self._warned = True
                logger.error("the records do not answer and %d alerts wait for them: further ones are lost", MOST_UNWRITTEN)
            return None
        self._warned = False
        sink, result = opening.sink, opening.result
        recording = Recording(
            self._kit,
            self._candidate(opening),
            found=opening.met.detection,
            result=result,
            opened_s=result.frame.received_at,
            first_seen_s=opening.first_seen_s,
            past=sink.past,
            packets=sink.source.packets,
        )
        self._recordings[recording.alert.id] = recording
        recording.start(self._forget)
        return recording

    def _candidate(self, opening: Opening) -> Alert:
        source, camera, met = opening.sink.source, opening.sink.camera, opening.met
        frame = opening.result.frame
        # Records live longer than a clock that begins with the machine: this is the only place where the two meet.
        opened_at = self._kit.wall_clock() - (self._kit.clock() - frame.received_at)
        return Alert(
            id=uuid.uuid4().hex,
            stream_id=source.id,
            camera_id=camera.id if camera else None,
            source_name=camera.name if camera else source.stream.name,
            source_kind=source.kind,
            label=label_of(met.detection, self._kit.labels()),
            confidence=met.detection.confidence,
            track_id=met.detection.track_id or 0,
            xyxy=met.detection.xyxy,
            width_px=frame.width,
            height_px=frame.height,
            hits=met.hits,
            frames=met.frames,
            in_view_s=frame.received_at - opening.first_seen_s,
            opened_at=opened_at,
            updated_at=opened_at,
            expires_at=opened_at + self._kit.options.expire_s,
        )

    def _forget(self, recording: Recording) -> None:
        self._recordings.pop(recording.alert.id, None)
        self._lost += not recording.is_written

    async def _expire_always(self) -> None:
        while True:
            try:
                await self.expire()
            except RecordsUnavailable:  # the database has told of it
                pass
            await asyncio.sleep(EXPIRY_INTERVAL_S)
