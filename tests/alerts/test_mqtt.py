"""MQTT through a real broker of the test's own."""

import asyncio
import json
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiomqtt
import pytest

from server.alerts.channels import Message
from server.alerts.mqtt import MqttChannel, MqttOptions
from server.domain.delivery import Event
from server.domain.errors import ChannelFailed
from tests.transports.rig import eventually

MOSQUITTO = shutil.which("mosquitto") or "/usr/sbin/mosquitto"
pytestmark = pytest.mark.skipif(not Path(MOSQUITTO).exists(), reason="mosquitto is not installed")


class Broker:
    """Mosquitto in a process of its own."""

    def __init__(self, port: int, folder: Path) -> None:
        self.port = port
        self._config = folder / "mosquitto.conf"
        self._config.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\n")
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Starts it, and returns when it answers."""
        quiet = asyncio.subprocess.DEVNULL
        self._process = await asyncio.create_subprocess_exec(MOSQUITTO, "-c", str(self._config), stdout=quiet, stderr=quiet)
        for _ in range(100):
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", self.port)
            except OSError:
                await asyncio.sleep(0.05)
            else:
                writer.close()
                return
        raise AssertionError("mosquitto does not answer")

    async def kill(self) -> None:
        """Ends it at once."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()


@pytest.fixture
async def broker(tmp_path: Path, unused_tcp_port: int) -> AsyncIterator[Broker]:
    """A running broker."""
    made = Broker(unused_tcp_port, tmp_path)
    await made.start()
    yield made
    await made.kill()


@asynccontextmanager
async def _channel(broker: Broker, *, waiting: set[str] | None = None) -> AsyncIterator[MqttChannel]:
    known = {"a1"} if waiting is None else waiting

    async def waits(source: str) -> set[str]:
        return known if source == "cam1" else set()

    channel = MqttChannel(MqttOptions("127.0.0.1", broker.port), waiting=waits)
    await channel.open()
    try:
        yield channel
    finally:
        await channel.aclose()


async def _retained(broker: Broker) -> dict[str, bytes]:
    """What a client finds that comes now; it comes at once, and in no order."""
    found: dict[str, bytes] = {}

    async def read(client: aiomqtt.Client) -> None:
        async for message in client.messages:
            found[str(message.topic)] = bytes(message.payload)

    async with aiomqtt.Client("127.0.0.1", broker.port) as client:
        await client.subscribe("#")
        await client.publish("end", b"", qos=1)
        reading = asyncio.create_task(read(client))
        await eventually(lambda: "end" in found)
        reading.cancel()
    return found


def _message(event: Event, **alert: Any) -> Message:
    told = {"id": "a1", "stream": "cam1", "camera": "cam1", "source": {"name": "Hall"}, "label": "firearm", **alert}
    return Message(id=f"d-{event}", event=event, title="t", thread="a1", payload={"alert": told}, snapshot=b"jpeg")


async def test_what_waits_is_there_for_whoever_comes_later(broker: Broker) -> None:
    """State, picture and discovery are retained; the verdict clears the alert."""
    waiting = {"a1"}
    async with _channel(broker, waiting=waiting) as channel:
        await channel.send(_message(Event.CANDIDATE))
        found = await _retained(broker)
        assert found["sightline/status"] == b"online"
        assert found["sightline/sources/cam1/alert"] == b"ON"
        assert found["sightline/sources/cam1/snapshot"] == b"jpeg"
        assert json.loads(found["sightline/alerts/a1"])["event"] == "candidate"
        config = json.loads(found["homeassistant/binary_sensor/sightline_cam1/alert/config"])
        assert (config["state_topic"], config["device"]["name"]) == ("sightline/sources/cam1/alert", "Hall")
        waiting.clear()
        await channel.send(_message(Event.CONFIRMED))
        found = await _retained(broker)
        assert found["sightline/sources/cam1/alert"] == b"OFF"
        assert "sightline/alerts/a1" not in found
        await channel.send(_message(Event.CANDIDATE, confidence=0.9))  # sent once more, after the verdict
        assert (await _retained(broker))["sightline/sources/cam1/alert"] == b"OFF"
    assert (await _retained(broker))["sightline/status"] == b"offline"


async def test_a_broker_that_was_away_is_found_again(broker: Broker) -> None:
    """Meanwhile a message fails in words and is worth another try."""
    async with _channel(broker) as channel:
        await channel.send(_message(Event.CANDIDATE))
        await broker.kill()
        failure = None
        async with asyncio.timeout(20):
            while failure is None:
                failure = await _failure(channel)
        assert failure.retry
        await broker.start()
        async with asyncio.timeout(40):
            while await _failure(channel) is not None:
                pass
        assert (await _retained(broker))["sightline/sources/cam1/alert"] == b"ON"


async def _failure(channel: MqttChannel) -> ChannelFailed | None:
    try:
        await channel.send(_message(Event.CANDIDATE))
    except ChannelFailed as failure:
        return failure
    return None


def test_the_password_is_in_no_text() -> None:
    """Whoever logs the options logs no secret."""
    assert "hunter2" not in repr(MqttOptions("h", 1, password="hunter2"))
