"""WHEP viewers: the annotated video of a running stream, one peer connection each, without a second detection."""

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine, Mapping
from contextlib import AsyncExitStack, ExitStack
from functools import partial
from typing import Any, Protocol

from aiortc import RTCDataChannel
from aiortc.mediastreams import MediaStreamTrack

from server.domain.errors import NotFound
from server.domain.model import ModelInfo
from server.inference.processors import available_processors
from server.pipeline.freshness import FreshnessMeter
from server.pipeline.stream import Stream
from server.transports.aiortc_sender import senders_tell
from server.transports.annotated_track import AnnotatedVideoTrack
from server.transports.detection_channel import LABEL, DetectionChannel
from server.transports.encoders import Bitrates
from server.transports.encoding_turns import SHARE, EncodingTurns
from server.transports.peer_session import PeerSession, WebrtcLimits
from server.transports.registry import Change, DrainingBegun, SessionClosed, SessionRegistry, new_session_id
from server.transports.sdp import Offer, read_viewer_offer
from server.transports.shared_encodings import SharedEncodings
from server.transports.viewer_places import ViewerPlaces

logger = logging.getLogger(__name__)


class CreateTrack(Protocol):
    """Makes the video of a viewer."""

    def __call__(self, stream: Stream, *, meter: FreshnessMeter, on_failed: Callable[[], None]) -> MediaStreamTrack:
        """Returns a track of the stream's pictures; `meter` takes their ages, `on_failed` is called where no more come."""


class WhepService:
    """Opens viewers of the streams in a registry, knows those that watch, and ends them with their stream.

    With `bitrates` the viewers of a stream share its encodings; None, or an aiortc that was left as it is, gives each an
    encoder of its own.
    """

    def __init__(
        self,
        *,
        registry: SessionRegistry,
        places: ViewerPlaces,
        limits: WebrtcLimits,
        bitrates: Bitrates | None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._registry = registry
        self._places = places
        self._limits = limits
        self._clock = clock
        self._turns = EncodingTurns(processors=SHARE * available_processors(), clock=clock)
        self.encodings = None if bitrates is None else SharedEncodings(bitrates=bitrates, turns=self._turns, clock=clock)
        self._viewers: dict[str, WhepViewer] = {}
        registry.changes.subscribe(self)

    async def open(self, offer_sdp: str, *, stream_id: str, model: ModelInfo, client: str | None = None) -> "WhepViewer":
        """Answers an offer with a viewer that watches until it leaves, its stream ends, or `aclose()`.

        Raises InvalidRequest for what is not SDP, Unprocessable without video that can be sent, NotFound without such a
        stream, AtCapacity, TooMany, and Busy without a free UDP port.
        """
        stream = self._registry.get(stream_id).stream
        offer = read_viewer_offer(offer_sdp, max_candidates=self._limits.max_candidates)
        place = ExitStack()
        place.enter_context(self._places.hold(stream_id, client=client))
        viewer = WhepViewer(
            offer, stream=stream, model=model, limits=self._limits, create_track=self._create_track, clock=self._clock
        )
        viewer.on_closed(place.close)
        # A refused offer leaves nothing behind, nor does a server that ends while we answer and so cancels us here.
        async with AsyncExitStack() as undo:
            undo.push_async_callback(viewer.aclose, "it could not be opened")
            await viewer.open()
            if self._registry.get(stream_id).stream is not stream:  # it ended while we answered; a camera's next has its id
                raise NotFound("the stream has ended")
            self._viewers[viewer.id] = viewer
            undo.pop_all()
        viewer.on_closed(partial(self._forget, viewer))
        return viewer

    def get(self, viewer_id: str, *, stream_id: str) -> "WhepViewer":
        """The viewer of that id at that stream; NotFound when there is none."""
        viewer = self._viewers.get(viewer_id)
        if viewer is None or viewer.stream.id != stream_id:
            raise NotFound("no such viewer")
        return viewer

    def put(self, item: Change) -> None:
        """Tells the viewers what becomes of the sessions."""
        for viewer in tuple(self._viewers.values()):
            if isinstance(item, DrainingBegun):
                viewer.announce_draining(item.grace_s)
            elif isinstance(item, SessionClosed) and item.session.stream is viewer.stream:
                viewer.end("the stream ended")

    async def aclose(self) -> None:
        """Ends all viewers."""
        self._registry.changes.unsubscribe(self)
        await asyncio.gather(*(viewer.aclose("the server ends") for viewer in tuple(self._viewers.values())))
        if self.encodings is not None:
            await self.encodings.aclose()

    def _create_track(self, stream: Stream, *, meter: FreshnessMeter, on_failed: Callable[[], None]) -> MediaStreamTrack:
        if self.encodings is not None and senders_tell():
            return self.encodings.create_track(stream, meter=meter, on_failed=on_failed)
        return AnnotatedVideoTrack(stream, meter=meter, turns=self._turns, clock=self._clock)

    def _forget(self, viewer: "WhepViewer") -> None:
        del self._viewers[viewer.id]


class WhepViewer(PeerSession):
    """One viewer's connection; it gets the stream's pictures and, on a data channel, its results, and changes nothing."""

    def __init__(
        self,
        offer: Offer,
        *,
        stream: Stream,
        model: ModelInfo,
        limits: WebrtcLimits,
        create_track: CreateTrack,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(offer, id=new_session_id(), limits=limits, receives=False, clock=clock)
        self.stream = stream
        self._model = model
        self._meter = FreshnessMeter(sums=stream.viewing)
        failed = partial(self.end, "its video could not be encoded")
        self._track = create_track(stream, meter=self._meter, on_failed=failed)
        self._channel: DetectionChannel | None = None

    async def open(self) -> None:
        """Answers the offer and starts; `aclose()` must follow where this raises."""
        await self._answer(returned=self._track)
        self._start()

    def announce_draining(self, grace_s: float) -> None:
        """Tells the client that the server ends in `grace_s` seconds."""
        if self._channel is not None:
            self._channel.announce_draining(grace_s)

    def _take_channel(self, channel: RTCDataChannel) -> None:
        if channel.label == LABEL and self._channel is None:
            self._channel = DetectionChannel(
                channel,
                stream=self.stream,
                model=self._model,
                meter=self._meter,
                controls=False,
                max_controls_per_s=self._limits.max_controls_per_s,
                clock=self._clock,
            )
        else:
            channel.close()

    def _work(self) -> Mapping[str, Coroutine[Any, Any, None]]:
        return {}

    def _detach(self) -> None:
        self._track.stop()
        if self._channel is not None:
            self._channel.close()

    def _log_opened(self) -> None:
        logger.info("viewer opened: of %s, stream %s", self.stream.name, self.stream.id)

    def _log_ended(self, reason: str, after_s: float) -> None:
        p95 = self._meter.box_age.stats().p95_in_words
        logger.info(
            "viewer ended: %s, after %.1f s: %d pictures sent, box age p95 %s", reason, after_s, self._meter.delivered, p95
        )
