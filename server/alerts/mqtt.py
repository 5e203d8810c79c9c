"""MQTT: tells a broker, and through it Home Assistant; the only place that speaks with one."""

import asyncio
import json
import logging
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import aiomqtt

from server.alerts.channels import Message
from server.domain.delivery import Event
from server.domain.errors import ChannelFailed

logger = logging.getLogger(__name__)

# The broker answers when it has the message: with less nobody would know whether it arrived.
AT_LEAST_ONCE = 1
CONNECT_WAIT_S = 5.0
PUBLISH_TIMEOUT_S = 10.0
FIRST_WAIT_S, MOST_WAIT_S = 1.0, 30.0
ONLINE, OFFLINE = "online", "offline"


@dataclass(frozen=True, slots=True)
class MqttOptions:
    """Which broker, and where on it; an empty `discovery_topic` leaves Home Assistant's discovery out."""

    host: str
    port: int
    username: str = ""
    password: str = field(default="", repr=False)
    tls: bool = False
    topic: str = "sightline"
    discovery_topic: str = "homeassistant"


class WaitingAlerts(Protocol):
    """Knows which alerts wait for a person."""

    async def __call__(self, source: str, /) -> Collection[str]:
        """The ids of those of one camera or stream."""


class MqttChannel:
    """One broker, to which a connection stands all the time; it is made anew whenever it breaks."""

    kind = "mqtt"

    def __init__(self, options: MqttOptions, *, waiting: WaitingAlerts, name: str = "mqtt") -> None:
        self.name = name
        self._waiting = waiting
        self._options = options
        self._client: aiomqtt.Client | None = None
        self._connected = asyncio.Event()
        self._reason = "the broker has not answered yet"
        self._task: asyncio.Task[None] | None = None
        self._announced: set[str] = set()

    @property
    def target(self) -> str:
        """The broker."""
        return f"{self._options.host}:{self._options.port}"

    async def open(self) -> None:
        """Begins to connect."""
        self._task = asyncio.create_task(self._run(), name="speak with the MQTT broker")

    async def aclose(self) -> None:
        """Says that the server is away, and ends the connection."""
        if self._client is not None:
            try:
                await self._publish("status", OFFLINE, retain=True)
            except ChannelFailed:
                logger.debug("the broker does not hear that the server ends")
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def send(self, message: Message) -> None:
        """Returns once the broker has all of it; raises ChannelFailed."""
        if "alert" in message.payload:
            await self._tell_alert(message, message.payload["alert"])
        elif "camera" in message.payload:
            await self._tell_camera(message, message.payload["camera"])
        else:
            await self._publish("test", _document(message))

    async def _tell_alert(self, message: Message, alert: Mapping[str, Any]) -> None:
        source = str(alert["stream"])
        # The records say what waits now: this may be a candidate that is sent once more after its verdict.
        waiting = await self._waiting(source)
        waits = str(alert["id"]) in waiting
        if alert.get("camera"):
            await self._announce(source, name=str(alert["source"]["name"]))
        if message.snapshot is not None and waits:
            await self._publish(f"sources/{source}/snapshot", message.snapshot, retain=True)
        # What waits is there for whoever subscribes later; what is decided is told once, and nothing of it stays.
        await self._publish(f"alerts/{alert['id']}", _document(message), retain=waits)
        if not waits:
            await self._publish(f"alerts/{alert['id']}", b"", retain=True)
        await self._publish(f"sources/{source}/alert", "ON" if waiting else "OFF", retain=True)

    async def _tell_camera(self, message: Message, camera: Mapping[str, Any]) -> None:
        await self._announce(str(camera["id"]), name=str(camera["name"]))
        await self._publish(f"cameras/{camera['id']}", _document(message))
        state = OFFLINE if message.event is Event.CAMERA_LOST else ONLINE
        await self._publish(f"cameras/{camera['id']}/status", state, retain=True)

    async def _announce(self, source: str, *, name: str) -> None:
        """Makes a camera known to Home Assistant, once for each connection."""
        if not self._options.discovery_topic or source in self._announced:
            return
        for component, entity, config in _entities(self._options.topic, source, name=name):
            topic = f"{self._options.discovery_topic}/{component}/sightline_{source}/{entity}/config"
            await self._publish_at(topic, json.dumps(config), retain=True)
        self._announced.add(source)

    async def _publish(self, topic: str, payload: str | bytes, *, retain: bool = False) -> None:
        await self._publish_at(f"{self._options.topic}/{topic}", payload, retain=retain)

    async def _publish_at(self, topic: str, payload: str | bytes, *, retain: bool) -> None:
        client = await self._connection()
        try:
            await client.publish(topic, payload, qos=AT_LEAST_ONCE, retain=retain, timeout=PUBLISH_TIMEOUT_S)
        except aiomqtt.MqttError as exc:
            raise ChannelFailed("the broker did not confirm it", may_have_arrived=True, retry=True) from exc

    async def _connection(self) -> aiomqtt.Client:
        try:
            async with asyncio.timeout(CONNECT_WAIT_S):
                await self._connected.wait()
        except TimeoutError:
            raise ChannelFailed(self._reason, may_have_arrived=False, retry=True) from None
        if self._client is None:
            raise ChannelFailed(self._reason, may_have_arrived=False, retry=True)
        return self._client

    async def _run(self) -> None:
        wait_s = FIRST_WAIT_S
        while True:
            try:
                async with self._created() as client:
                    wait_s = FIRST_WAIT_S
                    await self._stay(client)
            except aiomqtt.MqttError as exc:
                self._reason = f"the broker at {self.target} does not answer"
                logger.warning("MQTT: %s (%s), next try in %.0f s", self._reason, exc, wait_s)
            finally:
                self._client = None
                self._connected.clear()
                self._announced.clear()
            await asyncio.sleep(wait_s)
            wait_s = min(2 * wait_s, MOST_WAIT_S)

    async def _stay(self, client: aiomqtt.Client) -> None:
        """Keeps the connection until it breaks, which raises MqttError."""
        await client.publish(f"{self._options.topic}/status", ONLINE, qos=AT_LEAST_ONCE, retain=True)
        self._client = client
        self._connected.set()
        logger.info("MQTT: connected to %s", self.target)
        async for _ in client.messages:  # nothing is subscribed to: this tells when the connection breaks
            continue

    def _created(self) -> aiomqtt.Client:
        options = self._options
        return aiomqtt.Client(
            options.host,
            options.port,
            username=options.username or None,
            password=options.password or None,
            will=aiomqtt.Will(f"{options.topic}/status", OFFLINE, qos=AT_LEAST_ONCE, retain=True),
            tls_params=aiomqtt.TLSParameters() if options.tls else None,
            timeout=PUBLISH_TIMEOUT_S,
        )


def _document(message: Message) -> str:
    told = {"event": message.event, "delivery": message.id, "repeated": message.repeated, "title": message.title}
    return json.dumps({**told, "link": message.link, **message.payload})


def _entities(topic: str, source: str, *, name: str) -> list[tuple[str, str, dict[str, Any]]]:
    """What Home Assistant is told of one camera: component, entity and its configuration (MQTT discovery)."""
    device = {"identifiers": [f"sightline_{source}"], "name": name, "manufacturer": "Sightline", "model": "Camera"}
    shared = {"device": device, "availability_topic": f"{topic}/status"}
    return [
        (
            "binary_sensor",
            "alert",
            {
                **shared,
                "name": "Alert waits",
                "unique_id": f"sightline_{source}_alert",
                "state_topic": f"{topic}/sources/{source}/alert",
                "device_class": "safety",
            },
        ),
        (
            "image",
            "snapshot",
            {
                **shared,
                "name": "Alert picture",
                "unique_id": f"sightline_{source}_snapshot",
                "image_topic": f"{topic}/sources/{source}/snapshot",
                "content_type": "image/jpeg",
            },
        ),
    ]
