"""Tests of cameras through the API; those against a real RTSP server are in tests/rtsp."""

import asyncio
import json
import logging
import shutil
import time
from collections.abc import Callable
from itertools import groupby
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiohttp import web

from server.config.settings import Cluster, Settings
from server.config.watching import Alerts, CameraEntry, Cameras, Webhook
from server.domain.delivery import Event
from server.domain.errors import SettingsError
from server.storage.deliveries import DeliveryRecords
from server.web import keys
from server.web.app import create_app
from tests.conftest import Client, ClientFactory, with_sections
from tests.fakes import FakeDetector, room_for_eight
from tests.transports.camera_rig import write_h264
from tests.transports.rig import eventually
from tests.web.openapi import check_answer

NOWHERE = "rtsp://127.0.0.1:9/live"


@pytest.fixture(scope="session")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A second of H.264."""
    return write_h264(tmp_path_factory.mktemp("films") / "one.mp4", seconds=1)


def watching(settings: Settings, *, film: Path | None = None, **more: Any) -> Settings:
    """Settings with which this machine and a film may be cameras."""
    cameras = Cameras(allowed_networks=["127.0.0.0/8"], allowed_files=[str(film)] if film else [], **more)
    return msgspec.structs.replace(settings, cameras=cameras)


@pytest.fixture
async def client(start_client: ClientFactory, settings: Settings, film: Path) -> Client:
    """A client of a server that may play the film."""
    return await start_client(watching(settings, film=film))


async def add(client: Client, *, name: str = "Door", url: str = NOWHERE, **more: object) -> dict[str, Any]:
    """Adds a camera."""
    answer = await client.post("/api/cameras", json={"name": name, "url": url, **more})
    assert answer.status == 201, await answer.text()
    await check_answer(answer, method="POST", path="/api/cameras")
    camera: dict[str, Any] = await answer.json()
    assert answer.headers["Location"] == f"/api/cameras/{camera['id']}"
    return camera


async def becomes(client: Client, camera_id: str, true: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """The camera as soon as that is true of it."""
    ends_at = time.monotonic() + 30
    while True:
        camera: dict[str, Any] = await (await client.get(f"/api/cameras/{camera_id}")).json()
        if true(camera):
            return camera
        assert time.monotonic() < ends_at, camera
        await asyncio.sleep(0.05)


async def test_a_film_as_a_camera(client: Client, film: Path) -> None:
    """It becomes live, is a stream under its own id, counts as active, and is not ended there but here."""
    camera_id = (await add(client, url=str(film)))["id"]
    camera = await becomes(client, camera_id, lambda found: found["state"] == "live" and found["fps"])
    assert (camera["width"], camera["height"], camera["codec"]) == (640, 360, "h264")
    answer = await client.get(f"/api/cameras/{camera_id}")
    await check_answer(answer, method="GET", path="/api/cameras/{id}")
    assert (await (await client.get("/api/info")).json())["active"] == 1
    snapshot = await client.get(f"/api/streams/{camera_id}/snapshot.jpg")
    assert (snapshot.status, snapshot.content_type) == (200, "image/jpeg")
    refused = await client.delete(f"/api/streams/{camera_id}")
    await check_answer(refused, method="DELETE", path="/api/streams/{id}")
    assert refused.status == 409
    assert 'sightline_cameras{state="live"} 1.0' in await (await client.get("/metrics")).text()
    off = await client.patch(f"/api/cameras/{camera_id}", json={"enabled": False})
    await check_answer(off, method="PATCH", path="/api/cameras/{id}")
    await becomes(client, camera_id, lambda found: found["state"] == "off" and found["reason"] == "Switched off.")
    assert (await (await client.get("/api/info")).json())["active"] == 0
    assert (await client.post(f"/api/cameras/{camera_id}/reconnect")).status == 409
    await client.patch(f"/api/cameras/{camera_id}", json={"enabled": True, "conf": 0.9, "classes": ["person"]})
    await becomes(client, camera_id, lambda found: found["state"] == "live")
    stream = await (await client.get(f"/api/streams/{camera_id}")).json()
    assert (stream["conf"], stream["classes"]) == (0.9, [1])
    again = await client.post(f"/api/cameras/{camera_id}/reconnect")
    await check_answer(again, method="POST", path="/api/cameras/{id}/reconnect")
    gone = await client.delete(f"/api/cameras/{camera_id}")
    await check_answer(gone, method="DELETE", path="/api/cameras/{id}")
    assert (await client.get(f"/api/streams/{camera_id}")).status == 404
    missing = await client.get(f"/api/cameras/{camera_id}")
    await check_answer(missing, method="GET", path="/api/cameras/{id}")
    assert missing.status == 404


async def test_all_that_is_given_comes_back(client: Client) -> None:
    """And is there after a restart; what PATCH leaves out stays."""
    given: dict[str, Any] = {
        "detect_url": "rtsp://127.0.0.1:9/small#transport=udp",
        "username": "viewer",
        "conf": 0.5,
        "classes": ["firearm"],
        "max_fps": 5,
        "mask": [{"kind": "ignore", "points": [[0, 0], [0.5, 0], [0.5, 0.5]]}],
        "schedule": [{"days": ["mon", "fri"], "from": "18:00", "to": "06:00"}],
        "rule": {"hits": 2, "frames": 4, "min_size_px": None, "cooldown_s": 10},
    }
    camera = await add(client, **given, password="s3cretword")
    assert {name: camera[name] for name in given} == given
    assert camera["has_password"] is True
    changed = await (await client.patch(f"/api/cameras/{camera['id']}", json={"name": "Gate", "snooze_s": 60})).json()
    assert (changed["name"], changed["conf"], changed["snoozed_until"] is None) == ("Gate", 0.5, False)
    ended = await (await client.patch(f"/api/cameras/{camera['id']}", json={"snooze_s": 0, "rule": None})).json()
    assert (ended["snoozed_until"], ended["rule"]["hits"]) == (None, None)
    listed = await client.get("/api/cameras")
    await check_answer(listed, method="GET", path="/api/cameras")
    assert [one["name"] for one in (await listed.json())["cameras"]] == ["Gate"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"url": NOWHERE}, "name"),
        ({"name": "Door"}, "url"),
        ({"name": " ", "url": NOWHERE}, "name"),
        ({"name": "Door", "url": "gopher://x"}, "url"),
        ({"name": "Door", "url": NOWHERE, "detect_url": "x"}, "detect_url"),
        ({"name": "Door", "url": NOWHERE, "conf": 2}, "conf"),
        ({"name": "Door", "url": NOWHERE, "max_fps": 0}, "max_fps"),
        ({"name": "Door", "url": NOWHERE, "classes": ["banana"]}, "classes"),
        ({"name": "Door", "url": NOWHERE, "mask": [{"kind": "ignore", "points": [[0, 0], [1, 1]]}]}, "mask"),
        ({"name": "Door", "url": NOWHERE, "mask": [{"kind": "ignore", "points": [[0, 0], [1, 1], [2, 0]]}]}, "mask"),
        ({"name": "Door", "url": NOWHERE, "schedule": [{"days": ["mon"], "from": "25:00", "to": "06:00"}]}, "schedule"),
        ({"name": "Door", "url": NOWHERE, "rule": {"hits": 5, "frames": 3}}, "rule"),
        ({"name": "Door", "url": NOWHERE, "colour": "red"}, "colour"),
    ],
)
async def test_names_the_field_that_is_wrong(client: Client, body: dict[str, Any], field: str) -> None:
    """400, for a form."""
    answer = await client.post("/api/cameras", json=body)
    await check_answer(answer, method="POST", path="/api/cameras")
    assert (answer.status, (await answer.json())["field"]) == (400, field)
    assert (await (await client.get("/api/cameras")).json())["cameras"] == []


@pytest.mark.parametrize("body", ["", "[]", "{"])
async def test_refuses_what_is_no_order(client: Client, body: str) -> None:
    """400."""
    assert (await client.post("/api/cameras", data=body)).status == 400


@pytest.mark.parametrize(
    "url",
    ["rtsp://8.8.8.8/live", "http://169.254.169.254/latest", "/etc/passwd", "http://[::1]:1/", "rtsps://[::ffff:1.1.1.1]/"],
)
async def test_refuses_addresses_elsewhere(client: Client, url: str) -> None:
    """403 says what is allowed, for a new camera, for a changed one, and for the second address."""
    camera = await add(client)
    for method, path, body in (
        ("POST", "/api/cameras", {"name": "Other", "url": url}),
        ("POST", "/api/cameras", {"name": "Other", "url": NOWHERE, "detect_url": url}),
        ("PATCH", f"/api/cameras/{camera['id']}", {"url": url}),
    ):
        answer = await client.request(method, path, json=body)
        assert answer.status == 403
        assert "cameras.allowed_" in (await answer.json())["detail"]
    assert (await (await client.get(f"/api/cameras/{camera['id']}")).json())["url"] == NOWHERE


async def test_conflicts(start_client: ClientFactory, settings: Settings) -> None:
    """409 for a name that is taken, too many, and what the settings file says."""
    entries = [CameraEntry(name="Managed", url=NOWHERE, password="s3cretword")]
    client = await start_client(watching(settings, max_cameras=3, entries=entries))
    (managed,) = (await (await client.get("/api/cameras")).json())["cameras"]
    assert (managed["managed"], managed["has_password"]) == (True, True)
    await add(client)
    second = await add(client, name="Gate")
    path = f"/api/cameras/{managed['id']}"
    for method, where, body in (
        ("POST", "/api/cameras", {"name": "Fourth", "url": NOWHERE}),
        ("PATCH", f"/api/cameras/{second['id']}", {"name": "Door"}),
        ("PATCH", path, {"url": NOWHERE}),
        ("DELETE", path, None),
    ):
        answer = await client.request(method, where, json=body)
        assert answer.status == 409, where
    answer = await client.patch(path, json={"schedule": [{"days": ["mon"], "from": "00:00", "to": "24:00"}], "snooze_s": 5})
    assert answer.status == 200


async def test_another_host_gets_no_saved_password(client: Client) -> None:
    """Whoever changes the address must know the password, or it would be sent to whom they like."""
    camera = await add(client, url="rtsp://viewer:s3cretword@127.0.0.1:9/live")
    path = f"/api/cameras/{camera['id']}"
    same = await (await client.patch(path, json={"url": "rtsp://127.0.0.1:9/other"})).json()
    assert (same["username"], same["has_password"]) == ("viewer", True)
    other = await (await client.patch(path, json={"detect_url": "rtsp://127.0.0.2:9/live"})).json()
    assert (other["username"], other["has_password"]) == (None, False)


async def test_off_by_its_schedule(start_client: ClientFactory, settings: Settings) -> None:
    """It is off until then, and has no stream."""
    client = await start_client(watching(settings))
    day = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")[(time.localtime().tm_wday + 3) % 7]
    camera = await add(client, schedule=[{"days": [day], "from": "10:00", "to": "11:00"}])
    found = await becomes(client, camera["id"], lambda one: one["reason"] == "Off by its schedule.")
    assert (found["state"], found["off_until"] is None) == ("off", False)
    assert (await client.get(f"/api/streams/{camera['id']}")).status == 404


async def test_the_settings_file_is_taken_over_at_each_start(start_client: ClientFactory, settings: Settings) -> None:
    """New ones come, changed ones change and keep their id, those that are gone go; others stay."""
    entries = [CameraEntry(name="One", url=NOWHERE), CameraEntry(name="Two", url=NOWHERE, max_fps=5)]
    client = await start_client(watching(settings, entries=entries))
    await add(client, name="Own")
    before = {one["name"]: one for one in (await (await client.get("/api/cameras")).json())["cameras"]}
    await client.close()
    client = await start_client(watching(settings, entries=[CameraEntry(name="Two", url="rtsp://127.0.0.1:9/new")]))
    after = {one["name"]: one for one in (await (await client.get("/api/cameras")).json())["cameras"]}
    assert set(after) == {"Two", "Own"}
    assert (after["Two"]["id"], after["Two"]["url"]) == (before["Two"]["id"], "rtsp://127.0.0.1:9/new")
    assert after["Two"]["max_fps"] is None


async def test_a_camera_of_the_settings_file_keeps_what_the_api_has_set(
    start_client: ClientFactory, settings: Settings
) -> None:
    """It is the same one at the next start, whatever blanks and unprintable letters its name has there."""
    given = watching(settings, entries=[CameraEntry(name="\tEntrance ", url=NOWHERE)])
    client = await start_client(given)
    (before,) = (await (await client.get("/api/cameras")).json())["cameras"]
    assert before["name"] == "Entrance"
    assert (await client.patch(f"/api/cameras/{before['id']}", json={"rule": {"hits": 2}})).status == 200
    await client.close()
    client = await start_client(given)
    (after,) = (await (await client.get("/api/cameras")).json())["cameras"]
    assert (after["id"], after["rule"]["hits"]) == (before["id"], 2)


async def test_a_class_that_the_model_does_not_know_is_left_out(
    start_client: ClientFactory, settings: Settings, film: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Classes of the settings file are ids or names; one without any that is known lets nothing through, as a line says."""
    entries = [
        CameraEntry(name="One", url=str(film), classes=["1", "gun"]),
        CameraEntry(name="Two", url=str(film), classes=["gun"]),
    ]
    client = await start_client(watching(settings, film=film, entries=entries))
    shown = {}
    for camera in (await (await client.get("/api/cameras")).json())["cameras"]:
        await becomes(client, camera["id"], lambda found: found["state"] == "live")
        stream = await (await client.get(f"/api/streams/{camera['id']}")).json()
        shown[camera["name"]] = stream["classes"]
    assert shown == {"One": [1], "Two": []}
    assert "camera Two: the model knows no class 'gun'" in caplog.text


