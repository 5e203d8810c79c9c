"""Cameras: the records, their supervisors, and their place among the live sessions."""

import asyncio
import functools
import logging
import time
import uuid
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import tzinfo
from typing import Any, Protocol

from server.config.settings import Settings
from server.domain.camera import Camera, CameraState, CameraStatus
from server.domain.errors import CameraFailed, Conflict, NotFound, NotOffered, SettingsError
from server.domain.live import StreamOptions
from server.domain.model import ModelInfo
from server.pipeline.broadcast import Broadcast
from server.pipeline.packet_ring import PacketRing
from server.storage.cameras import CameraRecords
from server.storage.deliveries import DeliveryRecords
from server.transports.address_policy import AddressPolicy
from server.transports.camera_address import parse_address
from server.transports.camera_connection import Patience, Report
from server.transports.camera_input import CameraLimits
from server.transports.camera_session import CameraRig, CameraSession
from server.transports.camera_supervisor import CameraSupervisor, SupervisorHooks
from server.transports.own_thread import in_own_thread
from server.web.camera_answers import CameraAge, CameraAnswer, LastAlertAnswer, camera_answer
from server.web.camera_orders import CameraOrder, changed_camera, new_camera, orders_of_entries, with_order
from server.web.live import LiveService
from server.web.problems import Problem
from server.web.records import Records
from server.web.served_model import ServedModel
from server.web.time_zone import time_zone

logger = logging.getLogger(__name__)

# Settings of which a connection knows nothing: they change while it stands.
_LIGHT = frozenset({"name", "confidence", "classes", "mask", "rule", "schedule", "snoozed_until", "enabled"})


class Tell(Protocol):
    """Who tells of a camera that stays away, or is back."""

    def __call__(self, event: str, camera: Camera, status: CameraStatus) -> None:
        """Takes `camera_lost` or `camera_back`, without waiting."""


@dataclass(frozen=True, slots=True)
class CamerasChanged:
    """A camera has another state or other settings, or is there no more."""

    id: str


