"""Alerts through the real application: from a frame that shows something to the verdict."""

import asyncio
import io
import json
import time
import zipfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from datetime import UTC, datetime
from typing import Any

import av
import cv2
import msgspec
import numpy as np
import pytest
from aiohttp import web

from server.config.settings import Auth, Settings
from server.config.watching import Alerts, Cameras, Webhook
from server.domain.alert import AlertState
from server.media.picture import encode_jpeg
from server.storage.alerts import AlertRecords
from server.storage.database import open_database, sqlite_url
from server.web import keys
from server.web.records import DATABASE_FILE, data_folder
from tests.builders import make_alert
from tests.conftest import Client, ClientFactory, with_sections
from tests.fakes import RED
from tests.transports.rig import eventually
from tests.web.openapi import check_answer

QUICK = Alerts(hits=2, frames=3, before_s=0.5, after_s=0.5, rearm_s=0.3, cooldown_s=0)
Answer = dict[str, Any]


def _jpeg(*, red: bool) -> bytes:
    pixels = np.full((240, 320, 3), 128, np.uint8)
    if red:
        pixels[80:120, 100:180] = RED
    return encode_jpeg(pixels)


@asynccontextmanager
async def _webcam(client: Client) -> AsyncIterator[asyncio.Event]:
    """A webcam over a WebSocket; once the event is set it shows something red."""
    socket = await client.ws_connect("/ws/stream?name=Hall&annotate=0")
    shows = asyncio.Event()

    async def send() -> None:
        while True:
            await socket.send_bytes(_jpeg(red=shows.is_set()))
            await socket.receive(timeout=20)
            await asyncio.sleep(0.02)

    sending = asyncio.create_task(send())
    try:
        yield shows
    finally:
        sending.cancel()
        await asyncio.wait([sending])
        await socket.close()


async def _alerts(client: Client, query: str = "") -> list[Answer]:
    answer = await client.get(f"/api/alerts{query}")
    assert answer.status == 200
    found: list[Answer] = (await answer.json())["alerts"]
    return found


async def _wait_for(client: Client, **wanted: Any) -> Answer:
    """The first alert, as soon as it is as wanted."""
    async with asyncio.timeout(30):
        while True:
            alerts = await _alerts(client)
            if alerts and all(alerts[0][name] == value for name, value in wanted.items()):
                return alerts[0]
            await asyncio.sleep(0.05)


async def _sent(client: Client, *, events: list[str]) -> Answer:
    """The first alert, once its messages are noted as sent; the receiver knows of them before that."""
    wanted = [(event, "sent") for event in events]
    async with asyncio.timeout(30):
        while True:
            (alert,) = await _alerts(client)
            if [(one["event"], one["state"]) for one in alert["deliveries"]] == wanted:
                return alert
            await asyncio.sleep(0.05)


@pytest.fixture
def watched(settings: Settings) -> Settings:
    """Settings with quick alerts."""
    return with_sections(settings, alerts=QUICK)


async def test_from_a_frame_to_the_verdict(start_client: ClientFactory, watched: Settings) -> None:
    """A candidate with picture, clip and detections; the verdict counts once; all of it is there after a restart."""
    client = await start_client(watched)
    before = datetime.now(UTC)
    async with _webcam(client) as shows:
        await asyncio.sleep(0.7)
        shows.set()
        alert = await _wait_for(client, state="candidate")
        assert (alert["source"], alert["label"]) == ({"name": "Hall", "kind": "webcam"}, "firearm")
        assert before < datetime.fromisoformat(alert["opened_at"]) < datetime.now(UTC)
        assert alert["box"] == pytest.approx({"x1": 100, "y1": 80, "x2": 180, "y2": 120}, abs=8)
        url = f"/api/alerts/{alert['id']}"
        for query in ("", "?boxes=0", "?crop=1", "?best=3"):
            picture = await client.get(f"{url}/snapshot.jpg{query}")
            assert (picture.status, picture.content_type) == (200, "image/jpeg"), query
            assert cv2.imdecode(np.frombuffer(await picture.read(), np.uint8), cv2.IMREAD_COLOR) is not None
        alert = await _wait_for(client, clip="ready")
    await check_answer(await client.get(url), method="GET", path="/api/alerts/{id}")
    assert alert["clip_start_s"] < 0 < alert["clip_duration_s"]
    with av.open(io.BytesIO(await (await client.get(f"{url}/clip.mp4")).read())) as clip:
        assert clip.streams.video[0].codec_context.name == "h264"
        assert clip.streams.video[0].frames > 5
    seen = await (await client.get(f"{url}/detections.json")).json()
    assert any(frame["t"] < 0 for frame in seen["frames"])
    assert any(frame["results"] for frame in seen["frames"])

    confirmed = await client.post(f"{url}/confirm", json={"note": "seen it", "time_zone": "Europe/Berlin", "by": "Ana"})
    answer = await confirmed.json()
    assert (answer["state"], answer["decided_by"], answer["decided_zone"], answer["note"]) == (
        "confirmed", "Ana", "Europe/Berlin", "seen it",
    )  # fmt: skip
    late = await client.post(f"{url}/dismiss", json={"by": "Ben", "reason": "toy"})
    problem = await late.json(content_type=None)
    assert (late.status, problem["state"], problem["decided_by"]) == (409, "confirmed", "Ana")
    assert problem["decided_at"] == answer["decided_at"]
    await client.close()
    again = await start_client(watched)
    assert (await _alerts(again))[0] == answer
    assert (await again.delete(url)).status == 204
    assert await _alerts(again) == []
    assert (await again.get(f"{url}/clip.mp4")).status == 404


