"""Channels: who is told of alerts and outages, as the settings have it."""

import asyncio
import logging
import re
import time
from collections.abc import Callable, Collection, Coroutine, Iterable, Mapping, Sequence
from concurrent.futures import Executor
from email.utils import getaddresses
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
from yarl import URL

from server.alerts.channels import Channel
from server.alerts.delivery import DeliveryWorker
from server.alerts.outbox import Outbox
from server.alerts.webhook import WebhookChannel
from server.config.settings import Settings
from server.config.watching import Email, Mqtt, Webhook
from server.domain.alert import Alert, AlertState
from server.domain.camera import Camera, CameraStatus
from server.domain.delivery import Delivery, Event
from server.domain.errors import ChannelFailed, NotFound, NotOffered, SettingsError
from server.storage.alerts import AlertRecords
from server.storage.deliveries import DeliveryRecords
from server.web.alert_answers import alert_answer, utc
from server.web.channel_answers import ChannelAnswer
from server.web.outgoing import create_client
from server.web.records import Records
from server.web.time_zone import time_zone

logger = logging.getLogger(__name__)

READ_TIMEOUT_S = 15.0
_CANDIDATES = frozenset({AlertState.CANDIDATE})
# What may stand between the angle brackets of an address (RFC 5321, 4.1.2): blanks only within quotes.
_MAILBOX = re.compile(r'("[^"]*")?[^\s<>"]+')