def telling(settings: Settings, *, film: Path) -> Settings:
    """Settings with a channel, and little patience."""
    nobody = Alerts(webhooks=[Webhook(name="guards", url="http://127.0.0.1:9/hook")])
    return watching(with_sections(settings, alerts=nobody), film=film, lost_after_s=0.1)


async def until_told(client: Client, camera_id: str, *events: Event) -> None:
    """Returns once these are the messages about a camera, each told once or several times in a row."""
    assert client.app is not None
    records = DeliveryRecords(client.app[keys.RECORDS].database)
    await eventually(lambda: [event for event, _ in groupby(one.event for one in records.of_subject(camera_id))] == [*events])


async def test_a_lost_camera_is_back_at_its_corrected_address(
    start_client: ClientFactory, settings: Settings, film: Path
) -> None:
    """Whoever was told that it is lost is told that it is back."""
    client = await start_client(telling(settings, film=film))
    camera_id = (await add(client))["id"]
    await until_told(client, camera_id, Event.CAMERA_LOST)
    await client.patch(f"/api/cameras/{camera_id}", json={"url": str(film)})
    await until_told(client, camera_id, Event.CAMERA_LOST, Event.CAMERA_BACK)


async def test_a_lost_camera_is_back_after_a_restart(
    start_client: ClientFactory, settings: Settings, film: Path, tmp_path: Path
) -> None:
    """The records know what was told before; it may be told again until the camera is there."""
    late = tmp_path / "late.mp4"
    client = await start_client(telling(settings, film=late))
    camera_id = (await add(client, url=str(late)))["id"]
    await until_told(client, camera_id, Event.CAMERA_LOST)
    await client.close()
    await asyncio.to_thread(shutil.copyfile, film, late)
    client = await start_client(telling(settings, film=late))
    await until_told(client, camera_id, Event.CAMERA_LOST, Event.CAMERA_BACK)