class CameraService:
    """The cameras from `open()` to `aclose()`, where this server offers them.

    `tell`, `last_alert` and `new_ring` may be set before `open()` by who makes alerts: they tell of outages, know the newest
    alert of a camera, and make what holds its encoded pictures for clips.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        records: Records,
        live: LiveService,
        model: ServedModel,
        clock: Callable[[], float] = time.monotonic,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self.changes: Broadcast[CamerasChanged] = Broadcast()
        self.tell: Tell = _log_only
        self.last_alert: Callable[[str], LastAlertAnswer | None] = lambda _: None
        self.new_ring: Callable[[], PacketRing | None] = lambda: None
        self._settings = settings
        self._records = records
        self._live = live
        self._model = model
        self._clock = clock
        self._wall_clock = wall_clock
        self._missing = "cameras are turned off here (cameras.enabled)"
        self._kept: CameraRecords | None = None
        self._supervisors: dict[str, CameraSupervisor] = {}
        self._changing = asyncio.Lock()
        self._starting: asyncio.Task[None] | None = None
        self._started = False
        self._draining = False
        limits = CameraLimits(
            connect_timeout_s=settings.cameras.connect_timeout_s,
            read_timeout_s=settings.cameras.read_timeout_s,
            max_pixels=settings.live.max_pixels,
        )
        patience = Patience(
            connect_s=limits.connect_timeout_s,
            read_s=limits.read_timeout_s,
            most_wait_s=settings.cameras.most_wait_s,
        )
        self._policy = _policy(settings)
        self._rig = CameraRig(policy=self._policy, patience=patience, limits=limits, clock=clock)
        self._zone: tzinfo | None = None

    @property
    def offered(self) -> bool:
        """Whether cameras are watched here."""
        return self._kept is not None

    def check_offered(self) -> CameraRecords:
        """The records; raises NotOffered where there are none."""
        if self._kept is None:
            raise NotOffered(self._missing)
        return self._kept

    @property
    def counts(self) -> Mapping[str, int] | None:
        """How many there are in each state; None where cameras are not offered."""
        if not self.offered:
            return None
        found = Counter(one.status.state for one in self._supervisors.values())
        return {state.value: found[state] for state in CameraState}

    async def open(self) -> None:
        """Reads the records, takes over what the settings file says, and begins once the model is loaded.

        Raises SettingsError for entries or a time zone that cannot be meant.
        """
        if not self._settings.cameras.enabled:
            return
        if not self._records.offered:
            self._missing = f"cameras are {self._records.missing}"
            return
        self._zone = await self._on_records(time_zone, self._settings.alerts.time_zone)
        kept = CameraRecords(self._records.database)
        cameras = await self._on_records(self._synchronised, kept)
        lost = await self._on_records(DeliveryRecords(self._records.database).lost, [camera.id for camera in cameras])
        for camera in cameras:
            self._supervisors[camera.id] = self._supervisor(camera, told_before=camera.id in lost)
        self._kept = kept
        self._starting = asyncio.create_task(self._start(), name="wait for the model, then watch cameras")

    def all(self) -> list[CameraAnswer]:
        """All cameras, oldest first; raises NotOffered."""
        self.check_offered()
        return [self._answer(one) for one in self._supervisors.values()]

    def get(self, camera_id: str) -> CameraAnswer:
        """One of them; raises NotFound and NotOffered."""
        return self._answer(self._find(camera_id))

    def camera(self, camera_id: str) -> Camera | None:
        """The settings of one; None where there is none of that id."""
        found = self._supervisors.get(camera_id)
        return found.camera if found else None

    def ages(self) -> list[CameraAge]:
        """How old the newest picture of each is."""
        return [CameraAge(answer.id, answer.age_ms, answer.fps) for answer in self.all()]

    async def add(self, order: CameraOrder) -> CameraAnswer:
        """Takes a new camera; raises AddressRefused, Conflict and a Problem for what cannot be meant."""
        kept = self.check_offered()
        async with self._changing:
            most = self._settings.cameras.max_cameras
            if len(self._supervisors) >= most:
                raise Conflict(f"there are {most} cameras already, which are the most (cameras.max_cameras)")
            camera = new_camera(order, camera_id=uuid.uuid4().hex, info=self._model.info, now=self._wall_clock())
            await self._check_addresses(camera)
            await self._on_records(kept.add, camera)
            supervisor = self._supervisors[camera.id] = self._supervisor(camera)
        logger.info("camera %s added: %s", camera.name, camera.id)
        self._begin(supervisor)
        self._changed(camera)
        return self._answer(supervisor)

    async def change(self, camera_id: str, order: CameraOrder) -> CameraAnswer:
        """Changes one; what a connection needs to know makes a new one. Raises as `add`, and NotFound."""
        kept = self.check_offered()
        async with self._changing:
            supervisor = self._find(camera_id)
            before = supervisor.camera
            camera = changed_camera(before, order, info=self._model.info, now=self._wall_clock())
            if (camera.url, camera.detect_url) != (before.url, before.detect_url):
                await self._check_addresses(camera)
            await self._on_records(kept.change, camera)
            if _is_light(before, camera):
                supervisor.rename(camera)
                self._configure(camera)
            else:
                await supervisor.aclose("its settings have changed")
                supervisor = self._supervisors[camera_id] = self._supervisor(camera, told=supervisor.told)
                self._begin(supervisor)
        self._changed(camera)
        return self._answer(supervisor)

    async def remove(self, camera_id: str) -> None:
        """Forgets one; raises NotFound, and Conflict for one of the settings file."""
        kept = self.check_offered()
        async with self._changing:
            supervisor = self._find(camera_id)
            if supervisor.camera.managed:
                raise Conflict("this camera stands in the settings file: remove it there (cameras.entries)")
            await self._on_records(kept.remove, camera_id)
            self._supervisors.pop(camera_id, None)
            await supervisor.aclose("removed")
        logger.info("camera %s removed: %s", supervisor.camera.name, camera_id)
        self._changed(supervisor.camera)

    def reconnect(self, camera_id: str) -> CameraAnswer:
        """Connects one anew at once; raises NotFound, and Conflict while it is off."""
        supervisor = self._find(camera_id)
        if supervisor.session is None:
            raise Conflict("the camera is off: there is nothing to connect to")
        supervisor.reconnect()
        return self._answer(supervisor)

    async def drain(self) -> None:
        """Switches all of them off: nobody waits for a camera to end by itself."""
        self._draining = True
        if self._starting is not None:
            self._starting.cancel()
            await asyncio.wait([self._starting])
        await asyncio.gather(*(one.aclose("the server ends") for one in tuple(self._supervisors.values())))

    async def aclose(self) -> None:
        """Ends all of them."""
        await self.drain()

    async def _start(self) -> None:
        await self._model.loaded()
        self._started = True
        for supervisor in self._supervisors.values():
            self._begin(supervisor)

    def _begin(self, supervisor: CameraSupervisor) -> None:
        if self._started and not self._draining:
            supervisor.start()

    def _supervisor(self, camera: Camera, *, told: bool = False, told_before: bool = False) -> CameraSupervisor:
        if self._zone is None:
            raise RuntimeError("open() comes first")
        return CameraSupervisor(
            camera,
            hooks=SupervisorHooks(
                switch_on=self._switch_on, switch_off=self._switch_off, changed=self._changed, tell=self._tell_of
            ),
            time_zone=self._zone,
            lost_after_s=self._settings.cameras.lost_after_s,
            told=told,
            told_before=told_before,
            wall_clock=self._wall_clock,
        )

    def _switch_on(self, camera: Camera, report: Callable[[Report], None]) -> CameraSession:
        stream = self._live.create_stream(id=camera.id, name=camera.name, options=self._stream_options(camera))
        session = CameraSession(camera, stream=stream, rig=self._rig, packets=self.new_ring(), report=report)
        self._live.registry.add(session)
        return session

    async def _switch_off(self, session: CameraSession, reason: str) -> None:
        await session.aclose(reason)
        self._live.registry.remove(session)

    def _configure(self, camera: Camera) -> None:
        """Has a running stream show what the camera's settings say now."""
        supervisor = self._supervisors[camera.id]
        if isinstance(supervisor.session, CameraSession):
            supervisor.session.stream.name = camera.name
            supervisor.session.stream.configure(self._stream_options(camera))

    def _stream_options(self, camera: Camera) -> StreamOptions:
        info = self._model.info
        return StreamOptions(
            confidence=info.confidence if camera.confidence is None else camera.confidence,
            classes=_class_ids(camera, info=info),
            exact=self._settings.live.mode == "exact",
        )

    async def _check_addresses(self, camera: Camera) -> None:
        """Raises AddressRefused for what the policy does not allow; a name that nobody knows now may be known later."""
        for url in (camera.url, camera.detect_url):
            if url is not None:
                await in_own_thread(functools.partial(_check, url, policy=self._policy), name="check an address")

    def _synchronised(self, kept: CameraRecords) -> list[Camera]:
        """The cameras as the settings file has them, known by name, and all others. Blocks."""
        orders = orders_of_entries(self._settings.cameras.entries)
        known = {camera.name: camera for camera in kept.all()}
        now = self._wall_clock()
        for camera in known.values():
            if camera.managed and camera.name not in orders:
                kept.remove(camera.id)
        for name, order in orders.items():
            before = known.get(name)
            blank = (
                replace(before, credentials=None) if before else Camera(id=uuid.uuid4().hex, name="", url="", created_at=now)
            )
            camera = replace(_with_entry(blank, order, now=now), managed=True)
            if before is None:
                kept.add(camera)
            elif camera != before:
                kept.change(camera)
        return kept.all()

    def _answer(self, supervisor: CameraSupervisor) -> CameraAnswer:
        session = supervisor.session if isinstance(supervisor.session, CameraSession) else None
        return camera_answer(
            supervisor.camera,
            supervisor.status,
            stats=session.stream.stats() if session else None,
            age_ms=session.age_ms if session else None,
            codec=session.codec if session else None,
            last_alert=self.last_alert(supervisor.camera.id),
        )

    def _find(self, camera_id: str) -> CameraSupervisor:
        self.check_offered()
        try:
            return self._supervisors[camera_id]
        except KeyError:
            raise NotFound(f"there is no camera {camera_id!r}") from None

    def _changed(self, camera: Camera) -> None:
        self.changes.publish(CamerasChanged(camera.id))

    def _tell_of(self, event: str, camera: Camera, status: CameraStatus) -> None:
        self.tell(event, camera, status)

    async def _on_records(self, function: Callable[..., Any], *args: object) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._records.executor, function, *args)