async def test_a_camera_names_no_alert_that_is_gone(start_client: ClientFactory, settings: Settings) -> None:
    """Whoever has removed it; and nothing is remembered of streams that are no cameras."""
    given = msgspec.structs.replace(settings, cameras=Cameras(allowed_networks=["127.0.0.0/8"]))
    client = await start_client(given)
    order = {"name": "Door", "url": "rtsp://127.0.0.1:9/live", "enabled": False}
    camera = (await (await client.post("/api/cameras", json=order)).json())["id"]
    await client.close()
    values = {"state": AlertState.DISMISSED, "opened_at": time.time()}
    with closing(open_database(sqlite_url(data_folder(given) / DATABASE_FILE))) as database:
        for alert in (make_alert("a", camera_id=camera, **values), make_alert("b", stream_id="webcam", **values)):
            AlertRecords(database).open(alert, [])
    client = await start_client(given)
    assert (await (await client.get(f"/api/cameras/{camera}")).json())["last_alert"]["id"] == "a"
    assert client.app is not None
    desk = client.app[keys.ALERTS]
    assert desk.last_alert("webcam") is None
    await desk.service.remove("a")  # as retention does
    assert (await (await client.get(f"/api/cameras/{camera}")).json())["last_alert"] is None


async def test_everybody_is_told_of_both(start_client: ClientFactory, settings: Settings, unused_tcp_port: int) -> None:
    """The channel gets the candidate with the picture, and then the verdict; a test goes out at once."""
    told: list[Answer] = []

    async def take(request: web.Request) -> web.Response:
        told.append(await request.json())
        return web.Response()

    app = web.Application(client_max_size=10_000_000)
    app.router.add_post("/hook", take)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", unused_tcp_port).start()
    hook = Webhook(name="guards", url=f"http://127.0.0.1:{unused_tcp_port}/hook", secret="s3cret")
    client = await start_client(with_sections(settings, alerts=Alerts(hits=2, frames=3, after_s=0.2, webhooks=[hook])))
    async with _webcam(client) as shows:
        shows.set()
        alert = await _wait_for(client, state="candidate")
        await client.post(f"/api/alerts/{alert['id']}/dismiss", json={"reason": "umbrella"})
        await eventually(lambda: len(told) == 2, within_s=10)
    assert [one["event"] for one in told] == ["candidate", "dismissed"]
    assert told[0]["alert"]["snapshot_jpeg"].startswith("/9j/")
    assert told[1]["alert"]["reason"] == "umbrella"
    seen = await _sent(client, events=["candidate", "dismissed"])
    assert [one["unsure"] for one in seen["deliveries"]] == [False, False]
    tested = await client.post("/api/channels/guards/test")
    assert (tested.status, told[-1]["event"]) == (200, "test")
    answer = await client.get("/api/channels")
    await check_answer(answer, method="GET", path="/api/channels")
    listed = await answer.json()
    assert "s3cret" not in json.dumps(listed)
    assert listed["channels"][0]["target"] == "http://127.0.0.1"
    again = await client.post(f"/api/alerts/{alert['id']}/deliveries/{seen['deliveries'][0]['id']}/again")
    assert again.status == 202
    await eventually(lambda: len(told) == 4, within_s=10)
    assert (told[-1]["delivery"], told[-1]["repeated"]) == (told[0]["delivery"], True)
    await runner.cleanup()
    assert (await client.post("/api/channels/guards/test")).status == 502
    assert (await client.post("/api/channels/nobody/test")).status == 404


