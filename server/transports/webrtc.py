"""WebRTC sessions of publishers: one peer connection each, from the client's offer to the last trace of it."""

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine, Mapping
from concurrent.futures import Executor
from contextlib import AsyncExitStack
from functools import partial
from typing import Any, Protocol

from aiortc import RTCDataChannel

from server.domain.alert import SourceKind
from server.domain.errors import Unprocessable
from server.domain.live import StreamOptions
from server.domain.model import ModelInfo
from server.pipeline.packet_ring import PacketRing
from server.pipeline.stream import Stream
from server.transports.annotated_track import AnnotatedVideoTrack
from server.transports.detection_channel import LABEL, DetectionChannel
from server.transports.peer_session import PeerSession, WebrtcLimits
from server.transports.registry import NewRing, SessionRegistry, no_ring
from server.transports.sdp import Offer, read_offer
from server.transports.webrtc_source import WebrtcSource

logger = logging.getLogger(__name__)

# Packets that no picture comes out of hold a place this much longer than none: a key frame may have been lost more than once.
UNDECODED_FACTOR = 3


class StreamFactory(Protocol):
    """Makes the pipeline of a new session."""

    def __call__(self, *, id: str, name: str, options: StreamOptions) -> Stream:  # noqa: A002 - the field's name in the contract
        """Returns a stream that is not running yet."""


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
        new_ring: NewRing = no_ring,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._new_ring = new_ring
        self._registry = registry
        self._create_stream = create_stream
        self._model = model
        self._converter = converter
        self._limits = limits or WebrtcLimits()
        self._clock = clock

    async def open(
        self, offer_sdp: str, *, name: str, options: StreamOptions, annotated: bool, client: str | None = None
    ) -> "WebrtcSession":
        """Answers an offer with a session that runs until the peer leaves or `aclose()`.

        `annotated` asks for the annotated video on the same connection, which a `sendrecv` video section makes possible. Raises
        InvalidRequest for what is not SDP, TooLarge for too many candidates, Unprocessable without usable video, AtCapacity,
        TooMany, Draining, and Busy without a free UDP port.
        """
        offer = read_offer(offer_sdp, max_candidates=self._limits.max_candidates)
        with self._registry.reserve(client=client) as place:
            session_id = self._registry.new_id()
            session = WebrtcSession(
                offer,
                stream=self._create_stream(id=session_id, name=name, options=options),
                model=self._model,
                converter=self._converter,
                limits=self._limits,
                kind=(kind := SourceKind.WEBCAM if annotated and offer.wants_video_back else SourceKind.PUBLISHER),
                packets=self._new_ring(kind),
                clock=self._clock,
            )
            # A refused offer leaves nothing behind, nor does a server that ends while we answer and so cancels us here.
            async with AsyncExitStack() as undo:
                undo.push_async_callback(session.aclose, "it could not be opened")
                await session.open(annotated=annotated)
                place.fill(session)
                undo.pop_all()
        session.on_closed(partial(self._registry.remove, session))
        return session


class WebrtcSession(PeerSession):
    """A publisher's connection: a source, its stream, and what goes back to the client."""

    def __init__(
        self,
        offer: Offer,
        *,
        stream: Stream,
        model: ModelInfo,
        converter: Executor,
        limits: WebrtcLimits,
        kind: SourceKind = SourceKind.PUBLISHER,
        packets: PacketRing | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(offer, id=stream.id, limits=limits, receives=True, clock=clock)
        self.stream = stream
        self.kind = kind
        self.packets = packets
        self._model = model
        self._converter = converter
        self._source: WebrtcSource | None = None
        self._annotated: AnnotatedVideoTrack | None = None
        self._channel: DetectionChannel | None = None
        self._draining_s: float | None = None

    @property
    def name(self) -> str:
        """What the client calls its stream."""
        return self.stream.name

    async def open(self, *, annotated: bool) -> None:
        """Answers the offer and starts; `aclose()` must follow where this raises."""
        if annotated and self._offer.wants_video_back:
            self._annotated = AnnotatedVideoTrack(self.stream, clock=self._clock)
        await self._answer(returned=self._annotated)
        if self._peer.video is None:  # read_offer() takes none without
            raise Unprocessable("the offer has no video that is sent")
        if self.packets is not None:
            self._peer.keep_in(self.packets)
        self._source = WebrtcSource(
            self._peer.video,
            converter=self._converter,
            receipt_of=self._peer.receipt_of,
            lost_before=self._peer.lost_frames,
            max_pixels=self._limits.max_pixels,
            on_refused=self.end,
            clock=self._clock,
        )
        self._start()

    def announce_draining(self, grace_s: float) -> None:
        """Tells the client that the session ends in `grace_s` seconds, at once or when its data channel opens."""
        self._draining_s = grace_s
        if self._channel is not None:
            self._channel.announce_draining(grace_s)

    def _take_channel(self, channel: RTCDataChannel) -> None:
        if channel.label == LABEL and (self._channel is None or self._channel.closed):
            self._channel = DetectionChannel(
                channel,
                stream=self.stream,
                model=self._model,
                max_controls_per_s=self._limits.max_controls_per_s,
                clock=self._clock,
            )
            if self._draining_s is not None:
                self._channel.announce_draining(self._draining_s)
        else:
            channel.close()

    def _detach(self) -> None:
        if self._annotated is not None:
            self._annotated.stop()
        if self._channel is not None:
            self._channel.close()

    def _work(self) -> Mapping[str, Coroutine[Any, Any, None]]:
        if self._source is None:
            return {}
        return {"stream": self._run_stream(self._source), "watch": self._watch_media(self._source)}

    async def _run_stream(self, source: WebrtcSource) -> None:
        try:
            await self.stream.run(source)
            self.end("the peer ended its video")
        except Exception:  # the supervisor of a live stream: one that fails ends its own session only
            logger.exception("the stream failed")
            self.end("the stream failed")

    async def _watch_media(self, source: WebrtcSource) -> None:
        """Ends the session of a peer that is connected and sends nothing that can be shown."""
        timeout_s = self._limits.media_timeout_s
        while True:
            await asyncio.sleep(min(1.0, timeout_s / 4))
            if self._connected_at is None:
                continue
            now = self._clock()
            last_frame_at = max(self._connected_at, source.last_frame_at or 0.0)
            if now - max(last_frame_at, self._peer.last_packet_at or 0.0) >= timeout_s:
                self.end(f"no video for {timeout_s:g} s")
            elif now - last_frame_at >= UNDECODED_FACTOR * timeout_s:
                self.end(f"no picture could be decoded for {UNDECODED_FACTOR * timeout_s:g} s")

    def _log_opened(self) -> None:
        logger.info("session opened: %s, %s", self.name, "annotated video returns" if self._annotated else "publishes only")

    def _log_ended(self, reason: str, after_s: float) -> None:
        logger.info("session ended: %s, after %.1f s: %s", reason, after_s, self.stream.stats().in_words)