class ChannelService:
    """The channels from `open()` to `aclose()`, where this server keeps records. `picture_of` names the picture of an alert."""

    def __init__(
        self,
        settings: Settings,
        *,
        records: Records,
        picture_of: Callable[[str], Path],
        io: Executor,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self._settings = settings
        self._records = records
        self._picture_of = picture_of
        self._io = io
        self._wall_clock = wall_clock
        self._client: aiohttp.ClientSession | None = None
        self._deliveries: DeliveryRecords | None = None
        self._worker: DeliveryWorker | None = None
        self._telling: set[asyncio.Task[None]] = set()
        self._channels = {channel.name: channel for channel in self._made()}
        self.outbox = Outbox(tuple(self._channels), describe=_describe, clock=wall_clock)

    @property
    def outcomes(self) -> Mapping[tuple[str, str], int]:
        """Messages since the start by channel and outcome."""
        return {} if self._worker is None else self._worker.outcomes

    async def open(self) -> None:
        """Begins to send what waits; raises SettingsError for a time zone that cannot be meant."""
        if not self._records.offered:
            return
        zone = await asyncio.get_running_loop().run_in_executor(self._io, time_zone, self._settings.alerts.time_zone)
        self._client = create_client(read_timeout_s=READ_TIMEOUT_S, total_timeout_s=READ_TIMEOUT_S)
        self._deliveries = DeliveryRecords(self._records.database)
        self._worker = DeliveryWorker(
            tuple(self._channels.values()),
            records=self._deliveries,
            executor=self._records.executor,
            snapshots=self._snapshot,
            link_to=self._link_to,
            zone=zone,
            wall_clock=self._wall_clock,
        )
        for channel in self._channels.values():
            await channel.open()
        self._worker.start()

    async def aclose(self) -> None:
        """Stops; what waits is sent at the next start."""
        for task in tuple(self._telling):
            task.cancel()
        if self._worker is not None:
            await self._worker.aclose()
        await asyncio.gather(*(channel.aclose() for channel in self._channels.values()))
        if self._client is not None:
            await self._client.close()

    def wake(self) -> None:
        """Says that there are new messages."""
        if self._worker is not None:
            self._worker.wake()

    def tell_of_camera(self, event: str, camera: Camera, *, status: CameraStatus) -> None:
        """Tells of a camera that stays away or is back, without waiting."""
        logger.warning("%s: %s: %s", event, camera.name, status.reason or status.state)
        since = utc(status.since).isoformat().replace("+00:00", "Z")
        told = {"camera": {"id": camera.id, "name": camera.name, "reason": status.reason, "since": since}}
        task = asyncio.create_task(self._tell_patiently(Event(event), subject=camera.id, payload=told), name="tell of a camera")
        self._telling.add(task)
        task.add_done_callback(self._telling.discard)

    async def _tell_patiently(self, event: Event, *, subject: str, payload: Mapping[str, Any]) -> None:
        if self._worker is None or self._deliveries is None:
            return
        messages = self.outbox.messages(event, subject=subject, payload=payload)
        await self._worker.patiently(self._deliveries.add, messages)
        self._worker.wake()

    async def all(self) -> list[ChannelAnswer]:
        """The channels and how they do; raises NotOffered."""
        deliveries, worker = self._offered()
        answers = []
        for channel in self._channels.values():
            sent_at, error = await worker.on_records(deliveries.last, channel.name)
            answers.append(ChannelAnswer.of(channel, sent_at=sent_at, error=error))
        return answers

    async def test(self, name: str) -> float:
        """Sends a message that tells of nothing; returns the seconds until it was taken. Raises NotFound, ChannelFailed."""
        _, worker = self._offered()
        channel = self._channels.get(name)
        if channel is None:
            raise NotFound(f"there is no channel {name!r}")
        started = time.perf_counter()
        await worker.send_test(channel)
        return time.perf_counter() - started

    async def again(self, alert_id: str, delivery_id: str) -> None:
        """Has a message sent again; raises NotFound and Conflict."""
        deliveries, worker = self._offered()
        await worker.on_records(deliveries.again, delivery_id, subject=alert_id, now=self._wall_clock())
        worker.wake()

    async def deliveries_of(self, alert_ids: Iterable[str]) -> dict[str, list[Delivery]]:
        """The messages about each of these alerts; raises RecordsUnavailable."""
        deliveries, worker = self._offered()
        return await worker.on_records(deliveries.of_subjects, list(alert_ids))

    def _offered(self) -> tuple[DeliveryRecords, DeliveryWorker]:
        if self._deliveries is None or self._worker is None:
            raise NotOffered(f"channels are {self._records.missing or 'not offered here'}")
        return self._deliveries, self._worker

    def _made(self) -> Sequence[Channel]:
        """The channels of the settings; raises SettingsError for two of one name, a missing extra, and what is no address."""
        alerts, mqtt, email = self._settings.alerts, self._settings.mqtt, self._settings.email
        made: list[Channel] = [self._webhook(hook) for hook in alerts.webhooks]
        if mqtt.host:
            made.append(_mqtt(mqtt, waiting=self._waiting))
        if email.host:
            made.append(_email(email))
        names = [channel.name for channel in made]
        if len(set(names)) < len(names):
            raise SettingsError(f"alerts.webhooks: names of channels must differ, these are {', '.join(names)}")
        return made

    def _webhook(self, hook: Webhook) -> Channel:
        if not _is_web_address(hook.url):  # the address is not told, as it may hold a secret
            raise SettingsError(f"alerts.webhooks: the url of {hook.name!r} has to be http:// or https:// and a host")
        return WebhookChannel(name=hook.name, url=hook.url, secret=hook.secret, poster=self._post, wall_clock=self._wall_clock)

    async def _post(self, url: str, *, body: bytes, headers: Mapping[str, str]) -> int:
        if self._client is None:
            raise ChannelFailed("the server is about to end", may_have_arrived=False, retry=True)
        try:
            async with self._client.post(url, data=body, headers=headers, allow_redirects=False) as answer:
                return answer.status
        except (aiohttp.ClientConnectorError, aiohttp.InvalidURL, aiohttp.ConnectionTimeoutError) as exc:
            wrong = isinstance(exc, aiohttp.InvalidURL)
            reason = "its address cannot be read" if wrong else "it cannot be reached"
            raise ChannelFailed(reason, may_have_arrived=False, retry=not wrong) from exc
        except (aiohttp.ClientError, TimeoutError, OSError) as exc:
            raise ChannelFailed("the connection broke before it answered", may_have_arrived=True, retry=True) from exc
        except ValueError as exc:  # as is the UnicodeError of a host that no name server can be asked for
            raise ChannelFailed("its address cannot be read", may_have_arrived=False, retry=False) from exc

    async def _waiting(self, source: str) -> set[str]:
        """The ids of the alerts of one source that wait for a person."""
        _, worker = self._offered()
        find = partial(AlertRecords(self._records.database).find, states=_CANDIDATES, source=source, limit=100)
        return {alert.id for alert in await worker.patiently(find)}

    async def _snapshot(self, alert_id: str) -> bytes | None:
        return await asyncio.get_running_loop().run_in_executor(self._io, _read, self._picture_of(alert_id))

    def _link_to(self, alert_id: str) -> str | None:
        base = self._settings.alerts.public_url.rstrip("/")
        return f"{base}/#/alerts/{alert_id}" if base else None


def _mqtt(mqtt: Mqtt, *, waiting: Callable[[str], Coroutine[Any, Any, Collection[str]]]) -> Channel:
    if any(sign in mqtt.topic + mqtt.discovery_topic for sign in "+#"):
        raise SettingsError("mqtt.topic and mqtt.discovery_topic hold no + and no #: these are for whoever subscribes")
    _check_host("mqtt.host", mqtt.host)
    try:
        from server.alerts.mqtt import MqttChannel, MqttOptions  # noqa: PLC0415 - an extra
    except ModuleNotFoundError as exc:
        raise SettingsError(
            "mqtt.host needs the extra mqtt: make install EXTRAS=mqtt, for a container make image EXTRAS=mqtt"
        ) from exc
    options = MqttOptions(
        host=mqtt.host,
        port=mqtt.port,
        username=mqtt.username,
        password=mqtt.password,
        tls=mqtt.tls,
        topic=mqtt.topic.strip("/"),
        discovery_topic=mqtt.discovery_topic.strip("/"),
    )
    return MqttChannel(options, waiting=waiting)


def _email(email: Email) -> Channel:
    if not email.sender or not email.recipients:
        raise SettingsError("email.host needs email.sender and email.recipients")
    _check_host("email.host", email.host)
    for setting, address in (("email.sender", email.sender), *(("email.recipients", one) for one in email.recipients)):
        if not _is_mail_address(address):
            raise SettingsError(f"{setting}: {address!r} is not one e-mail address")
    try:
        from server.alerts.email import EmailChannel, EmailOptions  # noqa: PLC0415 - an extra
    except ModuleNotFoundError as exc:
        raise SettingsError(
            "email.host needs the extra email: make install EXTRAS=email, for a container make image EXTRAS=email"
        ) from exc
    options = EmailOptions(
        host=email.host,
        port=email.port,
        username=email.username,
        password=email.password,
        security=email.security,
        sender=email.sender,
        recipients=tuple(email.recipients),
    )
    return EmailChannel(options)


def _is_web_address(text: str) -> bool:
    try:
        url = URL(text)
    except ValueError:
        return False
    return url.scheme in {"http", "https"} and _is_host(url.raw_host or "")


def _is_mail_address(text: str) -> bool:
    """Whether a mail server can be told of it: one address, with or without a person's name."""
    found = getaddresses([text])
    return text.isprintable() and len(found) == 1 and _MAILBOX.fullmatch(found[0][1]) is not None


def _check_host(setting: str, name: str) -> None:
    if not _is_host(name):
        raise SettingsError(f"{setting}: {name!r} is no name of a host")


def _is_host(name: str) -> bool:
    """Whether a name server can be asked for it."""
    try:
        return name.encode("idna") != b""
    except UnicodeError:
        return False


def _describe(alert: Alert) -> dict[str, Any]:
    described: dict[str, Any] = msgspec.to_builtins(alert_answer(alert))
    del described["deliveries"]
    return described


def _read(file: Path) -> bytes | None:
    try:
        return file.read_bytes()
    except OSError:
        return None
