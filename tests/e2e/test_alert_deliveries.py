"""The whole server is killed between a candidate and its delivery: nobody goes untold, and doubt is marked."""

import asyncio
import json
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import numpy as np
import pytest
from aiohttp import web

from server.media.picture import encode_jpeg
from tests.inference.tiny_models import make_onnx
from tests.server_process import ServerProcess
from tests.transports.rig import eventually

Answer = dict[str, Any]


class Hook:
    """A receiver that takes each message, and answers only while `answers` is set."""

    def __init__(self) -> None:
        self.told: list[Answer] = []
        self.answers = asyncio.Event()
        self.url = ""

    async def take(self, request: web.Request) -> web.Response:
        """Notes a message."""
        self.told.append(await request.json())
        await self.answers.wait()
        return web.Response()


@pytest.fixture
async def hook() -> AsyncIterator[Hook]:
    """A receiver on a free port."""
    made = Hook()
    app = web.Application(client_max_size=10_000_000)
    app.router.add_post("/", made.take)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    made.url = f"http://127.0.0.1:{runner.addresses[0][1]}/"
    yield made
    made.answers.set()
    await runner.cleanup()


@asynccontextmanager
async def _making_an_alert(client: aiohttp.ClientSession, url: str, *, until: Any) -> AsyncIterator[None]:
    """Sends pictures, in each of which the model sees something, until it is told of; the stream is open within, so that the
    alert is, too: its clip is begun when it ends."""
    jpeg = encode_jpeg(np.full((240, 320, 3), 90, np.uint8))
    async with client.ws_connect(f"{url}ws/stream?name=Hall&annotate=0") as socket:
        while not until():
            await socket.send_bytes(jpeg)
            await socket.receive(timeout=20)
            await asyncio.sleep(0.1)
        yield


async def _with_both_sent(client: aiohttp.ClientSession, url: str) -> Answer:
    """The alert once both messages are noted as sent; the receiver knows of them before that."""
    async with asyncio.timeout(30):
        while True:
            alert: Answer = await (await client.get(url)).json()
            if [one["state"] for one in alert["deliveries"]] == ["sent", "sent"]:
                return alert
            await asyncio.sleep(0.05)


@pytest.mark.fault("kill -9 of the server while a message is delivered")
@pytest.mark.timeout(180)
async def test_kill_between_candidate_and_delivery(hook: Hook, tmp_path: Path) -> None:
    """The receiver had the message, but never answered: after the restart it gets it again under the same id, marked on both
    sides; then the verdict. What was written before the kill is all there, and nothing is half-written."""
    model = make_onnx(tmp_path / "tiny.onnx")
    environ = {
        "SIGHTLINE_SERVER__DATA_DIR": str(tmp_path / "data"),
        "SIGHTLINE_ALERTS__WEBHOOKS": json.dumps([{"name": "guards", "url": hook.url, "secret": "s"}]),
    }
    async with aiohttp.ClientSession() as client:
        server = ServerProcess("--model", str(model), environ=environ)
        await asyncio.to_thread(server.__enter__)
        async with _making_an_alert(client, server.url, until=lambda: bool(hook.told)):
            await asyncio.to_thread(server.stop, signal.SIGKILL)
        first = hook.told[0]
        hook.answers.set()
        with ServerProcess("--model", str(model), environ=environ) as again:
            await eventually(lambda: len(hook.told) >= 2, within_s=40)
            answer = await client.post(f"{again.url}api/alerts/{first['alert']['id']}/confirm", json={"by": "Ana"})
            assert (await answer.json())["decided_by"] == "Ana"
            await eventually(lambda: hook.told[-1]["event"] == "confirmed", within_s=40)
            alert = await _with_both_sent(client, f"{again.url}api/alerts/{first['alert']['id']}")
            picture = await client.get(f"{again.url}api/alerts/{alert['id']}/snapshot.jpg")
            assert (await picture.read()).startswith(b"\xff\xd8\xff")
            assert alert["clip"] == "missing"
    told = [(one["event"], one["delivery"] == first["delivery"], one["repeated"]) for one in hook.told]
    assert told == [("candidate", True, False), ("candidate", True, True), ("confirmed", False, False)]
    assert [(one["event"], one["state"], one["unsure"]) for one in alert["deliveries"]] == [
        ("candidate", "sent", True),
        ("confirmed", "sent", False),
    ]
    assert not [file for file in (tmp_path / "data" / "alerts").rglob("*") if file.name.startswith(".")]