def _policy(settings: Settings) -> AddressPolicy:
    cameras = settings.cameras
    return AddressPolicy.of(schemes=cameras.allowed_schemes, networks=cameras.allowed_networks, files=cameras.allowed_files)


def _check(url: str, *, policy: AddressPolicy) -> None:
    address = parse_address(url)
    policy.check(address)
    if address.path is None:
        try:
            policy.resolve(address.host, address.port)
        except CameraFailed:
            return


def _class_ids(camera: Camera, *, info: ModelInfo) -> frozenset[int] | None:
    """The ids of the classes that a camera is to show, None for all; what the model does not know is logged and left out."""
    if not camera.classes:
        return None
    known: set[int] = set()
    for one in camera.classes:
        try:
            known |= info.class_ids([one])
        except KeyError:
            logger.warning("camera %s: the model knows no class %r, which is left out", camera.name, one)
    if not known:
        logger.error("camera %s: the model knows none of its classes, so nothing is detected", camera.name)
    return frozenset(known)


def _with_entry(camera: Camera, order: CameraOrder, *, now: float) -> Camera:
    try:
        return with_order(camera, order, info=None, now=now)
    except Problem as exc:
        raise SettingsError(f"cameras.entries: {order.name}: {exc.detail}") from None


def _is_light(before: Camera, after: Camera) -> bool:
    return replace(after, **{name: getattr(before, name) for name in _LIGHT}) == before


def _log_only(event: str, camera: Camera, status: CameraStatus) -> None:
    logger.warning("%s: %s: %s", event, camera.name, status.reason or status.state)
