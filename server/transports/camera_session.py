"""A camera that is on: its stream, its connections, and its place among the live sessions."""

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from server.domain.alert import SourceKind
from server.domain.camera import Camera, CameraState
from server.domain.errors import AddressRefused, CameraFailed
from server.logs import log_context
from server.pipeline.packet_ring import PacketRing
from server.pipeline.stream import Stream
from server.transports.address_policy import AddressPolicy
from server.transports.camera_address import CameraAddress, parse_address
from server.transports.camera_connection import CameraConnection, Patience, Report
from server.transports.camera_feed import CameraFeed, CameraSource
from server.transports.camera_input import CameraLimits
from server.transports.camera_knock import answers
from server.transports.camera_reader import CameraReader, ReaderOptions
from server.transports.own_thread import in_own_thread

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraRig:
    """What all cameras of a server have in common."""

    policy: AddressPolicy
    patience: Patience
    limits: CameraLimits
    clock: Callable[[], float] = time.monotonic


class CameraSession:
    """A camera from when it is switched on until it is switched off; `report` is told how its connection is.

    The stream lives on while connections come and go. Where the camera has a `detect_url`, that is detected and watched, and
    `packets` come from its `url` by a second connection that decodes nothing. `failed` is set when a part of it has failed: it
    does nothing more then.
    """

    def __init__(
        self,
        camera: Camera,
        *,
        stream: Stream,
        rig: CameraRig,
        packets: PacketRing | None,
        report: Callable[[Report], None],
    ) -> None:
        self.stream = stream
        self.packets = packets
        self._camera = camera
        self._rig = rig
        self._source = CameraSource()
        watched = parse_address(camera.detect_url or camera.url)
        apart = camera.detect_url is not None and packets is not None
        options = ReaderOptions(limits=rig.limits, max_fps=camera.max_fps)
        self._watching = self._connection(watched, options=options, packets=None if apart else packets, report=report)
        self._clips: CameraConnection | None = None
        if apart:
            quiet = ReaderOptions(limits=rig.limits, decodes=False)
            self._clips = self._connection(parse_address(camera.url), options=quiet, packets=packets, report=lambda _: None)
        self._task: asyncio.Task[None] | None = None
        self._report = report
        self.failed = False

    @property
    def id(self) -> str:
        """The camera's."""
        return self._camera.id

    @property
    def kind(self) -> SourceKind:
        """What it is among the live sessions."""
        return SourceKind.CAMERA

    @property
    def codec(self) -> str | None:
        """What the camera sends, in FFmpeg's words; None until it has sent something."""
        feed = self._watching.feed
        return feed.codec.name if feed is not None and feed.codec is not None else None

    @property
    def age_ms(self) -> float | None:
        """How old its newest picture is now; None until there is one."""
        newest = self._source.newest_received_at
        return None if newest is None else (self._rig.clock() - newest) * 1000

    def start(self) -> None:
        """Begins to connect."""
        self._task = asyncio.create_task(self._run(), name=f"camera {self.id}")

    def reconnect(self) -> None:
        """Begins the connections anew at once."""
        self._watching.reconnect()
        if self._clips is not None:
            self._clips.reconnect()

    def announce_draining(self, grace_s: float) -> None:
        """Nobody is to be told: a camera ends with the server."""

    async def aclose(self, reason: str) -> None:
        """Ends it, within a moment whatever FFmpeg does; may be called again."""
        task, self._task = self._task, None
        if task is None:
            return
        task.cancel()
        await asyncio.wait([task])
        logger.info("camera %s ended: %s: %s", self.stream.name, reason, self.stream.stats().in_words)

    async def _run(self) -> None:
        with log_context(session=self.id):
            try:
                await self._watch()
            # The supervisor of a camera makes a new session of one that has failed; others go on.
            except Exception:
                logger.exception("camera %s failed", self.stream.name)
                self.failed = True
                self._report(Report(CameraState.UNREACHABLE, "Watching the camera failed; the log of the server says more."))

    async def _watch(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.stream.run(self._source), name=f"stream {self.id}")
            tasks.create_task(self._watching.run(), name=f"connect {self.id}")
            if self._clips is not None:
                tasks.create_task(self._clips.run(), name=f"connect {self.id} for clips")

    def _connection(
        self, address: CameraAddress, *, options: ReaderOptions, packets: PacketRing | None, report: Callable[[Report], None]
    ) -> CameraConnection:
        rig = self._rig
        source = self._source if options.decodes else None
        return CameraConnection(
            name=self._camera.name,
            open_feed=lambda: CameraFeed(source=source, packets=packets, patience_s=rig.patience.read_s, clock=rig.clock),
            open_reader=partial(self._reader, address, options),
            knock=partial(self._knock, address),
            report=report,
            patience=rig.patience,
            clock=rig.clock,
        )

    def _reader(self, address: CameraAddress, options: ReaderOptions, feed: CameraFeed) -> CameraReader:
        return CameraReader(
            address,
            credentials=self._camera.credentials,
            policy=self._rig.policy,
            options=options,
            sink=feed,
            clock=self._rig.clock,
        )

    async def _knock(self, address: CameraAddress) -> bool:
        knocking = partial(answers, address, policy=self._rig.policy, timeout_s=self._rig.patience.connect_s)
        try:
            return await in_own_thread(knocking, name=f"knock {self._camera.name}")
        except (AddressRefused, CameraFailed):
            return False
