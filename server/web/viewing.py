"""Viewing: everything through which others watch a live stream than the one who feeds it."""

import time
from collections.abc import Callable
from concurrent.futures import Executor

from server.config.settings import Settings
from server.transports.jpeg_feed import JpegFeeds
from server.transports.viewer_places import ViewerPlaces
from server.transports.whep import WhepService
from server.web.encoder_settings import encoder_bitrates
from server.web.live import LiveService


class ViewingService:
    """Viewers by WebRTC and over HTTP, with one count of their places. `io` encodes pictures."""

    def __init__(
        self, settings: Settings, *, live: LiveService, io: Executor, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.places = ViewerPlaces(
            per_stream=settings.live.max_viewers_per_stream,
            in_all=settings.live.max_viewers,
            per_client=settings.live.max_viewers_per_client,
        )
        self.feeds = JpegFeeds(registry=live.registry, executor=io)
        bitrates = encoder_bitrates(settings.webrtc) if settings.webrtc.own_encoders else None
        self.whep = WhepService(registry=live.registry, places=self.places, limits=live.limits, bitrates=bitrates, clock=clock)

    def end_readers(self) -> None:
        """Ends the viewers over HTTP, whose requests the server would wait for."""
        self.feeds.close()

    async def aclose(self) -> None:
        """Ends all viewers."""
        self.feeds.close()
        await self.whep.aclose()
