"""A session with everything that is secret: what a server is told of, and what it tells, that no log may have."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
from aiohttp import encode_basic_auth, web

from server.transports.aiortc_changes import AiortcChanges, apply
from tests.transports.rig import Client as Peer
from tests.transports.rig import eventually
from tests.transports.stun_server import running_stun_server
from tests.web.pictures import form_with, picture_file

SECRETS = {
    name: f"{name}-{number}f4c9e1b7"
    for number, name in enumerate(
        (
            "api-key",
            "mistyped-key",
            "webhook-token",
            "webhook-secret",
            "mqtt-password",
            "email-password",
            "turn-secret",
            "turn-credential",
            "cluster-secret-of-thirty-two-letters",
            "camera-password",
            "managed-camera-password",
            "camera-path-token",
        )
    )
}
SDP = {"Content-Type": "application/sdp"}


async def _refuse(request: web.Request) -> web.Response:
    """Wants credentials of cameras, and takes no message."""
    if request.path.startswith("/hook"):
        return web.Response(status=500, text="no")
    return web.Response(status=401, headers={"WWW-Authenticate": 'Basic realm="camera"'})


async def _refuse_rtsp(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Wants credentials, however often they are shown."""
    while request := await reader.read(4096):
        number = re.findall(rb"CSeq: (\d+)", request)[0].decode()
        writer.write(f'RTSP/1.0 401 Unauthorized\r\nCSeq: {number}\r\nWWW-Authenticate: Basic realm="x"\r\n\r\n'.encode())
    writer.close()


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Addresses on this machine of what answers, and is never content: over HTTP, RTSP, and as a TURN server."""

    http: str
    rtsp: str
    turn: str


@asynccontextmanager
async def surroundings() -> AsyncIterator[Surroundings]:
    """All three, running."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", _refuse)
    runner = web.AppRunner(app, shutdown_timeout=0.1, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    rtsp = await asyncio.start_server(_refuse_rtsp, "127.0.0.1", 0)
    try:
        async with running_stun_server() as (turn, _):
            yield Surroundings(f"127.0.0.1:{runner.addresses[0][1]}", f"127.0.0.1:{rtsp.sockets[0].getsockname()[1]}", turn)
    finally:
        rtsp.close()
        await runner.cleanup()


def write_settings(file: Path, *, around: Surroundings) -> Path:
    """A settings file with all the secrets that a server can have."""
    told = SECRETS
    file.write_text(f"""
[log]
level = "debug"
[auth]
api_keys = ["{told["api-key"]}"]
[cluster]
secret = "{told["cluster-secret-of-thirty-two-letters"]}"
[webrtc]
turn_urls = ["turn:{around.turn}"]
turn_secret = "{told["turn-secret"]}"
ice_servers = [{{urls = ["turn:{around.turn}"], username = "u", credential = "{told["turn-credential"]}"}}]
[mqtt]
host = "127.0.0.1"
port = 9
username = "u"
password = "{told["mqtt-password"]}"
[email]
host = "127.0.0.1"
port = 9
username = "u"
password = "{told["email-password"]}"
sender = "a@example.org"
recipients = ["b@example.org"]
[cameras]
allowed_networks = ["127.0.0.0/8"]
connect_timeout_s = 1
[[cameras.entries]]
name = "Managed"
url = "rtsp://{around.rtsp}/live"
username = "viewer"
password = "{told["managed-camera-password"]}"
[[alerts.webhooks]]
name = "refusing"
url = "http://{around.http}/hook/{told["webhook-token"]}"
secret = "{told["webhook-secret"]}"
[[alerts.webhooks]]
name = "silent"
url = "http://127.0.0.1:9/hook/{told["webhook-token"]}"
secret = "{told["webhook-secret"]}"
""")
    return file


class SecretSession:
    """Uses a server in every way that a secret takes part in; `learnt` are those that came up on the way."""

    def __init__(self, url: str, *, around: Surroundings) -> None:
        self._url = url.rstrip("/")
        self._around = around
        self.learnt: dict[str, str] = {}

    async def run(self) -> None:
        """Signs in, fails to, adds cameras, tells channels, and goes live."""
        key = {"Authorization": f"Bearer {SECRETS['api-key']}"}
        async with aiohttp.ClientSession() as anybody:
            await self._knock(anybody)
        async with aiohttp.ClientSession(headers=key) as client:
            await asyncio.gather(self._sign_in(client), self._add_cameras(client), self._tell(client), self._go_live(client))

    async def _knock(self, anybody: aiohttp.ClientSession) -> None:
        """Shows wrong keys in every way that one can be shown."""
        wrong = SECRETS["mistyped-key"]
        for headers in (
            {"Authorization": f"Bearer {wrong}"},
            {"Authorization": encode_basic_auth("somebody", wrong)},
            {"Cookie": f"sightline_session={wrong}"},
        ):
            async with anybody.get(f"{self._url}/api/streams?key={wrong}", headers=headers) as answer:
                assert answer.status == 401
        await self._send_nonsense()
        async with anybody.post(f"{self._url}/api/session", json={"key": wrong}) as answer:
            assert answer.status == 401
        async with anybody.post(f"{self._url}/v1/vision/detection", data=form_with(picture_file(), api_key=wrong)) as answer:
            assert answer.status == 401

    async def _send_nonsense(self) -> None:
        """A request that cannot be read because of the very header that has the key."""
        place = urlsplit(self._url)
        reader, writer = await asyncio.open_connection(place.hostname, place.port)
        writer.write(f"GET /api HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {SECRETS['api-key']}\0\r\n\r\n".encode())
        assert b" 400 " in await reader.read()
        writer.close()

    async def _sign_in(self, client: aiohttp.ClientSession) -> None:
        async with client.post(f"{self._url}/api/session", json={"key": SECRETS["api-key"]}) as answer:
            self.learnt["cookie"] = answer.cookies["sightline_session"].value
        async with client.get(f"{self._url}/api/info") as answer:
            servers = (await answer.json())["iceServers"]
        self.learnt["turn-credential-of-the-day"] = next(
            one["credential"] for one in servers if one["credential"] != SECRETS["turn-credential"]
        )

    async def _add_cameras(self, client: aiohttp.ClientSession) -> None:
        password, token = SECRETS["camera-password"], SECRETS["camera-path-token"]
        for name, place in (
            ("Web", f"http://viewer:{password}@{self._around.http}"),
            ("Rtsp", f"rtsp://{self._around.rtsp}"),
        ):
            order = {"name": name, "url": f"{place}/video?token={token}", "password": password}
            async with client.post(f"{self._url}/api/cameras", json=order) as answer:
                assert answer.status == 201, await answer.text()
        order = {"name": "Far", "url": f"rtsp://viewer:{password}@8.8.8.8/live?token={token}"}
        async with client.post(f"{self._url}/api/cameras", json=order) as answer:
            assert answer.status == 403
        async with asyncio.timeout(20):
            while not await self._all_refused(client):  # noqa: ASYNC110 - the states are told by asking
                await asyncio.sleep(0.1)

    async def _all_refused(self, client: aiohttp.ClientSession) -> bool:
        async with client.get(f"{self._url}/api/cameras") as answer:
            cameras = (await answer.json())["cameras"]
        return len(cameras) == 3 and all("password" in (one["reason"] or "") for one in cameras)

    async def _tell(self, client: aiohttp.ClientSession) -> None:
        async def test(name: str) -> None:
            async with client.post(f"{self._url}/api/channels/{name}/test") as answer:
                assert answer.status == 502, await answer.text()

        await asyncio.gather(*(test(name) for name in ("refusing", "silent", "email")))

    async def _go_live(self, client: aiohttp.ClientSession) -> None:
        peer, undo = Peer(), apply(AiortcChanges())
        try:
            offer = await peer.offer()
            async with client.post(f"{self._url}/whip?return=annotated", data=offer, headers=SDP) as answer:
                assert answer.status == 201
                session, sdp = answer.headers["Location"], await answer.text()
            for side, text in (("offer", offer), ("answer", sdp)):
                self.learnt[f"ICE password of the {side}"] = re.findall(r"a=ice-pwd:(\S+)", text)[0]
            await peer.accept(sdp)
            await eventually(lambda: peer.messages, within_s=20)
            peer.channel.send(json.dumps({"conf": 7}))
            async with client.delete(self._url + session) as answer:
                assert answer.status == 200
        finally:
            await peer.close()
            undo()
