"""The supervisor of a camera: on and off by its schedule, how it is, and who is told when it stays away."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo
from typing import Any, Protocol

from server.domain.camera import Camera, CameraState, CameraStatus
from server.domain.schedule import is_watched, next_change
from server.transports.camera_connection import Report

logger = logging.getLogger(__name__)

# The schedule is looked at at least so often: the clock of the machine may be set.
LOOK_EVERY_S = 30.0
# A camera whose session has failed by a fault of ours gets a new one after this.
AFTER_FAILURE_S = 1.0
_AWAY = frozenset({CameraState.CONNECTING, CameraState.STALLED, CameraState.UNAUTHORISED, CameraState.UNREACHABLE})


class Watched(Protocol):
    """A camera that is on."""

    @property
    def failed(self) -> bool:
        """Whether a fault has ended it."""

    def start(self) -> None:
        """Begins to connect."""

    def reconnect(self) -> None:
        """Begins its connections anew at once."""

    async def aclose(self, reason: str) -> None:
        """Ends it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SupervisorHooks:
    """What a supervisor needs of others.

    `switch_on` makes the session of a camera and enters it where it belongs, `switch_off` ends it. `changed` is told when the
    status is another. `tell` is told of `camera_lost` and `camera_back`.
    """

    switch_on: Callable[[Camera, Callable[[Report], None]], Watched]
    switch_off: Callable[[Any, str], Awaitable[None]]
    changed: Callable[[Camera], None]
    tell: Callable[[str, Camera, CameraStatus], None]


class CameraSupervisor:
    """One camera, from `start()` to `aclose()`. `time_zone` is that of its schedule; `wall_clock` is in seconds since
    the epoch. `told` says whether people were told that it stays away, and wait to hear that it is back; `told_before`, that
    the newest message of an earlier run says so, which may not have been the last word: it is told anew if it stays away."""

    def __init__(
        self,
        camera: Camera,
        *,
        hooks: SupervisorHooks,
        time_zone: tzinfo,
        lost_after_s: float,
        told: bool = False,
        told_before: bool = False,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self.camera = camera
        self.session: Watched | None = None
        self.told = told
        self._told_before = told_before
        self._hooks = hooks
        self._zone = time_zone
        self._lost_after_s = lost_after_s
        self._wall_clock = wall_clock
        self.status = CameraStatus(state=CameraState.OFF, since=wall_clock())
        self._away_since: float | None = None
        self._look = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Switches the camera on, if it is to be on now."""
        self._task = asyncio.create_task(self._run(), name=f"supervise camera {self.camera.id}")

    def reconnect(self) -> None:
        """Connects anew at once; does nothing while the camera is off."""
        if self.session is not None:
            self.session.reconnect()

    def rename(self, camera: Camera) -> None:
        """Takes settings that need no new connection."""
        self.camera = camera
        self._look.set()

    async def aclose(self, reason: str) -> None:
        """Switches it off for good."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
            self._task = None
        await self._switch_off(reason)

    async def _run(self) -> None:
        while True:
            self._look.clear()
            await self._look_at_schedule()
            self._look_at_absence()
            try:
                async with asyncio.timeout(self._look_again_s()):
                    await self._look.wait()
            except TimeoutError:
                pass

    async def _look_at_schedule(self) -> None:
        now = datetime.fromtimestamp(self._wall_clock(), self._zone)
        if self.camera.enabled and is_watched(self.camera.schedule, now):
            if self.session is not None and self.session.failed:
                await self._switch_off("it failed")  # and on again with the next look
            elif self.session is None:
                self.session = self._hooks.switch_on(self.camera, self.take_report)
                self.session.start()
            return
        back = next_change(self.camera.schedule, now) if self.camera.enabled else None
        reason = "Off by its schedule." if self.camera.enabled else "Switched off."
        await self._switch_off(reason)
        self._away_since = None
        self._become(
            CameraStatus(state=CameraState.OFF, since=0, reason=reason, off_until=None if back is None else back.timestamp())
        )

    async def _switch_off(self, reason: str) -> None:
        session, self.session = self.session, None
        if session is not None:
            await self._hooks.switch_off(session, reason)

    def take_report(self, report: Report) -> None:
        """Notes how the connection is."""
        now = self._wall_clock()
        next_try_at = None if report.next_try_s is None else now + report.next_try_s
        if report.state is CameraState.LIVE:
            self._away_since = None
            self._become(CameraStatus(state=report.state, since=now))
            self._tell_back()
            return
        self._away_since = self._away_since or now
        self._look.set()
        self._become(CameraStatus(state=report.state, since=now, reason=report.reason, next_try_at=next_try_at))

    def _become(self, status: CameraStatus) -> None:
        if status.state is self.status.state:
            status = replace(status, since=self.status.since)
        else:
            status = replace(status, since=self._wall_clock())
            logger.info("camera %s is %s%s", self.camera.name, status.state, f": {status.reason}" if status.reason else "")
        if status != self.status:
            self.status = status
            self._hooks.changed(self.camera)

    def _look_at_absence(self) -> None:
        """Tells once of a camera that stays away."""
        if self.told or self._away_since is None or self.status.state not in _AWAY:
            return
        if self._wall_clock() - self._away_since >= self._lost_after_s:
            self.told = True
            self._hooks.tell("camera_lost", self.camera, self.status)

    def _tell_back(self) -> None:
        if self.told or self._told_before:
            self.told = self._told_before = False
            self._hooks.tell("camera_back", self.camera, self.status)

    def _look_again_s(self) -> float:
        if self.session is None and self.status.state is not CameraState.OFF:
            return AFTER_FAILURE_S
        if self._away_since is None or self.told:
            return LOOK_EVERY_S
        return min(LOOK_EVERY_S, max(0.05, self._away_since + self._lost_after_s - self._wall_clock()))
