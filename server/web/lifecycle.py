"""The life of the server: loading, ready, draining."""

import asyncio

from server.domain.errors import Draining, NotReady
from server.transports.registry import SessionRegistry
from server.web.cameras import CameraService
from server.web.served_model import ServedModel
from server.web.videos import VideoService


class Lifecycle:
    """Tells whether new work is taken, and leads the server out."""

    def __init__(self, *, model: ServedModel, registry: SessionRegistry, videos: VideoService, cameras: CameraService) -> None:
        self._model = model
        self._registry = registry
        self._videos = videos
        self._cameras = cameras

    @property
    def ready(self) -> bool:
        """Whether the model is loaded and answers, and new work is taken."""
        return self._model.ready and self._model.pool.answers and not self._registry.draining

    def check_ready(self) -> None:
        """Raises Draining once the server is about to end, and NotReady until the model is loaded and where it hangs."""
        if self._registry.draining:
            raise Draining("the server is about to end and takes no new work")
        if not self._model.pool.answers:
            raise NotReady("the detector hangs, and does so with other workers too: the server has to be started again")

    async def wait_until_ready(self) -> None:
        """Returns when the model is loaded; raises ModelError when it cannot be."""
        await self._model.loaded()

    async def drain(self, grace_s: float) -> None:
        """Takes no new work, gives the video that is being checked back to the queue and switches the cameras off.

        Returns when all live sessions have ended, after `grace_s` at the latest.
        """
        await asyncio.gather(self._videos.drain(), self._cameras.drain(), self._registry.drain(grace_s))
