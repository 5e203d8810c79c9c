"""Tests of forwarding; the other server is a real one, with handlers that show what arrives there."""

import asyncio
import ipaddress
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from server.config.settings import Auth, Cluster, Server, Settings
from server.web.app import create_app
from server.web.forwarding import FORWARDED, GONE_AFTER_S
from server.web.signed_ids import NodeAddress, SignedIds
from tests.conftest import Client, with_sections
from tests.fakes import FakeDetector, room_for_eight
from tests.transports.rig import eventually
from tests.transports.set_clock import SetClock

SECRET = "s" * 32
KEY = "a-key"
OWN_ADDRESS = "127.0.0.1:9"


class Owner:
    """The server that has a session: notes what arrives, and answers as the test says."""

    def __init__(self) -> None:
        self.requests: list[web.Request] = []
        self.bodies: list[bytes] = []
        self.release = asyncio.Event()
        self.gone = asyncio.Event()
        app = web.Application()
        app.router.add_route("*", "/whip/{id}", self.describe)
        app.router.add_route("*", "/whep/{id}", self.watch)
        app.router.add_get("/api/streams/{id}", self.break_off)
        app.router.add_get("/api/streams/{id}/mjpeg", self.stream)
        self.server = TestServer(app)

    @property
    def id(self) -> str:
        """The id of a session there."""
        return SignedIds(secret=SECRET, owner=NodeAddress(ipaddress.ip_address("127.0.0.1"), self.server.port or 0)).new()

    async def describe(self, request: web.Request) -> web.Response:
        """Takes everything."""
        self.requests.append(request)
        self.bodies.append(await request.read())
        return web.Response(status=204)

    async def watch(self, request: web.Request) -> web.Response:
        """Answers an offer."""
        self.requests.append(request)
        self.bodies.append(await request.read())
        answer = web.Response(status=201, body=b"v=0", content_type="application/sdp")
        answer.headers["Location"] = f"{request.path}/viewer"
        answer.headers.add("Link", "<stun:one>")
        answer.headers.add("Link", "<stun:two>")
        return answer

    async def break_off(self, request: web.Request) -> web.Response:
        """Closes the connection without a word."""
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    async def stream(self, request: web.Request) -> web.StreamResponse:
        """Sends one piece, and another when it is told to."""
        response = web.StreamResponse()
        await response.prepare(request)
        try:
            await response.write(b"one")
            await self.release.wait()
            while True:
                await response.write(b"two" * 1000)
                await asyncio.sleep(0.01)
        finally:  # aiohttp's test server cancels the handler, others fail to write
            self.gone.set()


@pytest.fixture
async def owner() -> AsyncIterator[Owner]:
    """The other server, listening."""
    made = Owner()
    await made.server.start_server()
    yield made
    await made.server.close()


@pytest.fixture
async def clock() -> SetClock:
    """What the forwarding server takes for the time."""
    return SetClock()


@pytest.fixture
async def client(
    settings: Settings, tmp_path: Path, clock: SetClock, aiohttp_client: Callable[..., Awaitable[Client]]
) -> TestClient[web.Request, web.Application]:
    """A client of the real application, which is another server than the owner."""
    changed = with_sections(
        settings,
        server=Server(data_dir=str(tmp_path), trusted_proxies=["127.0.0.1"]),
        auth=Auth(api_keys=[KEY]),
        cluster=Cluster(secret=SECRET, address=OWN_ADDRESS, peers_network=["127.0.0.0/8"]),
    )
    app = create_app(changed, detector=FakeDetector(), time_pool=room_for_eight, clock=clock)
    return await aiohttp_client(app, headers={"Authorization": f"Bearer {KEY}"})


async def test_a_request_arrives_as_it_was_sent(client: Client, owner: Owner) -> None:
    """Method, address, query, headers and body are the client's; what is about its connection is not."""
    address = f"/whip/{owner.id}?a=b%20c"
    headers = {"If-Match": '"e"', "Content-Type": "application/trickle-ice-sdpfrag", "Host": "sightline.example"}
    answer = await client.patch(address, data=b"a=mid:0", headers=headers)
    assert answer.status == 204
    (request,) = owner.requests
    assert (request.method, request.raw_path) == ("PATCH", address)
    assert owner.bodies == [b"a=mid:0"]
    assert request.headers["If-Match"] == '"e"'
    assert request.headers["Authorization"] == f"Bearer {KEY}"
    assert request.headers["Host"] == "sightline.example"
    assert request.headers["X-Request-Id"] == answer.headers["X-Request-Id"]


