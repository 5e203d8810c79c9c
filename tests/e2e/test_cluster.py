"""Two servers behind nginx: whatever is about a session lands on the server that does not have it, and works."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import aiohttp
import pytest

from tests.e2e.nginx import free_port, nginx
from tests.e2e.whip_process import WhipProcess
from tests.server_process import ServerProcess
from tests.transports.rig import eventually
from tests.transports.viewer import Viewer

KEY = "the-key-of-both"
SECRET = "a-secret-of-all-servers-of-the-cluster"
SDP = {"Content-Type": "application/sdp"}


@dataclass(frozen=True, slots=True)
class Cluster:
    """`first` takes new sessions, `second` everything else, `url` is nginx."""

    first: ServerProcess
    second: ServerProcess
    url: str


def _server(stack: ExitStack) -> ServerProcess:
    port = str(free_port())
    environ = {
        "SIGHTLINE_AUTH__API_KEYS": KEY,
        "SIGHTLINE_CLUSTER__SECRET": SECRET,
        "SIGHTLINE_CLUSTER__ADDRESS": f"127.0.0.1:{port}",
        "SIGHTLINE_CLUSTER__PEERS_NETWORK": "127.0.0.1/32",
        "SIGHTLINE_CLUSTER__SIZE": "2",
        "SIGHTLINE_SERVER__TRUSTED_PROXIES": "127.0.0.1",
        "SIGHTLINE_SERVER__DRAIN_S": "1",
    }
    command = (sys.executable, "-m", "server", "serve", "--port", port)
    return stack.enter_context(ServerProcess(environ=environ, command=command))


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """Both servers and nginx, running."""
    with ExitStack() as stack:
        first, second = _server(stack), _server(stack)
        yield Cluster(first, second, stack.enter_context(nginx(first=first.url.rstrip("/"), second=second.url.rstrip("/"))))


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    """A client with the key."""
    async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {KEY}"}) as session:
        yield session


async def _published(cluster: Cluster) -> tuple[WhipProcess, str]:
    """A publisher that came through nginx, and the path of its session."""
    arguments = ("--key", KEY, "--seconds", "60", "--fps", "8")
    client = await WhipProcess.start(f"{cluster.url}/whip?return=annotated", *arguments)
    location = (await client.connected())["location"]
    return client, location.removeprefix(cluster.url)


async def _streams(http: aiohttp.ClientSession, server: ServerProcess) -> list[str]:
    async with http.get(f"{server.url}api/streams") as answer:
        return [stream["id"] for stream in (await answer.json())["streams"]]


async def test_all_that_is_about_a_session_finds_it(cluster: Cluster, http: aiohttp.ClientSession) -> None:
    """PATCH, WHEP, the stream's address, MJPEG and DELETE go on to the server that has the session."""
    publisher, session = await _published(cluster)
    stream_id = session.rpartition("/")[2]
    assert await _streams(http, cluster.first) == [stream_id]
    assert await _streams(http, cluster.second) == []

    fragment = {"Content-Type": "application/trickle-ice-sdpfrag", "If-Match": "*"}
    async with http.patch(f"{cluster.url}{session}", data="a=end-of-candidates\r\n", headers=fragment) as answer:
        assert answer.status == 204
    async with http.patch(f"{cluster.url}/api/streams/{stream_id}", json={"conf": 0.5}) as answer:
        assert answer.status == 200
    async with http.get(f"{cluster.url}/api/streams/{stream_id}/mjpeg") as answer:
        assert answer.status == 200
        assert b"\xff\xd8" in await answer.content.readuntil(b"\xff\xd8")
    await _watch(cluster, http, stream_id)

    async with http.delete(f"{cluster.url}{session}") as answer:
        assert answer.status == 200
    assert await _streams(http, cluster.first) == []
    async with http.delete(f"{cluster.url}{session}") as answer:
        assert answer.status == 404
    await publisher.kill()


async def _watch(cluster: Cluster, http: aiohttp.ClientSession, stream_id: str) -> None:
    """A viewer by WHEP gets pictures, and leaves by DELETE."""
    viewer = Viewer()
    async with http.post(f"{cluster.url}/whep/{stream_id}", data=await viewer.offer(), headers=SDP) as answer:
        assert answer.status == 201
        await viewer.accept(await answer.text())
        address = answer.headers["Location"]
    assert address.startswith(f"/whep/{stream_id}/")
    await eventually(lambda: viewer.numbers, within_s=20)
    async with http.delete(f"{cluster.url}{address}") as answer:
        assert answer.status == 200
    await viewer.close()


async def test_a_browser_signed_in_at_one_is_signed_in_at_both(cluster: Cluster) -> None:
    """The cookie of one server opens the other."""
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as browser:
        async with browser.post(f"{cluster.first.url}api/session", json={"key": KEY}) as answer:
            assert answer.status == 204
        async with browser.get(f"{cluster.second.url}api/info") as answer:
            assert answer.status == 200
            assert (await answer.json())["features"] == ["live", "picture"]


async def test_a_server_that_is_killed_takes_its_sessions_along(cluster: Cluster, http: aiohttp.ClientSession) -> None:
    """While it may come back its sessions answer 503 at the other one."""
    publisher, session = await _published(cluster)
    cluster.first.process.send_signal(signal.SIGKILL)
    await asyncio.to_thread(cluster.first.process.wait)
    async with http.delete(f"{cluster.url}{session}") as answer:
        assert answer.status == 503
        assert answer.content_type == "application/problem+json"
    await publisher.kill()
