"""Live streams: what a session is made of, from the settings and the served model."""

import time
from collections.abc import Callable
from concurrent.futures import Executor

from server.config import Settings
from server.domain.live import StreamOptions
from server.pipeline.stats import LiveTotals
from server.pipeline.stream import Stream
from server.pipeline.tracker import ByteTracker
from server.transports.ice import IceServer
from server.transports.registry import SessionRegistry
from server.transports.webrtc import WebrtcLimits, WebrtcService, WebrtcSession
from server.web.served_model import ServedModel


class LiveService:
    """Opens live sessions, knows those that run, and keeps their totals. `renderer` tracks, draws and converts."""

    def __init__(
        self,
        settings: Settings,
        *,
        model: ServedModel,
        renderer: Executor,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.registry = SessionRegistry(capacity=settings.live.max_sessions)
        self.totals = LiveTotals()
        self._model = model
        self._renderer = renderer
        self._limits = _limits(settings)
        self._clock = clock

    async def open_webrtc(self, offer_sdp: str, *, name: str, options: StreamOptions, annotated: bool) -> WebrtcSession:
        """Answers a WebRTC offer; raises as `WebrtcService.open` does, and NotReady until the model is there."""
        service = WebrtcService(
            registry=self.registry,
            create_stream=self._create_stream,
            model=self._model.info,
            converter=self._renderer,
            limits=self._limits,
            clock=self._clock,
        )
        return await service.open(offer_sdp, name=name, options=options, annotated=annotated)

    def _create_stream(self, *, id: str, name: str, options: StreamOptions) -> Stream:  # noqa: A002 - the contract's name
        return Stream(
            id=id,
            name=name,
            pool=self._model.pool,
            tracker=ByteTracker(),
            annotator=self._model.annotator,
            options=options,
            renderer=self._renderer,
            totals=self.totals,
            clock=self._clock,
        )


def _limits(settings: Settings) -> WebrtcLimits:
    servers = (
        IceServer(tuple(server.urls), username=server.username, credential=server.credential)
        for server in settings.webrtc.ice_servers
    )
    return WebrtcLimits(
        connect_timeout_s=settings.live.connect_timeout_s,
        media_timeout_s=settings.live.media_timeout_s,
        max_pixels=settings.live.max_pixels,
        public_address=settings.webrtc.public_address,
        ice_servers=tuple(servers),
    )