async def start_and_end(settings: Settings) -> None:
    """What the start raises."""
    app = create_app(settings, detector=FakeDetector(), time_pool=room_for_eight)
    runner = web.AppRunner(app)
    try:
        await runner.setup()
    finally:
        await runner.cleanup()


@pytest.mark.parametrize(
    "broken",
    [
        Cameras(entries=[CameraEntry(name="Door", url="nonsense")]),
        Cameras(entries=[CameraEntry(name=" ", url=NOWHERE)]),
        Cameras(entries=[CameraEntry(name="Door", url=NOWHERE), CameraEntry(name="Door ", url=NOWHERE)]),
        Cameras(allowed_networks=["10.0.0.0/99"]),
    ],
)
async def test_settings_that_cannot_be_meant_end_the_start(settings: Settings, broken: Cameras) -> None:
    """One line says which."""
    with pytest.raises(SettingsError, match=r"cameras\."):
        await start_and_end(msgspec.structs.replace(settings, cameras=broken))


async def test_a_time_zone_that_is_none_ends_the_start(settings: Settings) -> None:
    """Schedules would be off."""
    with pytest.raises(SettingsError, match=r"alerts\.time_zone"):
        await start_and_end(msgspec.structs.replace(settings, alerts=Alerts(time_zone="Mars/Olympus")))


