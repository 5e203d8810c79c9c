"""What a page follows of the cameras: all of them when one changes, and their ages once a second."""

import asyncio
from collections.abc import Iterator

import msgspec

from server.web.camera_answers import CameraAgesEvent, CamerasAnswer
from server.web.cameras import CamerasChanged, CameraService

AGES_EVERY_S = 1.0


class CameraEvents:
    """A sink that notes that a camera has changed, and when ages are due; on the event loop.

    `changed` is set when there is something to take.
    """

    def __init__(self, cameras: CameraService, *, changed: asyncio.Event) -> None:
        self._cameras = cameras
        self._changed = changed
        self._has_changed = True
        self._ages_due = False
        cameras.changes.subscribe(self)
        changed.set()
        self._ticking = asyncio.get_running_loop().call_later(AGES_EVERY_S, self._tick)

    def put(self, item: CamerasChanged) -> None:
        """Notes it; all of them are sent again, as there are few."""
        self._has_changed = True
        self._changed.set()

    def take(self) -> Iterator[tuple[str, msgspec.Struct]]:
        """What was not taken yet."""
        if self._has_changed:
            self._has_changed = False
            yield "cameras", CamerasAnswer(self._cameras.all())
        if self._ages_due:
            self._ages_due = False
            yield "camera_ages", CameraAgesEvent(self._cameras.ages())

    def close(self) -> None:
        """Takes the sink off."""
        self._ticking.cancel()
        self._cameras.changes.unsubscribe(self)

    def _tick(self) -> None:
        self._ages_due = True
        self._changed.set()
        self._ticking = asyncio.get_running_loop().call_later(AGES_EVERY_S, self._tick)
