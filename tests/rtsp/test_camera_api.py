"""Tests of cameras through the whole server, against a real RTSP server."""

import asyncio
import logging
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from server.config.settings import Settings
from server.config.watching import Cameras
from tests.conftest import Client, ClientFactory
from tests.rtsp.rig import needs_rtsp_server, rtsp_server
from tests.web.openapi import check_answer

pytestmark = needs_rtsp_server


@pytest.fixture
def camera_settings(settings: Settings) -> Settings:
    """Cameras may be on this machine, which they otherwise may not."""
    cameras = Cameras(allowed_networks=["127.0.0.0/8"], read_timeout_s=2, lost_after_s=1)
    return msgspec.structs.replace(settings, cameras=cameras)


async def state_of(client: Client, camera_id: str) -> dict[str, Any]:
    """The camera as the API has it."""
    answer = await client.get(f"/api/cameras/{camera_id}")
    camera: dict[str, Any] = await answer.json()
    return camera


async def becomes(client: Client, camera_id: str, *states: str, within_s: float = 40) -> dict[str, Any]:
    """The camera as soon as it is in one of these states."""
    return await holds(client, camera_id, lambda camera: camera["state"] in states, within_s=within_s)


async def holds(client: Client, camera_id: str, true: Callable[[dict[str, Any]], bool], *, within_s: float) -> dict[str, Any]:
    """The camera as soon as that is true of it."""
    ends_at = time.monotonic() + within_s
    while not true(camera := await state_of(client, camera_id)):
        assert time.monotonic() < ends_at, camera
        await asyncio.sleep(0.05)
    return camera


def is_fresh(camera: dict[str, Any]) -> bool:
    """Whether its newest picture is as new as it is promised to be."""
    return camera["age_ms"] is not None and camera["age_ms"] < 300


def show(capsys: pytest.CaptureFixture[str], text: str) -> None:
    """Tells what was measured; nothing depends on it."""
    with capsys.disabled():
        sys.stdout.write(f"\n{text}\n")


async def add(client: Client, url: str, **more: object) -> str:
    """Adds a camera; its id."""
    answer = await client.post("/api/cameras", json={"name": "Door", "url": url, **more})
    assert answer.status == 201, await answer.text()
    await check_answer(answer, method="POST", path="/api/cameras")
    camera_id: str = (await answer.json())["id"]
    return camera_id


async def test_a_camera_is_killed_and_comes_back(
    start_client: ClientFactory,
    camera_settings: Settings,
    film: Path,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """It is live, then unreachable with a sentence, then live again on the same stream, with fresh pictures."""
    caplog.set_level(logging.INFO)
    client = await start_client(camera_settings)
    async with rtsp_server(film) as server:
        camera_id = await add(client, server.url)
        camera = await becomes(client, camera_id, "live")
        await asyncio.sleep(6)  # a connection that has lasted
        assert (await state_of(client, camera_id))["codec"] == "h264"
        assert (await client.get(f"/api/streams/{camera_id}/snapshot.jpg")).status == 200
        await server.kill()
        killed_at = time.monotonic()
        camera = await becomes(client, camera_id, "unreachable")
        show(capsys, f"kill to unreachable: {time.monotonic() - killed_at:.2f} s")
        assert camera["reason"] == f"Nothing answers at 127.0.0.1, port {server.port}: the connection is refused."
        assert camera["next_try_at"] is not None
        await asyncio.sleep(3)
        await server.start()
        started_at = time.monotonic()
        await becomes(client, camera_id, "live")
        show(capsys, f"return to live: {time.monotonic() - started_at:.2f} s")
        await holds(client, camera_id, is_fresh, within_s=20)
        show(capsys, f"fresh {time.monotonic() - started_at:.2f} s after the return")
        assert (await client.get(f"/api/streams/{camera_id}/snapshot.jpg")).status == 200
    assert any("camera_lost" in line for line in caplog.messages)
    assert any("camera_back" in line for line in caplog.messages)


async def test_a_camera_stalls_and_goes_on(start_client: ClientFactory, camera_settings: Settings, film: Path) -> None:
    """It is stalled while nothing comes, and live again without what has piled up."""
    client = await start_client(camera_settings)
    async with rtsp_server(film) as server:
        camera_id = await add(client, server.url)
        await becomes(client, camera_id, "live")
        server.stall()
        camera = await becomes(client, camera_id, "stalled")
        assert camera["reason"].startswith("No new picture has come")
        server.go_on()
        await becomes(client, camera_id, "live")
        await holds(client, camera_id, is_fresh, within_s=20)


@pytest.mark.parametrize("digest", [False, True])
async def test_passwords_stay_here(
    start_client: ClientFactory, camera_settings: Settings, film: Path, caplog: pytest.LogCaptureFixture, *, digest: bool
) -> None:
    """The right one opens, the wrong one is told as such; neither stands in answers or the log."""
    caplog.set_level(logging.DEBUG)
    client = await start_client(camera_settings)
    protected = ["--user", "viewer", "--password", "s3cretword", *(["--digest"] if digest else [])]
    async with rtsp_server(film, *protected) as server:
        camera_id = await add(client, server.url.replace("//", "//viewer:s3cretword@"))
        camera = await becomes(client, camera_id, "live")
        assert (camera["url"], camera["username"], camera["has_password"]) == (server.url, "viewer", True)
        answer = await client.patch(f"/api/cameras/{camera_id}", json={"password": "wr0ngword"})
        assert answer.status == 200
        camera = await becomes(client, camera_id, "unauthorised")
        assert camera["reason"] == "The camera does not accept this user name and password."
        listed = await (await client.get("/api/cameras")).text()
    for word in ("s3cretword", "wr0ngword"):
        assert word not in listed
        assert not any(word in line for line in [*caplog.messages, caplog.text])
