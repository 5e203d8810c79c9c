"""Revoking a key of a running server: it opens nothing any more, and what was opened with it ends."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from aiohttp import ClientError, ClientResponse, WSMsgType, WSServerHandshakeError

from server.config.settings import Auth, Live, Server, Settings
from server.config.watching import Alerts
from server.transports.webrtc import WebrtcSession
from server.web import keys
from server.web.api_key import Right
from server.web.generated_key import generated_key, generated_key_path
from server.web.key_file import KeyFile, key_file
from server.web.live import LiveService
from tests.conftest import Client, ClientFactory, with_sections
from tests.transports.rig import Client as Peer
from tests.transports.rig import FixedDetector, eventually
from tests.transports.viewer import Viewer
from tests.web.live_streams import SDP
from tests.web.named_keys import by, look

OWNER = "the-key-of-the-settings"


@pytest.fixture
def file(settings: Settings) -> KeyFile:
    """The key file of the server."""
    return key_file(settings)


@pytest.fixture
async def server(start_client: ClientFactory, settings: Settings) -> Client:
    """A server with a key in its settings, beside those of the file."""
    # What the detector finds makes no alerts, whose clips would be waited for at the end.
    # How many streams a busy machine is quick enough for is not the point either.
    live = Live(max_sessions=8, min_detections_fps=0.5)
    given = with_sections(settings, auth=Auth(api_keys=[OWNER]), alerts=Alerts(sources=["camera"]), live=live)
    return await start_client(given, detector=FixedDetector())


@pytest.fixture
async def peers() -> AsyncIterator[Callable[[], Peer]]:
    """Makes publishers, which leave before the server ends."""
    made: list[Peer] = []

    def make() -> Peer:
        made.append(Peer(direction="sendonly"))
        return made[-1]

    yield make
    await asyncio.gather(*(peer.close() for peer in made))


async def publish(client: Client, peer: Peer, *, key: str) -> str:
    """Publishes with a key; returns the stream's id once it is detected on."""
    answer = await client.post("/whip", data=await peer.offer(), headers={**SDP, **by(key)})
    assert answer.status == 201
    await peer.accept(await answer.text())
    await eventually(lambda: peer.messages, within_s=20)
    return answer.headers["Location"].rpartition("/")[2]


async def ends(answer: ClientResponse) -> bool:
    """Whether an answer without an end is cut off."""
    try:
        async with asyncio.timeout(20):
            while await answer.content.readany():
                pass
    except TimeoutError:
        return False
    except ClientError:
        return True
    return True


async def test_everything_that_a_revoked_key_holds_open_ends(server: Client, file: KeyFile, peers: Callable[[], Peer]) -> None:
    """WHIP, WHEP, WebSocket, MJPEG, events and an upload under way; what the owner holds open goes on."""
    gate, studio = file.add("gate", Right.VIEW), file.add("studio", Right.ADMIN)
    await look(server)
    assert server.app is not None
    app = server.app
    owned, theirs = await publish(server, peers(), key=OWNER), await publish(server, peers(), key=studio)
    viewer = Viewer()
    watched = await server.post(f"/whep/{owned}", data=await viewer.offer(), headers={**SDP, **by(gate)})
    await viewer.accept(await watched.text())
    endless = [await server.get(path, headers=by(gate)) for path in (f"/api/streams/{owned}/mjpeg", "/api/events")]
    kept = await server.get(f"/api/streams/{owned}/mjpeg", headers=by(OWNER))
    socket = await server.ws_connect("/ws/stream", headers=by(studio))
    body_waits = asyncio.Event()
    upload = asyncio.create_task(_upload(server, key=studio, until=body_waits.wait))
    incoming = app[keys.VIDEOS].jobs.files.folder / "incoming"
    await eventually(lambda: [one for one in incoming.iterdir() if one.stat().st_size], within_s=20)
    assert app[keys.LIVE].registry.active == 3

    file.revoke("gate")
    file.revoke("studio")
    await look(server)

    assert [await ends(answer) for answer in endless] == [True, True]
    assert (await socket.receive(timeout=20)).type in (WSMsgType.CLOSED, WSMsgType.CLOSE, WSMsgType.ERROR)
    with pytest.raises(ClientError):
        await upload
    body_waits.set()
    await eventually(lambda: (app[keys.LIVE].registry.active, app[keys.VIEWING].places.active) == (1, 1), within_s=20)
    await eventually(lambda: not list(incoming.iterdir()), within_s=20)
    assert (await server.get(f"/api/streams/{theirs}", headers=by(OWNER))).status == 404
    assert await kept.content.readany()
    assert not await _is_cut_off(kept)
    kept.close()
    await viewer.close()


async def _upload(client: Client, *, key: str, until: Callable[[], Awaitable[object]]) -> int:
    """Begins to send a video file, and goes on later."""

    async def body() -> AsyncIterator[bytes]:
        yield bytes(2 * 1024 * 1024)
        await until()
        yield bytes(1024)

    async with client.post("/api/videos?name=a.mp4", data=body(), headers=by(key)) as answer:
        return answer.status


