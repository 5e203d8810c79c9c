"""Tests of what the server says about itself."""

import io
import tarfile

from server.config import Auth, IceServer, Live, Predict, Server, Settings, Webrtc
from tests.conftest import Client, ClientFactory, with_sections


async def test_says_that_it_is_running(client: Client) -> None:
    """Clients of the original service look for this sentence."""
    answer = await client.get("/api")
    assert (answer.status, await answer.text()) == (200, "API is running")


async def test_describes_itself(client: Client) -> None:
    """The page learns of model, limits, room and features."""
    info = await (await client.get("/api/info")).json()
    assert info["model"] == {"name": "fake", "classes": ["firearm", "person"], "conf": 0.4, "imgsz": 320}
    assert (info["capacity"], info["active"]) == (8, 0)
    assert info["features"] == ["live", "picture"]
    assert info["iceServers"] == []
    assert info["auth"] == {"required": False, "name": None}


async def test_describes_its_settings(start_client: ClientFactory, settings: Settings) -> None:
    """Limits, ICE servers and the address of the source are those of the settings."""
    changed = with_sections(
        settings,
        server=Server(source_url="https://example.org/source", data_dir=settings.server.data_dir),
        predict=Predict(max_bytes=1000, max_pixels=2000),
        live=Live(max_sessions=3),
        webrtc=Webrtc(ice_servers=[IceServer(urls=["turn:turn.example"], username="u", credential="c")]),
        auth=Auth(api_keys=["a-key"]),
    )
    info = await (await (await start_client(changed, key="a-key")).get("/api/info")).json()
    assert {name: info["limits"][name] for name in ("picture_bytes", "picture_pixels", "max_sessions")} == {
        "picture_bytes": 1000,
        "picture_pixels": 2000,
        "max_sessions": 3,
    }
    assert info["iceServers"] == [{"urls": ["turn:turn.example"], "username": "u", "credential": "c"}]
    assert info["source"] == "https://example.org/source"
    assert info["auth"] == {"required": True, "name": "API key"}


async def test_says_how_the_number_of_live_sessions_came_about(start_client: ClientFactory, settings: Settings) -> None:
    """What was measured decides; the setting does only where it allows fewer."""
    measured = await (await (await start_client()).get("/api/info")).json()
    bounded = await (await (await start_client(with_sections(settings, live=Live(max_sessions=3)))).get("/api/info")).json()
    named = ("live_sessions", "live_reason", "max_sessions", "min_detections_fps", "detections_fps")
    assert [measured["limits"][name] for name in named] == [8, "measured", None, 5, 70]
    assert [bounded["limits"][name] for name in named] == [3, "max_sessions", 3, 5, 70]
    assert (measured["capacity"], bounded["capacity"]) == (8, 3)


async def test_ice_servers_without_credentials_have_none(start_client: ClientFactory, settings: Settings) -> None:
    """A browser refuses an RTCIceServer whose user is null."""
    changed = with_sections(settings, webrtc=Webrtc(ice_servers=[IceServer(urls=["stun:stun.example"])]))
    info = await (await (await start_client(changed)).get("/api/info")).json()
    assert info["iceServers"] == [{"urls": ["stun:stun.example"]}]


async def test_offers_its_own_source(client: Client) -> None:
    """Without another address the server gives the source that it runs, without caches, weights or names of users."""
    info = await (await client.get("/api/info")).json()
    answer = await client.get(info["source"])
    assert answer.content_type == "application/gzip"
    with tarfile.open(fileobj=io.BytesIO(await answer.read())) as archive:
        members = archive.getmembers()
    names = {member.name for member in members}
    assert {"sightline/server/web/app.py", "sightline/pyproject.toml", "sightline/static/index.html"} <= names
    assert not [name for name in names if "__pycache__" in name or name.endswith((".pt", ".bin"))]
    assert {(member.uid, member.uname) for member in members} == {(0, "")}
