"""Alerts: the service with its records, files, clips and channels, as the settings have them, and its answers."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import Executor
from contextlib import asynccontextmanager
from dataclasses import asdict

from server.alerts.book import AlertChanged, AlertRemoved
from server.alerts.clip_maker import ClipMaker
from server.alerts.evidence import AlertFiles
from server.alerts.export import ExportedAlert
from server.alerts.rules import AlertRule
from server.alerts.service import AlertService
from server.alerts.sources import AlertOptions, AlertSource
from server.config.alert_rule import alert_rule
from server.config.settings import Settings
from server.domain.alert import Alert, AlertStats
from server.domain.camera import SERVERS_RULE
from server.domain.errors import Conflict, NotOffered
from server.domain.region import NO_MASK
from server.storage.alerts import AlertRecords
from server.transports.registry import Change, SessionClosed, SessionOpened
from server.web.alert_answers import AlertAnswer, AlertLimitsAnswer, AlertsAnswer, alert_answer, utc
from server.web.alert_orders import AlertFilter
from server.web.camera_answers import LastAlertAnswer
from server.web.cameras import CameraService
from server.web.channels import ChannelService
from server.web.live import LiveService
from server.web.problems import Problem
from server.web.records import Records
from server.web.served_model import ServedModel

logger = logging.getLogger(__name__)

SECONDS_A_DAY = 86_400
ALERTS_DIR = "alerts"


class AlertDesk:
    """Alerts from `open()` to `aclose()`, where this server offers them; watches live sessions of the kinds in the settings."""

    def __init__(  # noqa: PLR0913 - each is another part of the server
        self,
        settings: Settings,
        *,
        files: AlertFiles,
        records: Records,
        live: LiveService,
        cameras: CameraService,
        channels: ChannelService,
        model: ServedModel,
        clips: ClipMaker | None,
        io: Executor,
        clock: Callable[[], float] = time.monotonic,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self.files = files
        self._settings = settings
        self._records = records
        self._live = live
        self._cameras = cameras
        self._channels = channels
        self._model = model
        self._clips = clips
        self._io = io
        self._clock = clock
        self._wall_clock = wall_clock
        self._missing = "alerts are turned off here (alerts.enabled)"
        self._service: AlertService | None = None
        self._last: dict[str, Alert] = {}

    @property
    def offered(self) -> bool:
        """Whether alerts are made here."""
        return self._service is not None

    @property
    def service(self) -> AlertService:
        """The alerts; raises NotOffered where there are none."""
        if self._service is None:
            raise NotOffered(self._missing)
        return self._service

    def stats(self) -> AlertStats | None:
        """Counts for the metrics; None where alerts are not offered."""
        return None if self._service is None else self._service.stats()

    def limits(self) -> AlertLimitsAnswer | None:
        """What a page has to know; None where alerts are not offered."""
        alerts = self._settings.alerts
        if not self.offered:
            return None
        return AlertLimitsAnswer(list(alerts.sources), alerts.before_s, alerts.after_s, alerts.expire_s, alerts.keep_days)

    async def open(self) -> None:
        """Opens records and folder and begins to watch; a folder that cannot be written only keeps alerts from being made."""
        if not self._settings.alerts.enabled:
            return
        if not self._records.offered:
            self._missing = f"alerts are {self._records.missing}"
            return
        loop = asyncio.get_running_loop()
        try:
            await loop.run_in_executor(self._io, self.files.open)
        except OSError as exc:
            self._missing = f"alerts are not offered here: the data folder cannot be written ({exc.strerror or exc})"
            logger.warning("%s", self._missing)
            return
        records = AlertRecords(self._records.database)
        for alert in await loop.run_in_executor(self._records.executor, lambda: records.find(limit=200)):
            self._note(alert)
        self._service = service = self._create(records)
        service.changes.subscribe(self)  # before it starts: it begins to remove at once
        await service.start()
        self._live.registry.changes.subscribe(_Sessions(service, kinds=frozenset(self._settings.alerts.sources)))

    async def aclose(self) -> None:
        """Ends all of it; a clip that is being made is finished first, within seconds."""
        if self._service is not None:
            await self._service.aclose()

    def put(self, item: object) -> None:
        """Notes the newest alert of each camera."""
        if isinstance(item, AlertChanged):
            self._note(item.alert)
        elif isinstance(item, AlertRemoved):
            self._last = {camera: alert for camera, alert in self._last.items() if alert.id != item.id}

    def last_alert(self, camera_id: str) -> LastAlertAnswer | None:
        """The newest alert of a camera."""
        alert = self._last.get(camera_id)
        if alert is None:
            return None
        return LastAlertAnswer(alert.id, utc(alert.opened_at), alert.label, round(alert.confidence, 4), alert.state)

    async def find(self, wanted: AlertFilter) -> AlertsAnswer:
        """Those that the filter lets through."""
        service = self.service
        alerts = await service.find(**asdict(wanted))
        return AlertsAnswer(await self._answers(alerts), await service.waiting())

    async def exported(self, wanted: AlertFilter) -> list[ExportedAlert]:
        """The same for a download: all of them, with their snapshots."""
        filters = {**asdict(wanted), "limit": None}
        return [ExportedAlert(alert, self.files.snapshot(alert.id)) for alert in await self.service.find(**filters)]

    async def get(self, alert_id: str) -> AlertAnswer:
        """One of them; raises NotFound."""
        return await self.answer(await self.service.get(alert_id))

    async def confirm(self, alert_id: str, *, by: str, zone: str | None, note: str | None) -> AlertAnswer:
        """A person's verdict; raises NotFound and Conflict."""
        async with self._telling_who_was_first(alert_id):
            return await self.answer(await self.service.confirm(alert_id, by=by, zone=zone, note=note))

    async def dismiss(self, alert_id: str, *, by: str, zone: str | None, note: str | None, reason: str | None) -> AlertAnswer:
        """A person's verdict; raises NotFound and Conflict."""
        async with self._telling_who_was_first(alert_id):
            return await self.answer(await self.service.dismiss(alert_id, by=by, zone=zone, note=note, reason=reason))

    @asynccontextmanager
    async def _telling_who_was_first(self, alert_id: str) -> AsyncIterator[None]:
        """Turns a verdict that comes too late into a problem that says what was decided."""
        try:
            yield
        except Conflict as exc:
            alert = await self.service.get(alert_id)
            at = None if alert.decided_at is None else utc(alert.decided_at)
            members = {"state": alert.state, "decided_by": alert.decided_by, "decided_at": at}
            raise Problem(409, str(exc), members=members) from exc

    async def write_note(self, alert_id: str, text: str | None) -> AlertAnswer:
        """Writes beside an alert; raises NotFound."""
        return await self.answer(await self.service.write_note(alert_id, text))

    async def remove(self, alert_id: str) -> None:
        """Removes one that is decided or expired; raises NotFound and Conflict."""
        await self.service.remove(alert_id)

    async def answer(self, alert: Alert) -> AlertAnswer:
        """An alert with its deliveries."""
        (answer,) = await self._answers([alert])
        return answer

    async def _answers(self, alerts: Sequence[Alert]) -> list[AlertAnswer]:
        deliveries = await self._channels.deliveries_of([alert.id for alert in alerts])
        return [alert_answer(alert, deliveries.get(alert.id, ())) for alert in alerts]

    def _note(self, alert: Alert) -> None:
        """Keeps it where it is its camera's newest; nobody asks for that of other streams, of which there is no end."""
        if alert.camera_id is None:
            return
        known = self._last.get(alert.camera_id)
        if known is None or known.opened_at <= alert.opened_at:
            self._last[alert.camera_id] = alert

    def _create(self, records: AlertRecords) -> AlertService:
        alerts = self._settings.alerts
        options = AlertOptions(
            before_s=alerts.before_s,
            after_s=alerts.after_s,
            expire_s=alerts.expire_s,
            keep_s=alerts.keep_days * SECONDS_A_DAY,
            max_total_bytes=alerts.max_total_bytes,
            rearm_s=alerts.rearm_s,
        )
        return AlertService(
            records=records,
            executor=self._records.executor,
            files=self.files,
            io=self._io,
            outbox=self._channels.outbox,
            wake=self._channels.wake,
            annotator=lambda: self._model.annotator,
            labels=lambda: self._model.info.labels,
            rule_for=self._rule_for,
            camera_of=self._cameras.camera,
            clips=self._clips,
            options=options,
            clock=self._clock,
            wall_clock=self._wall_clock,
        )

    def _rule_for(self, source: AlertSource) -> AlertRule:
        """The rule of a session as it is now: the camera's own, or the settings'."""
        confidence = source.stream.options.confidence
        camera = self._cameras.camera(source.id)
        rule, mask = (camera.rule, camera.mask) if camera else (SERVERS_RULE, NO_MASK)
        return alert_rule(self._settings.alerts, rule, mask=mask, confidence=confidence)


class _Sessions:
    """A sink on the registry: has the service watch the sessions of some kinds."""

    def __init__(self, service: AlertService, *, kinds: frozenset[str]) -> None:
        self._service = service
        self._kinds = kinds

    def put(self, item: Change) -> None:
        """Begins or ends to watch a session."""
        if isinstance(item, SessionOpened) and item.session.kind in self._kinds:
            self._service.attach(item.session)
        elif isinstance(item, SessionClosed) and item.session.kind in self._kinds:
            self._service.detach(item.session)
