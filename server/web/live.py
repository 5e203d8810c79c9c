"""Live streams: what a session is made of, from the settings and the served model."""

import time
from collections.abc import Callable
from concurrent.futures import Executor

from server.config.settings import Settings
from server.domain.live import StreamOptions
from server.pipeline.capacity import Capacity, planned_capacity, present_capacity
from server.pipeline.stats import LiveTotals, StreamStats
from server.pipeline.stream import Stream, StreamTuning
from server.pipeline.tracker import ByteTracker
from server.transports.peer_session import WebrtcLimits
from server.transports.registry import NewRing, SessionRegistry, no_ring
from server.transports.webrtc import WebrtcService, WebrtcSession
from server.transports.websocket import WebsocketLimits, WebsocketService, WebsocketSession
from server.web.ice_settings import ice_servers
from server.web.live_tuning import LiveTuning
from server.web.served_model import ServedModel


class LiveService:
    """Opens live sessions, knows those that run, and keeps their totals. `renderer` tracks, draws and converts.

    `new_id` makes the ids of sessions, where others than the registry's own are wanted.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        model: ServedModel,
        renderer: Executor,
        new_id: Callable[[], str] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.registry = SessionRegistry(
            capacity=lambda: self.capacity.sessions, per_client=settings.live.max_sessions_per_client, new_id=new_id
        )
        self.totals = LiveTotals()
        self.tuning = LiveTuning(settings.live, model=model, streams=self._stats, clock=clock)
        self._model = model
        self._renderer = renderer
        self.limits = _limits(settings)
        self._live = settings.live
        self.new_ring: NewRing = no_ring
        """Makes what holds the encoded video of sessions; to be set before the first one."""
        self._clock = clock

    @property
    def capacity(self) -> Capacity:
        """How many streams fit now: what the detector was measured to manage, less where running streams get too little."""
        if not self._model.ready:
            return Capacity(self._live.max_sessions or 1, "measured" if self._live.max_sessions is None else "max_sessions")
        min_fps = self._live.min_detections_fps
        planned = planned_capacity(self.tuning.capacity_fps, min_fps=min_fps, max_sessions=self._live.max_sessions)
        return present_capacity(planned, active=self.registry.active, streams=self._stats(), min_fps=min_fps)

    @property
    def slowed(self) -> int:
        """How many streams show pictures no faster than detections now, because the processor is short."""
        return sum(stats.slowed for stats in self._stats())

    def _stats(self) -> list[StreamStats]:
        return [session.stream.stats() for session in self.registry]

    async def open_webrtc(
        self, offer_sdp: str, *, name: str, options: StreamOptions, annotated: bool, client: str | None = None
    ) -> WebrtcSession:
        """Answers a WebRTC offer; raises as `WebrtcService.open` does, and NotReady until the model is there."""
        service = WebrtcService(
            registry=self.registry,
            create_stream=self.create_stream,
            model=self._model.info,
            converter=self._renderer,
            limits=self.limits,
            new_ring=self.new_ring,
            clock=self._clock,
        )
        return await service.open(offer_sdp, name=name, options=options, annotated=annotated, client=client)

    def open_websocket(
        self, *, name: str, options: StreamOptions, pictures: bool, client: str | None = None
    ) -> WebsocketSession:
        """Takes a place for a WebSocket session; raises as `WebsocketService.open`, and NotReady until the model is there."""
        service = WebsocketService(
            registry=self.registry,
            create_stream=self.create_stream,
            model=self._model.info,
            annotator=self._model.annotator,
            renderer=self._renderer,
            limits=WebsocketLimits(
                self._live.media_timeout_s,
                max_pixels=self._live.max_frame_pixels,
                max_controls_per_s=self._live.max_controls_per_s,
            ),
            new_ring=self.new_ring,
            clock=self._clock,
        )
        return service.open(name=name, options=options, pictures=pictures, client=client)

    def create_stream(self, *, id: str, name: str, options: StreamOptions) -> Stream:  # noqa: A002 - the contract's name
        """A stream that nothing feeds yet; raises NotReady until the model is there."""
        return Stream(
            id=id,
            name=name,
            pool=self._model.pool,
            tracker=ByteTracker(),
            annotator=self._model.annotator,
            options=options,
            renderer=self._renderer,
            totals=self.totals,
            tuning=StreamTuning(lambda: self.tuning.level.imgsz, may_slow=self._live.adapt_rate),
            clock=self._clock,
        )


def _limits(settings: Settings) -> WebrtcLimits:
    return WebrtcLimits(
        connect_timeout_s=settings.live.connect_timeout_s,
        media_timeout_s=settings.live.media_timeout_s,
        max_pixels=settings.live.max_pixels,
        max_candidates=settings.webrtc.max_candidates,
        max_controls_per_s=settings.live.max_controls_per_s,
        public_address=settings.webrtc.public_address,
        ice_servers=ice_servers(settings.webrtc),
    )
