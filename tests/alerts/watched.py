"""An alert service on a database and files of the test's own, whose time the test moves."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

from server.alerts.clip_maker import MadeClip
from server.alerts.evidence import AlertFiles
from server.alerts.rules import AlertRule
from server.alerts.service import AlertService
from server.alerts.sources import AlertOptions
from server.domain.alert import Alert, SourceKind
from server.domain.camera import Camera
from server.domain.delivery import Delivery, Event
from server.domain.detection import Box, Detection, Timing
from server.domain.encoded import EncodedPacket, VideoCodec
from server.domain.errors import ClipFailed, RecordsUnavailable
from server.domain.live import LiveResult
from server.pipeline.annotator import BoxAnnotator
from server.pipeline.broadcast import Broadcast
from server.pipeline.stream import Stream
from server.storage.alerts import AlertRecords
from server.storage.database import Database, open_database, sqlite_url
from tests.builders import ListSink, make_frame, make_options

HERE: Box = (10, 10, 30, 20)
THERE: Box = (40, 30, 60, 40)
START_S = 1000.0
WALL_START_S = 1_800_000_000.0
OPTIONS = AlertOptions(before_s=2, after_s=1, expire_s=60, keep_s=86_400, max_total_bytes=10**9, rearm_s=1)
RULE = AlertRule(confidence=0.4, hits=3, frames=5, rearm_s=1)


def seen(track_id: int = 1, *, at: Box = HERE, confidence: float = 0.8) -> Detection:
    """A tracked object."""
    return Detection(at, confidence, 0, track_id)


class Ring:
    """Holds packets like that of a session."""

    def __init__(self) -> None:
        self.packets: list[EncodedPacket] = []

    def put(self, received_at: float) -> None:
        """A key frame."""
        self.packets.append(EncodedPacket(b"x", VideoCodec("h264"), keyframe=True, received_at=received_at, time_s=received_at))

    def since(self, received_at: float) -> list[EncodedPacket]:
        """From the last key frame before it on."""
        before = [one for one in self.packets if one.received_at <= received_at][-1:]
        return before + [one for one in self.packets if one.received_at > received_at]


class Clips:
    """Makes a file that says how many packets it is made of."""

    def __init__(self) -> None:
        self.fails = False

    async def make(self, packets: list[EncodedPacket], out: Path) -> MadeClip:
        """Writes it, or fails."""
        if self.fails:
            raise ClipFailed("a clip that cannot be made")
        data = f"{len(packets)} packets".encode()
        await asyncio.to_thread(out.write_bytes, data)
        first, last = packets[0].received_at, packets[-1].received_at
        return MadeClip(first_received_at=first, duration_s=last - first, size_bytes=len(data))


class Outbox:
    """One channel."""

    def alert_messages(self, event: Event, alert: Alert) -> list[tuple[Delivery, str]]:
        """What it is told."""
        now = alert.updated_at
        delivery = Delivery(id=uuid.uuid4().hex, subject=alert.id, channel="gate", event=event, next_try_at=now, created_at=now)
        return [(delivery, '{"alert":{}}')]


class OutOfReach(AlertRecords):
    """Records that do not answer while `down`; `refused` is what was to be written then."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.down = False
        self.breaks_after_writing = False
        self.refused: list[Any] = []

    def open(self, alert: Alert, messages: Any) -> None:
        """Raises while down."""
        self._check()
        super().open(alert, messages)
        if self.breaks_after_writing:
            self.breaks_after_writing = False
            raise RecordsUnavailable("the connection broke behind the commit, for the test")

    def update(self, alert_id: str, values: Any) -> Alert:
        """Raises while down."""
        if self.down:
            self.refused.append(values)
        self._check()
        return super().update(alert_id, values)

    def _check(self) -> None:
        if self.down:
            raise RecordsUnavailable("down for the test")


class FakeStream:
    """What an alert service takes from a stream."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.options = make_options()
        self.results: Broadcast[LiveResult] = Broadcast()


class Source:
    """A live session whose results the test makes."""

    def __init__(self, *, id: str = "gate", kind: SourceKind = SourceKind.WEBCAM, ring: Ring | None = None) -> None:  # noqa: A002
        self.id = id
        self.kind = kind
        self.packets = ring
        self.live = FakeStream("the gate's webcam")
        self.stream = cast("Stream", self.live)


class Watched:
    """The service, its time and all that it works with."""

    def __init__(self, database: Database, folder: Path, *, options: AlertOptions) -> None:
        self.now_s = START_S
        self.records = OutOfReach(database)
        self.files = AlertFiles(folder)
        self.files.open()
        self.clips = Clips()
        self.camera: Camera | None = None
        self.rule = RULE
        self.woken = 0
        self.changes = ListSink()
        self.pool = ThreadPoolExecutor(2)
        self.executor = ThreadPoolExecutor(1)
        self.index = 0
        self.service = self.create(options)

    def create(self, options: AlertOptions) -> AlertService:
        """A service on the same records and files."""
        service = AlertService(
            records=self.records,
            executor=self.executor,
            files=self.files,
            io=self.pool,
            outbox=Outbox(),
            wake=self._count,
            annotator=lambda: BoxAnnotator(["firearm"]),
            labels=lambda: ["firearm"],
            rule_for=lambda _: self.rule,
            camera_of=lambda _: self.camera,
            clips=self.clips,
            options=options,
            clock=lambda: self.now_s,
            wall_clock=lambda: self.wall_s,
        )
        service.changes.subscribe(self.changes)
        return service

    @property
    def wall_s(self) -> float:
        """The time of the records."""
        return WALL_START_S + self.now_s - START_S

    def see(self, source: Source, *objects: Detection, frames: int = 1, value: int = 128) -> None:
        """Shows frames, ten a second, each with the objects."""
        for _ in range(frames):
            self.now_s += 0.1
            self.index += 1
            if source.packets is not None:
                source.packets.put(self.now_s)
            frame = make_frame(index=self.index, received_at=self.now_s, value=value)
            timing = Timing(0, 0, 10, 0)
            source.live.results.publish(LiveResult(frame, objects, timing, source.live.options, 640))

    async def eventually(self, condition: Callable[[], object]) -> None:
        """Returns as soon as it is so; has all that is under way look at the clock meanwhile."""
        async with asyncio.timeout(10):
            while not condition():
                self.service.wake()
                await asyncio.sleep(0.005)

    async def until(self, condition: Callable[[Alert], bool], *, alert: int = 0) -> Alert:
        """The alert, by its place among the newest, as soon as it is so."""

        def holds() -> bool:
            found = self.records.find()
            return len(found) > alert and condition(found[alert])

        await self.eventually(holds)
        return self.records.find()[alert]

    async def alert_of(self, source: Source, *objects: Detection) -> Alert:
        """An alert that has just been opened."""
        before = len(self.records.find())
        self.see(source, *(objects or (seen(),)), frames=3)
        await self.eventually(lambda: len(self.records.find()) > before)
        return self.records.find()[0]

    def _count(self) -> None:
        self.woken += 1


@asynccontextmanager
async def watched(folder: Path, *, options: AlertOptions = OPTIONS) -> AsyncIterator[Watched]:
    """A service that is closed at the end."""
    database = open_database(sqlite_url(folder / "records.db"))
    rig = Watched(database, folder / "alerts", options=options)
    try:
        yield rig
    finally:
        await rig.service.aclose()
        rig.pool.shutdown()
        rig.executor.shutdown()
        database.close()