@pytest.mark.parametrize("how", ["off", "cluster"])
async def test_a_server_without_cameras_says_so(start_client: ClientFactory, settings: Settings, how: str) -> None:
    """501 everywhere, and its features do not name them."""
    if how == "off":
        settings = msgspec.structs.replace(settings, cameras=Cameras(enabled=False))
    else:
        cluster = Cluster(size=2, secret="x" * 32, address="127.0.0.1:1", peers_network=["127.0.0.0/8"])
        settings = msgspec.structs.replace(settings, cluster=cluster)
    client = await start_client(settings)
    for method, path in (("GET", "/api/cameras"), ("POST", "/api/cameras"), ("PATCH", "/api/cameras/{id}")):
        answer = await client.request(method, path.replace("{id}", "x"), json={})
        assert answer.status == 501, (method, path)
        await check_answer(answer, method=method, path=path)
    assert "cameras" not in (await (await client.get("/api/info")).json())["features"]


async def test_a_page_follows_them(client: Client, film: Path) -> None:
    """All at first, all again when one changes, and their ages."""
    async with client.get("/api/events?cameras=1") as events:
        seen: list[tuple[str, Any]] = []

        async def until(true: Callable[[str, Any], bool]) -> None:
            name = ""
            async with asyncio.timeout(30):
                async for line in events.content:
                    if line.startswith(b"event: "):
                        name = line[7:].decode().strip()
                    if line.startswith(b"data: "):
                        seen.append((name, json.loads(line[6:])))
                        if true(*seen[-1]):
                            return

        await until(lambda name, data: name == "cameras" and data == {"cameras": []})
        camera = await add(client, url=str(film))
        await until(lambda name, data: name == "cameras" and [one["state"] for one in data["cameras"]] == ["live"])
        await until(lambda name, data: name == "camera_ages" and data["cameras"][0]["age_ms"] is not None)
        await client.delete(f"/api/cameras/{camera['id']}")
        await until(lambda name, data: name == "cameras" and data == {"cameras": []})


async def test_draining_ends_cameras(client: Client, film: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The server does not wait out its grace for them."""
    caplog.set_level(logging.INFO)
    camera_id = (await add(client, url=str(film)))["id"]
    await becomes(client, camera_id, lambda found: found["state"] == "live")
    assert client.app is not None
    async with asyncio.timeout(20):
        await client.app[keys.LIFECYCLE].drain(600)
    assert len(client.app[keys.LIVE].registry) == 0
