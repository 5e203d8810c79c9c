"""WebRTC sessions: one peer connection each, from the client's offer to the last trace of it."""

import asyncio
import ipaddress
import logging
import secrets
import time
from collections.abc import Callable
from concurrent.futures import Executor
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Protocol

from aiortc import RTCDataChannel

from server.domain.errors import Outdated, SettingsError, Unprocessable
from server.domain.live import StreamOptions
from server.domain.model import ModelInfo
from server.logs import log_context
from server.pipeline.stream import Stream
from server.transports.annotated_track import AnnotatedVideoTrack
from server.transports.detection_channel import LABEL, DetectionChannel
from server.transports.ice import IceServer, parse_fragment
from server.transports.peer import Peer
from server.transports.registry import SessionRegistry, new_session_id
from server.transports.sdp import Offer, announce_address, read_offer, with_unused
from server.transports.webrtc_source import WebrtcSource

logger = logging.getLogger(__name__)

# Packets that no picture comes out of hold a place this much longer than none: a key frame may have been lost more than once.
UNDECODED_FACTOR = 3


class StreamFactory(Protocol):
    """Makes the pipeline of a new session."""

    def __call__(self, *, id: str, name: str, options: StreamOptions) -> Stream:  # noqa: A002 - the field's name in the contract
        """Returns a stream that is not running yet."""


@dataclass(frozen=True, slots=True)
class WebrtcLimits:
    """How long a peer may keep us waiting, how large its pictures may be, and how we are reached.

    `public_address` stands in the answer in place of private addresses, where it is not empty; SettingsError if it is none.
    """

    connect_timeout_s: float = 15.0
    media_timeout_s: float = 10.0
    max_pixels: int = 3840 * 2160
    public_address: str = ""
    ice_servers: tuple[IceServer, ...] = ()

    def __post_init__(self) -> None:
        try:
            ipaddress.ip_address(self.public_address or "::")
        except ValueError as exc:
            raise SettingsError(f"webrtc.public_address: {exc}") from exc