async def test_events_tell_of_alerts(start_client: ClientFactory, watched: Settings) -> None:
    """First those that wait, then each as it changes."""
    client = await start_client(watched)
    async with _webcam(client) as shows:
        events = await client.get("/api/events?alerts=1")
        lines: list[str] = []

        async def read() -> None:
            while line := await events.content.readline():
                lines.append(line.decode().strip())

        reading = asyncio.create_task(read())
        await eventually(lambda: "event: alerts" in lines, within_s=10)
        shows.set()
        await eventually(lambda: "event: alert" in lines, within_s=10)
        alert = json.loads(lines[lines.index("event: alert") + 1].removeprefix("data: "))
        assert alert["state"] == "candidate"
        reading.cancel()
        events.close()


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/api/alerts?state=lost", None, 400),
        ("GET", "/api/alerts?since=yesterday", None, 400),
        ("GET", "/api/alerts?since=2026-01-01T00:00:00", None, 400),
        ("GET", "/api/alerts?limit=0", None, 400),
        ("GET", "/api/alerts?before=nobody", None, 404),
        ("GET", "/api/alerts/nobody", None, 404),
        ("GET", "/api/alerts/nobody/snapshot.jpg", None, 404),
        ("GET", "/api/alerts/nobody/clip.mp4", None, 404),
        ("POST", "/api/alerts/nobody/confirm", b"{}", 404),
        ("POST", "/api/alerts/nobody/dismiss", b'{"reason": "boredom"}', 400),
        ("POST", "/api/alerts/nobody/confirm", b"[", 400),
        ("PATCH", "/api/alerts/nobody", b"{}", 400),
        ("DELETE", "/api/alerts/nobody", None, 404),
        ("POST", "/api/alerts/nobody/deliveries/nothing/again", None, 404),
    ],
)
async def test_refusals(client: Client, method: str, path: str, body: bytes | None, status: int) -> None:
    """Each refusal has its status and is a problem."""
    answer = await client.request(method, path, data=body)
    assert (answer.status, answer.content_type) == (status, "application/problem+json")


async def test_a_server_without_alerts_says_so(start_client: ClientFactory, settings: Settings) -> None:
    """501 with the reason, and no feature."""
    client = await start_client(with_sections(settings, alerts=Alerts(enabled=False)))
    answer = await client.get("/api/alerts")
    assert (answer.status, "alerts.enabled" in (await answer.json(content_type=None))["detail"]) == (501, True)
    info = await (await client.get("/api/info")).json()
    assert "alerts" not in info["features"]
    assert info["alerts"] is None


async def test_alerts_are_made_from_the_kinds_in_the_settings_alone(start_client: ClientFactory, settings: Settings) -> None:
    """Where webcams are left out nothing of them is kept."""
    client = await start_client(with_sections(settings, alerts=Alerts(hits=1, frames=1, sources=["camera"])))
    async with _webcam(client) as shows:
        shows.set()
        await asyncio.sleep(0.5)
    assert await _alerts(client) == []


async def test_exports(start_client: ClientFactory, watched: Settings) -> None:
    """A table and an archive; both are for who has a key."""
    client = await start_client(with_sections(watched, auth=Auth(api_keys=["k" * 32])), key="k" * 32)
    async with _webcam(client) as shows:
        shows.set()
        alert = await _wait_for(client, state="candidate")
    confirmed = await client.post(f"/api/alerts/{alert['id']}/confirm", json={"by": "not me"})
    assert (await confirmed.json())["decided_by"] == "API key"
    table = await (await client.get("/api/alerts/export.csv?state=confirmed")).text()
    assert [line.split(",")[0] for line in table.splitlines()] == ["id", alert["id"]]
    archive = await client.get("/api/alerts/export.zip")
    with zipfile.ZipFile(io.BytesIO(await archive.read())) as files:
        assert "data.yaml" in files.namelist()
        assert sum(name.endswith(".jpg") for name in files.namelist()) == 1
    assert (await client.get("/api/alerts/export.csv", headers={"Authorization": "Bearer wrong"})).status == 401
