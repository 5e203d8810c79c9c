"""Tests of what the server says about itself."""

import base64
import hmac
import io
import json
import re
import tarfile
import time
from pathlib import Path

from server.config.settings import Auth, IceServer, Live, Predict, Server, Settings, Webrtc
from server.inference.card import read_card
from server.resources import openapi_file, source_files
from server.web.source_archive import source_archive
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
    assert info["features"] == ["live", "picture", "videos", "cameras", "alerts"]
    assert info["iceServers"] == []
    assert info["auth"] == {"required": False, "name": None, "rights": "admin"}


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
    assert info["auth"] == {"required": True, "name": "API key", "rights": "admin"}


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


async def test_turn_credentials_are_made_for_each_client(start_client: ClientFactory, settings: Settings) -> None:
    """Whoever asks gets a name that ends by itself, and the password that belongs to it; the secret is told to nobody."""
    webrtc = Webrtc(turn_urls=["turn:turn.example", "turns:turn.example"], turn_secret="the-secret", turn_ttl_s=60)
    client = await start_client(with_sections(settings, webrtc=webrtc))
    answers = [await client.get("/api/info") for _ in range(2)]
    assert all([b"the-secret" not in await answer.read() for answer in answers])
    first, second = [(await answer.json())["iceServers"][0] for answer in answers]
    assert first["urls"] == ["turn:turn.example", "turns:turn.example"]
    assert first["username"] != second["username"]
    assert 0 < int(first["username"].partition(":")[0]) - time.time() <= 60
    digest = hmac.digest(b"the-secret", first["username"].encode(), "sha1")
    assert first["credential"] == base64.b64encode(digest).decode()


async def test_offers_its_own_source(client: Client) -> None:
    """Without another address the server gives the source that it runs, complete and without caches or names of users."""
    info = await (await client.get("/api/info")).json()
    answer = await client.get(info["source"])
    assert answer.content_type == "application/gzip"
    with tarfile.open(fileobj=io.BytesIO(await answer.read())) as archive:
        members = archive.getmembers()
    names = {member.name for member in members}
    assert names == {f"sightline/{name}" for name in source_files()}
    assert not [name for name in names if "__pycache__" in name]
    assert {(member.uid, member.uname) for member in members} == {(0, "")}
    assert {member.name for member in members if member.mode & 0o111} >= {"sightline/.ci/run"}


async def test_makes_its_source_once(client: Client) -> None:
    """However many users ask, the archive is made for the first."""
    source_archive.cache_clear()
    for _ in range(3):
        assert (await client.get("/source.tar.gz")).status == 200
    assert source_archive.cache_info().misses == 1


def test_the_document_shows_the_delivered_model(delivered_model_dir: Path) -> None:
    """The example of docs/http-api.md is what the server answers with the model that comes with it."""
    text = (openapi_file().parent / "http-api.md").read_text("utf-8")
    examples = [json.loads(example) for example in re.findall(r"```json\n(.*?)```", text, re.DOTALL)]
    (shown,) = [example["model"] for example in examples if "iceServers" in example]
    card = read_card(delivered_model_dir)
    assert shown == {"name": card.name, "classes": card.classes, "conf": card.confidence, "imgsz": card.imgsz}