async def test_the_owner_learns_who_asks(client: Client, owner: Owner) -> None:
    """The client's address and scheme, as the proxy in front has told them, go on to the owner; a forged beginning does not."""
    headers = {"X-Forwarded-For": "10.9.9.9, 203.0.113.7", "X-Forwarded-Proto": "https", "X-Forwarded-Host": "a.example"}
    await client.delete(f"/whip/{owner.id}", headers=headers)
    (request,) = owner.requests
    assert request.headers["X-Forwarded-For"] == "203.0.113.7"
    assert request.headers["X-Forwarded-Proto"] == "https"
    assert request.headers["Host"] == "a.example"
    assert "X-Forwarded-Host" not in request.headers


async def test_an_answer_comes_back_as_it_is(client: Client, owner: Owner) -> None:
    """Status, headers, several of one name, and body."""
    answer = await client.post(f"/whep/{owner.id}", data="v=0", headers={"Content-Type": "application/sdp"})
    assert (answer.status, await answer.read()) == (201, b"v=0")
    assert answer.headers["Location"].endswith("/viewer")
    assert answer.headers.getall("Link") == ["<stun:one>", "<stun:two>"]


async def test_an_upload_goes_on_in_pieces(client: Client, owner: Owner) -> None:
    """A body without a length arrives whole."""

    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield b"x" * 1000

    await client.post(f"/whep/{owner.id}", data=pieces())
    assert owner.bodies == [b"x" * 100_000]


async def test_an_endless_answer_comes_piece_by_piece(client: Client, owner: Owner) -> None:
    """What the owner has sent arrives before it sends more, and the owner learns that the viewer has left."""
    answer = await client.get(f"/api/streams/{owner.id}/mjpeg")
    assert await answer.content.readexactly(3) == b"one"
    owner.release.set()
    assert await answer.content.readexactly(3) == b"two"
    answer.close()
    await eventually(owner.gone.is_set)


async def test_a_key_is_asked_for_here(client: Client, owner: Owner) -> None:
    """Nothing goes on from whoever may not."""
    assert (await client.delete(f"/whip/{owner.id}", headers={"Authorization": "Bearer wrong"})).status == 401
    assert owner.requests == []


async def test_nothing_goes_on_twice(client: Client, owner: Owner) -> None:
    """A request that another server has passed on is answered here, so that none goes round in circles."""
    assert (await client.delete(f"/whip/{owner.id}", headers={FORWARDED: "1"})).status == 404
    assert owner.requests == []


async def test_an_unsigned_id_is_nobodys(client: Client, owner: Owner) -> None:
    """An id that no server of the cluster has made is 404 here."""
    assert (await client.get("/api/streams/AAAAAAAAAAAAAAAAAAAAAA")).status == 404
    assert owner.requests == []


async def test_an_owner_that_breaks_off_is_a_bad_gateway(client: Client, owner: Owner) -> None:
    """An answer that never begins is a 502 problem."""
    answer = await client.get(f"/api/streams/{owner.id}")
    assert (answer.status, answer.content_type) == (502, "application/problem+json")


async def test_an_owner_that_is_gone(client: Client, clock: SetClock) -> None:
    """Out of reach is 503 with Retry-After; when that lasts the session is gone for good: 404."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    gone = SignedIds(secret=SECRET, owner=NodeAddress(ipaddress.ip_address("127.0.0.1"), port)).new()
    first = await client.get(f"/api/streams/{gone}")
    assert first.status == 503
    assert "Retry-After" in first.headers
    clock.now += GONE_AFTER_S
    assert (await client.get(f"/api/streams/{gone}")).status == 404


async def test_an_outage_of_yesterday_is_forgotten(client: Client, clock: SetClock) -> None:
    """An owner that could not be reached long ago, and cannot now, may come back."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    silent = SignedIds(secret=SECRET, owner=NodeAddress(ipaddress.ip_address("127.0.0.1"), port)).new()
    await client.get(f"/api/streams/{silent}")
    clock.now += 3600
    assert (await client.get(f"/api/streams/{silent}")).status == 503