async def _is_cut_off(answer: ClientResponse) -> bool:
    try:
        await answer.content.readany()
    except ClientError:
        return True
    return False


async def test_a_revoked_key_opens_nothing(server: Client, file: KeyFile) -> None:
    """At the next look; a new key of the same name is another key."""
    value = file.add("gate", Right.ADMIN)
    await look(server)
    assert (await server.get("/api", headers=by(value))).status == 200
    file.revoke("gate")
    again = file.add("gate", Right.ADMIN)
    await look(server)
    assert (await server.get("/api", headers=by(value))).status == 401
    assert (await server.get("/api", headers=by(again))).status == 200
    with pytest.raises(WSServerHandshakeError, match="401"):
        await server.ws_connect("/ws/stream", headers=by(value))


async def test_fewer_rights_end_what_more_have_opened(server: Client, file: KeyFile) -> None:
    """Whoever edits the file to take `admin` away means it."""
    value = file.add("gate", Right.ADMIN)
    await look(server)
    events = await server.get("/api/events", headers=by(value))
    file.path.write_text(file.path.read_text().replace('"admin"', '"view"'))
    await look(server)
    assert await ends(events)
    assert (await server.delete("/api/streams/x", headers=by(value))).status == 403
    assert (await server.get("/api", headers=by(value))).status == 200


async def test_a_file_that_is_damaged_leaves_the_keys_as_they_were(
    server: Client, file: KeyFile, caplog: pytest.LogCaptureFixture
) -> None:
    """Nobody is thrown out, nobody is let in, and the log says so once; when it is right again it counts."""
    value = file.add("gate", Right.VIEW)
    await look(server)
    intact = file.path.read_bytes()
    file.path.write_bytes(intact[:-20])
    with caplog.at_level(logging.ERROR):
        await look(server)
        await look(server)
    assert [record.getMessage() for record in caplog.records] == [f"the keys stay as they were: {_damage(file)}"]
    assert (await server.get("/api", headers=by(value))).status == 200
    file.path.write_bytes(intact)
    file.revoke("gate")
    await look(server)
    assert (await server.get("/api", headers=by(value))).status == 401


def _damage(file: KeyFile) -> str:
    """What reading the file says."""
    with pytest.raises(Exception, match="damaged") as raised:
        file.read()
    return str(raised.value)


async def test_a_file_that_is_gone_holds_no_key(server: Client, file: KeyFile) -> None:
    """Deleting it revokes all of them; those of the settings stay."""
    value = file.add("gate", Right.VIEW)
    await look(server)
    file.path.unlink()
    await look(server)
    assert (await server.get("/api", headers=by(value))).status == 401
    assert (await server.get("/api", headers=by(OWNER))).status == 200


async def test_deleting_its_file_ends_a_generated_key(start_client: ClientFactory, settings: Settings) -> None:
    """With what it holds open, and without a restart; the server does not open."""
    outside = with_sections(settings, server=Server(host="0.0.0.0", data_dir=settings.server.data_dir))
    made = generated_key(generated_key_path(outside), make=True)
    assert made is not None
    client = await start_client(outside)
    events = await client.get("/api/events", headers=by(made.unshown))
    assert events.status == 200
    made.file.unlink()
    await look(client)
    assert await ends(events)
    assert (await client.get("/api", headers=by(made.unshown))).status == 401
    assert (await client.get("/api")).status == 401


async def test_the_first_key_closes_an_open_server(client: Client, file: KeyFile) -> None:
    """On loopback without keys everybody is served, until there is one; taking it away again opens nothing."""
    assert (await client.get("/api")).status == 200
    value = file.add("gate", Right.VIEW)
    await look(client)
    assert (await client.get("/api")).status == 401
    assert (await client.get("/api", headers={**by(value), "Host": "camera.example"})).status == 200
    file.revoke("gate")
    await look(client)
    assert (await client.get("/api")).status == 401


async def test_a_key_that_is_revoked_while_an_offer_is_answered_keeps_nothing(
    server: Client, file: KeyFile, monkeypatch: pytest.MonkeyPatch, peers: Callable[[], Peer]
) -> None:
    """No session comes to be that nobody would end."""
    value = file.add("studio", Right.ADMIN)
    await look(server)
    assert server.app is not None
    live = server.app[keys.LIVE]
    opens = live.open_webrtc

    async def open_slowly(_live: LiveService, offer: str, **options: Any) -> WebrtcSession:
        session = await opens(offer, **options)
        file.revoke("studio")
        await look(server)
        return session

    monkeypatch.setattr(LiveService, "open_webrtc", open_slowly)
    with pytest.raises(ClientError):
        await server.post("/whip", data=await peers().offer(), headers={**SDP, **by(value)})
    await eventually(lambda: live.registry.active == 0, within_s=20)