class WebrtcService:
    """Opens WebRTC sessions and enters them into the registry. `converter` runs pixel conversions, never encoders."""

    def __init__(
        self,
        *,
        registry: SessionRegistry,
        create_stream: StreamFactory,
        model: ModelInfo,
        converter: Executor,
        limits: WebrtcLimits | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._registry = registry
        self._create_stream = create_stream
        self._model = model
        self._converter = converter
        self._limits = limits or WebrtcLimits()
        self._clock = clock

    async def open(self, offer_sdp: str, *, name: str, options: StreamOptions, annotated: bool) -> "WebrtcSession":
        """Answers an offer with a session that runs until the peer leaves or `aclose()`.

        `annotated` asks for the annotated video on the same connection, which a `sendrecv` video section makes possible. Raises
        InvalidRequest for what is not SDP, Unprocessable without usable video, AtCapacity, Draining, and Busy without a
        free UDP port.
        """
        offer = read_offer(offer_sdp)
        with self._registry.reserve() as place:
            session_id = new_session_id()
            session = WebrtcSession(
                offer,
                stream=self._create_stream(id=session_id, name=name, options=options),
                model=self._model,
                converter=self._converter,
                limits=self._limits,
                clock=self._clock,
            )
            # A refused offer, and a client that goes away while we answer and so cancels us here, leave nothing behind.
            async with AsyncExitStack() as undo:
                undo.push_async_callback(session.aclose, "it could not be opened")
                await session.open(annotated=annotated)
                place.fill(session)
                undo.pop_all()
        session.on_closed(self._registry.remove)
        return session


class WebrtcSession:
    """One peer connection: a source, its stream, and what goes back to the client.

    `answer_sdp` answers the client's offer, `etag` names its ICE session.
    """

    def __init__(
        self,
        offer: Offer,
        *,
        stream: Stream,
        model: ModelInfo,
        converter: Executor,
        limits: WebrtcLimits,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.stream = stream
        self.etag = f'"{secrets.token_hex(8)}"'
        self.answer_sdp = ""
        self._offer = offer
        self._model = model
        self._converter = converter
        self._limits = limits
        self._clock = clock
        self._peer = Peer(ice_servers=limits.ice_servers, on_state=self._note_state, on_channel=self._take_channel)
        self._source: WebrtcSource | None = None
        self._annotated: AnnotatedVideoTrack | None = None
        self._channel: DetectionChannel | None = None
        self._task: asyncio.Task[None] | None = None
        self._ended = asyncio.Event()
        self._reason = "the server ends"
        self._released = False
        self._opened_at = clock()
        self._connected_at: float | None = None
        self._on_closed: list[Callable[[WebrtcSession], None]] = []

    @property
    def id(self) -> str:
        """Unguessable name in addresses, the same as the stream's."""
        return self.stream.id

    @property
    def name(self) -> str:
        """What the client calls its stream."""
        return self.stream.name

    @property
    def closed(self) -> bool:
        """Whether nothing of the session is left."""
        return self._released

    def on_closed(self, callback: "Callable[[WebrtcSession], None]") -> None:
        """Has `callback` called once nothing of the session is left, at once if that is so already."""
        if self._released:
            callback(self)
        else:
            self._on_closed.append(callback)

    async def open(self, *, annotated: bool) -> None:
        """Answers the offer and starts; `aclose()` must follow where this raises."""
        if annotated and self._offer.wants_video_back:
            self._annotated = AnnotatedVideoTrack(self.stream, clock=self._clock)
        answer = await self._peer.answer(self._offer, returned=self._annotated)
        answer = announce_address(answer, self._limits.public_address)
        self.answer_sdp = with_unused(answer, self._offer.unused)
        if self._peer.video is None:  # read_offer() takes none without
            raise Unprocessable("the offer has no video that is sent")
        self._source = WebrtcSource(
            self._peer.video,
            converter=self._converter,
            receipt_of=self._peer.receipt_of,
            lost_before=self._peer.lost_frames,
            max_pixels=self._limits.max_pixels,
            on_refused=self._end,
            clock=self._clock,
        )
        self._task = asyncio.create_task(self._live(self._source), name=f"session {self.id}")

    async def add_candidates(self, fragment: str, etag: str | None) -> None:
        """Adds the candidates that a client found after its offer.

        Raises InvalidRequest for a malformed fragment, Outdated where `etag` names another ICE session than the present
        one, Unprocessable for an ICE restart. None and `*` stand for the present one.
        """
        if etag not in (None, "*", self.etag):
            raise Outdated(f"the session's ICE session is {self.etag}, not {etag}")
        parsed = parse_fragment(fragment)
        if parsed.username not in (None, self._offer.ice_username):
            raise Unprocessable("ICE restarts are not supported: end this session and open a new one")
        for candidate in parsed.candidates:
            await self._peer.add_candidate(candidate)

    def announce_draining(self, grace_s: float) -> None:
        """Tells the client that the session ends in `grace_s` seconds."""
        if self._channel is not None:
            self._channel.announce_draining(grace_s)

    async def aclose(self, reason: str) -> None:
        """Ends the session and returns when nothing of it is left; may be called again."""
        self._end(reason)
        if self._task is None:
            await self._release([])
        else:
            await asyncio.wait([self._task])  # which, unlike awaiting it, leaves it alone when our caller is cancelled

    def _end(self, reason: str) -> None:
        if not self._ended.is_set():
            self._reason = reason
            self._ended.set()

    def _note_state(self, state: str) -> None:
        if state == "connected" and self._connected_at is None:
            self._connected_at = self._clock()
        elif state in ("closed", "failed"):
            self._end("the connection failed" if self._connected_at is None else "the peer left")

    def _take_channel(self, channel: RTCDataChannel) -> None:
        if channel.label == LABEL and (self._channel is None or self._channel.closed):
            self._channel = DetectionChannel(channel, stream=self.stream, model=self._model, clock=self._clock)
        else:
            channel.close()

    async def _live(self, source: WebrtcSource) -> None:
        """Runs the session until something ends it, then leaves nothing behind."""
        with log_context(session=self.id):
            logger.info("session opened: %s, %s", self.name, "annotated video returns" if self._annotated else "publishes only")
            tasks = [
                asyncio.create_task(self._run_stream(source), name=f"stream {self.id}"),
                asyncio.create_task(self._watch(source), name=f"watch {self.id}"),
            ]
            try:
                await self._ended.wait()
            finally:
                await self._release(tasks)
                self._log_end()

    async def _run_stream(self, source: WebrtcSource) -> None:
        try:
            await self.stream.run(source)
            self._end("the peer ended its video")
        except Exception:  # the supervisor of a live stream: one that fails ends its own session only
            logger.exception("the stream failed")
            self._end("the stream failed")

    async def _watch(self, source: WebrtcSource) -> None:
        """Ends the session of a peer that does not connect, or sends nothing that can be shown."""
        connect_timeout_s, media_timeout_s = self._limits.connect_timeout_s, self._limits.media_timeout_s
        interval_s = min(1.0, connect_timeout_s / 4, media_timeout_s / 4)
        while True:
            await asyncio.sleep(interval_s)
            now = self._clock()
            if self._connected_at is None:
                if now - self._opened_at >= connect_timeout_s:
                    self._end(f"not connected within {connect_timeout_s:g} s")
                continue
            last_frame_at = max(self._connected_at, source.last_frame_at or 0.0)
            if now - max(last_frame_at, self._peer.last_packet_at or 0.0) >= media_timeout_s:
                self._end(f"no video for {media_timeout_s:g} s")
            elif now - last_frame_at >= UNDECODED_FACTOR * media_timeout_s:
                self._end(f"no picture could be decoded for {UNDECODED_FACTOR * media_timeout_s:g} s")

    async def _release(self, tasks: "list[asyncio.Task[None]]") -> None:
        """Ends all that the session has; whatever goes wrong there, its place is free afterwards."""
        if self._released:
            return
        try:
            for task in tasks:
                task.cancel()
            if tasks:
                await asyncio.wait(tasks)
            if self._annotated is not None:
                self._annotated.stop()
            if self._channel is not None:
                self._channel.close()
            await self._peer.close()
        finally:
            self._released = True
            for callback in self._on_closed:
                callback(self)

    def _log_end(self) -> None:
        stats = self.stream.stats()
        p95_ms = stats.box_age.p95_ms
        logger.info(
            "session ended: %s, after %.1f s: %d frames received, %d dropped, %d processed, %d pictures sent, box age p95 %s",
            self._reason,
            self._clock() - self._opened_at,
            stats.received,
            stats.dropped,
            stats.processed,
            stats.delivered,
            "unknown" if p95_ms is None else f"{p95_ms:.0f} ms",
        )
