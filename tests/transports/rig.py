"""A WebRTC service with everything real but the model, and a client in the same process."""

import asyncio
import json
import threading
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any

import av
import numpy as np
from aiortc import RTCConfiguration, RTCDataChannel, RTCPeerConnection, RTCSessionDescription
from aiortc.codecs import get_capabilities
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack

from server.domain.detection import DetectionResult, DetectOptions
from server.domain.frame import Frame
from server.domain.live import StreamOptions
from server.domain.model import ModelInfo
from server.inference.pool import DetectorPool
from server.pipeline.annotator import BoxAnnotator
from server.pipeline.stream import Stream
from server.pipeline.tracker import ByteTracker
from server.transports.peer_session import WebrtcLimits
from server.transports.registry import NewRing, SessionRegistry, no_ring
from server.transports.webrtc import WebrtcService, WebrtcSession
from tests.builders import make_detections, make_options, make_result
from tests.marked_video import MarkedVideoTrack, coloured_pixels, read_number

MODEL = ModelInfo("fixed", ("firearm", "person"), 0.4, 0.7, 320, "f32", ("test", "0"))


class FixedDetector:
    """A detector that takes its time and always finds the same firearm."""

    info = MODEL

    def __init__(self, *, takes_s: float = 0.0) -> None:
        self._takes_s = takes_s

    def create_request(self) -> "FixedDetector":
        """All workers share it."""
        return self

    def detect(self, frame: Frame, options: DetectOptions) -> DetectionResult:
        """One box in the middle, whatever the frame shows."""
        del options
        time.sleep(self._takes_s)
        box = (frame.width * 0.3, frame.height * 0.4, frame.width * 0.7, frame.height * 0.8)
        return make_result(make_detections([box]), inference_ms=self._takes_s * 1000)


class Rig:
    """The running service."""

    def __init__(
        self, *, pool: DetectorPool, renderer: ThreadPoolExecutor, limits: WebrtcLimits, capacity: int, new_ring: NewRing
    ) -> None:
        self.registry = SessionRegistry(capacity=capacity)
        self._pool = pool
        self._renderer = renderer
        self.service = WebrtcService(
            registry=self.registry,
            create_stream=self._create_stream,
            model=MODEL,
            converter=renderer,
            limits=limits,
            new_ring=new_ring,
        )

    async def open(self, offer: str, *, annotated: bool = True, options: StreamOptions | None = None) -> WebrtcSession:
        """Opens a session of the name `test`."""
        return await self.service.open(offer, name="test", options=options or make_options(), annotated=annotated)

    async def connect(self, client: "Client", *, annotated: bool = True, options: StreamOptions | None = None) -> WebrtcSession:
        """Opens a session for a client and has it connected."""
        session = await self.open(await client.offer(), annotated=annotated, options=options)
        await client.accept(session.answer_sdp)
        return session

    def _create_stream(self, *, id: str, name: str, options: StreamOptions) -> Stream:  # noqa: A002 - the contract's name
        return Stream(
            id=id,
            name=name,
            pool=self._pool,
            tracker=ByteTracker(),
            annotator=BoxAnnotator(MODEL.labels),
            options=options,
            renderer=self._renderer,
        )


@asynccontextmanager
async def run_rig(
    *, detect_s: float = 0.0, limits: WebrtcLimits | None = None, capacity: int = 4, new_ring: NewRing = no_ring
) -> AsyncIterator[Rig]:
    """Runs a service and ends what is left of its sessions."""
    pool = DetectorPool(FixedDetector(takes_s=detect_s), workers=1)
    renderer = ThreadPoolExecutor(1)
    rig = Rig(pool=pool, renderer=renderer, limits=limits or WebrtcLimits(), capacity=capacity, new_ring=new_ring)
    try:
        yield rig
    finally:
        await rig.registry.aclose()
        pool.close()
        renderer.shutdown()


class ReadingPeer:
    """An aiortc peer that reads the numbered pictures it gets, and the messages of its data channel."""

    def __init__(self) -> None:
        self.pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.numbers: list[int | None] = []
        self.coloured: list[int] = []
        self.messages: list[dict[str, Any]] = []
        self.channel: RTCDataChannel = self.pc.createDataChannel("detections")
        self.channel.on("message", lambda text: self.messages.append(json.loads(text)))
        self._reading: asyncio.Task[None] | None = None
        self.pc.on("track", self._take_track)

    def add_video(self, source: MediaStreamTrack | str, *, direction: str, codec: str) -> None:
        """Adds a video section, with a track to send or the word `video`, that has one codec only."""
        wanted = (f"video/{codec}", "video/rtx")
        transceiver = self.pc.addTransceiver(source, direction=direction)
        transceiver.setCodecPreferences([one for one in get_capabilities("video").codecs if one.mimeType.lower() in wanted])

    async def offer(self) -> str:
        """The peer's offer with all its candidates."""
        await self.pc.setLocalDescription(await self.pc.createOffer())
        sdp: str = self.pc.localDescription.sdp
        return sdp

    async def accept(self, answer: str) -> None:
        """Takes the answer and waits until it is connected."""
        await self.take_answer(answer)
        await eventually(lambda: self.pc.connectionState == "connected")

    async def take_answer(self, answer: str) -> None:
        """Takes the answer and begins to connect."""
        await self.pc.setRemoteDescription(RTCSessionDescription(answer, "answer"))

    async def close(self) -> None:
        """Leaves."""
        await self.pc.close()
        if self._reading is not None:
            await self._reading

    def _take_track(self, track: MediaStreamTrack) -> None:
        if track.kind == "video":
            self._reading = asyncio.create_task(self._read(track))

    async def _read(self, track: MediaStreamTrack) -> None:
        try:
            while True:
                frame = await track.recv()
                assert isinstance(frame, av.VideoFrame)
                picture = np.asarray(frame.to_ndarray(), dtype=np.uint8)
                self.numbers.append(read_number(picture))
                self.coloured.append(coloured_pixels(picture))
        except MediaStreamError:
            pass


class Client(ReadingPeer):
    """A peer that sends numbered pictures and reads what comes back."""

    def __init__(self, *, direction: str = "sendrecv", codec: str = "h264", track: MediaStreamTrack | None = None) -> None:
        super().__init__()
        self.sent = track or MarkedVideoTrack(width=512, height=256)
        self.add_video(self.sent, direction=direction, codec=codec)


async def eventually(condition: Callable[[], object], *, within_s: float = 8.0) -> None:
    """Waits until a condition holds."""
    async with asyncio.timeout(within_s):
        while not condition():  # noqa: ASYNC110 - the condition belongs to code that tells nobody
            await asyncio.sleep(0.01)


def live_threads() -> set[str]:
    """Names of the threads that decode."""
    return {thread.name for thread in threading.enumerate() if thread.name.endswith("-decoder")}
