"""Tests of publishing live video over WHIP, with a real peer in the same process."""

from collections.abc import AsyncIterator

import msgspec
import pytest
from aiohttp import ClientResponse
from aiortc import RTCConfiguration, RTCPeerConnection

from server.config.settings import IceServer, Live, Settings, Webrtc
from server.web import keys
from tests.conftest import Client, ClientFactory, with_sections
from tests.transports.rig import Client as Peer
from tests.transports.rig import eventually
from tests.web.openapi import check_answer, schema
from tests.web.pictures import stuck_body

SDP = {"Content-Type": "application/sdp"}
FRAGMENT = {"Content-Type": "application/trickle-ice-sdpfrag"}


@pytest.fixture
async def peer(client: Client) -> AsyncIterator[Peer]:
    """A peer that sends numbered pictures; it leaves before the server ends."""
    peer = Peer()
    yield peer
    await peer.close()


async def publish(client: Client, peer: Peer, query: str = "") -> ClientResponse:
    """Sends the peer's offer, and has the peer connected where it was taken."""
    answer = await client.post(f"/whip{query}", data=await peer.offer(), headers=SDP)
    if answer.status == 201:
        await peer.accept(await answer.text())
    return answer


async def half_open(client: Client, query: str = "") -> ClientResponse:
    """Opens a session whose peer never connects."""
    pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    pc.addTransceiver("video", direction="sendonly")
    await pc.setLocalDescription(await pc.createOffer())
    answer = await client.post(f"/whip{query}", data=pc.localDescription.sdp, headers=SDP)
    await pc.close()
    return answer


async def test_answers_an_offer(client: Client, peer: Peer) -> None:
    """201 with the address of the session, its entity tag and an SDP answer that connects."""
    answer = await publish(client, peer)
    await check_answer(answer, method="POST", path="/whip")
    assert answer.headers["Location"].startswith("/whip/")
    assert answer.headers["ETag"].startswith('"')
    assert answer.content_type == "application/sdp"
    assert "a=recvonly" in await answer.text()


async def test_sends_the_annotated_video_back(client: Client, peer: Peer) -> None:
    """With `return=annotated` the video comes back on the same connection, and each frame's results on the data channel."""
    answer = await publish(client, peer, "?return=annotated&conf=0.3&mode=exact")
    assert "a=sendrecv" in await answer.text()
    await eventually(lambda: peer.numbers and peer.messages, within_s=20)
    message = peer.messages[0]
    schema("DetectionMessage").validate(message)
    assert (message["conf"], message["mode"]) == (0.3, "exact")


async def test_ends_a_session(client: Client, peer: Peer) -> None:
    """DELETE frees the place before it answers; a second one finds nothing."""
    location = (await publish(client, peer)).headers["Location"]
    assert (await (await client.get("/api/info")).json())["active"] == 1
    assert (await client.delete(location)).status == 200
    assert (await (await client.get("/api/info")).json())["active"] == 0
    assert (await client.delete(location)).status == 404


async def test_ends_all_sessions_with_the_server(start_client: ClientFactory) -> None:
    """The end of the server is the end of its sessions."""
    client, peer = await start_client(), Peer()
    await publish(client, peer)
    await client.close()
    await eventually(lambda: peer.pc.connectionState in ("closed", "failed", "disconnected"))
    await peer.close()


async def test_ends_a_session_whose_pictures_are_too_large(start_client: ClientFactory, settings: Settings) -> None:
    """A session ends at the first picture with more pixels than `live.max_pixels`."""
    client = await start_client(with_sections(settings, live=Live(max_pixels=512 * 256 - 1)))
    peer = Peer()
    answer = await client.post("/whip", data=await peer.offer(), headers=SDP)
    await peer.take_answer(await answer.text())
    await eventually(lambda: peer.pc.connectionState == "closed")
    assert (await (await client.get("/api/streams")).json())["streams"] == []
    await peer.close()


async def test_takes_candidates(client: Client) -> None:
    """PATCH with the entity tag adds candidates, `*` means whatever the present one is."""
    opened = await half_open(client)
    body = "a=mid:0\r\na=candidate:1 1 udp 2130706431 127.0.0.1 40000 typ host\r\na=end-of-candidates\r\n"
    for etag in (opened.headers["ETag"], "*"):
        answer = await client.patch(opened.headers["Location"], data=body, headers={**FRAGMENT, "If-Match": etag})
        assert answer.status == 204
        await check_answer(answer, method="PATCH", path="/whip/{id}")


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        ({"If-Match": '"another"'}, "a=mid:0\r\na=end-of-candidates\r\n", 412),
        ({}, "a=mid:0\r\na=end-of-candidates\r\n", 428),
        ({"If-Match": "*", "Content-Type": "application/json"}, "{}", 415),
        ({"If-Match": "*"}, "nonsense", 400),
        ({"If-Match": "*"}, b"\xff\xfe", 400),
        ({"If-Match": "*"}, "a=ice-ufrag:other\r\na=ice-pwd:0123456789012345678901\r\na=mid:0\r\n", 422),
        ({"If-Match": "*"}, "x" * 70_000, 413),
    ],
)
async def test_refuses_candidates(client: Client, headers: dict[str, str], body: str | bytes, status: int) -> None:
    """Another entity tag, none, another type, nonsense, an ICE restart and a flood are each refused in their own way."""
    location = (await half_open(client)).headers["Location"]
    answer = await client.patch(location, data=body, headers={**FRAGMENT, **headers})
    assert answer.status == status
    await check_answer(answer, method="PATCH", path="/whip/{id}")


@pytest.mark.parametrize(
    ("query", "content_type", "body", "status", "says"),
    [
        ("", "application/json", b"{}", 415, "application/sdp"),
        ("", "application/sdp", b"", 400, "SDP"),
        ("", "application/sdp", b"nonsense", 400, "SDP"),
        ("", "application/sdp", b"\xff\xfe", 400, "UTF-8"),
        ("", "application/sdp", b"v" * 70_000, 413, "bytes"),
        ("?conf=5", "application/sdp", b"v=0", 400, "conf"),
        ("?mode=fast", "application/sdp", b"v=0", 400, "mode"),
        ("?return=everything", "application/sdp", b"v=0", 400, "return"),
        ("?classes=banana", "application/sdp", b"v=0", 400, "banana"),
        ("?name=" + "x" * 100, "application/sdp", b"v=0", 400, "name"),
    ],
)
async def test_refuses_offers(client: Client, query: str, content_type: str, body: bytes, status: int, says: str) -> None:
    """What cannot be meant is refused with a sentence, and takes no place."""
    answer = await client.post(f"/whip{query}", data=body, headers={"Content-Type": content_type})
    assert answer.status == status
    await check_answer(answer, method="POST", path="/whip")
    assert says in (await answer.json(content_type=None))["detail"]
    assert (await (await client.get("/api/info")).json())["active"] == 0


@pytest.mark.parametrize(("kind", "direction"), [("audio", "sendonly"), ("video", "recvonly")])
async def test_refuses_an_offer_without_video(client: Client, kind: str, direction: str) -> None:
    """An offer that sends no video is well-formed, and of no use: 422."""
    pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    pc.addTransceiver(kind, direction=direction)
    await pc.setLocalDescription(await pc.createOffer())
    answer = await client.post("/whip", data=pc.localDescription.sdp, headers=SDP)
    await pc.close()
    assert answer.status == 422
    await check_answer(answer, method="POST", path="/whip")


async def test_refuses_more_sessions_than_fit(start_client: ClientFactory, settings: Settings) -> None:
    """Full is 503 with the time to come back, and how many places there are and are taken."""
    client = await start_client(with_sections(settings, live=Live(max_sessions=1)))
    first = await half_open(client)
    assert first.status == 201
    refused = await half_open(client)
    assert refused.status == 503
    assert int(refused.headers["Retry-After"]) >= 1
    await check_answer(refused, method="POST", path="/whip")
    problem = await refused.json(content_type=None)
    assert (problem["capacity"], problem["active"]) == (1, 1)
    await client.delete(first.headers["Location"])
    assert (await half_open(client)).status == 201


@pytest.mark.parametrize(
    ("path", "content_type"), [("/whip/{id}", FRAGMENT["Content-Type"]), ("/api/streams/{id}", "application/json")]
)
async def test_no_change_may_take_for_ever(
    start_client: ClientFactory, settings: Settings, path: str, content_type: str
) -> None:
    """408 for a change of a session whose body does not arrive."""
    client = await start_client(with_sections(settings, server=msgspec.structs.replace(settings.server, body_timeout_s=0.1)))
    number = (await half_open(client)).headers["Location"].removeprefix("/whip/")
    headers = {"Content-Type": content_type, "If-Match": "*"}
    answer = await client.patch(path.replace("{id}", number), data=stuck_body(), headers=headers)
    assert answer.status == 408
    await check_answer(answer, method="PATCH", path=path)


async def test_refuses_while_draining(client: Client) -> None:
    """Once the server is about to end it opens no session."""
    assert client.app is not None
    await client.app[keys.LIFECYCLE].drain(0.1)
    answer = await half_open(client)
    assert answer.status == 503
    assert "Retry-After" in answer.headers


async def test_draining_tells_the_peer_and_ends_it(client: Client, peer: Peer) -> None:
    """A running session is told, and ended when its time is over."""
    await publish(client, peer, "?return=annotated")
    await eventually(lambda: peer.messages, within_s=20)
    assert client.app is not None
    await client.app[keys.LIFECYCLE].drain(0.5)
    assert {"event": "draining", "grace_s": 0.5} in peer.messages
    assert client.app[keys.LIVE].registry.active == 0


async def test_names_ice_servers(start_client: ClientFactory, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each configured STUN or TURN address is one Link header, with credentials where it has some."""
    monkeypatch.setattr("aioice.stun.RETRY_MAX", 0)  # nobody answers at these addresses
    servers = [
        IceServer(urls=["stun:127.0.0.1:3478"]),
        IceServer(urls=["turn:127.0.0.1:3479?transport=udp"], username="u", credential='p"w'),
    ]
    client = await start_client(with_sections(settings, webrtc=Webrtc(ice_servers=servers)))
    answer = await half_open(client)
    assert answer.headers.getall("Link") == [
        '<stun:127.0.0.1:3478>; rel="ice-server"',
        '<turn:127.0.0.1:3479?transport=udp>; rel="ice-server"; username="u"; credential="p\\"w"; credential-type="password"',
    ]


async def test_names_turn_servers_with_fresh_credentials(
    start_client: ClientFactory, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each session gets credentials of its own for the TURN servers that share a secret with us."""
    monkeypatch.setattr("aioice.stun.RETRY_MAX", 0)  # nobody answers there
    webrtc = Webrtc(turn_urls=["turn:127.0.0.1:3479?transport=udp"], turn_secret="the-secret")
    client = await start_client(with_sections(settings, webrtc=webrtc))
    (first,) = (await half_open(client)).headers.getall("Link")
    (second,) = (await half_open(client)).headers.getall("Link")
    assert first.startswith('<turn:127.0.0.1:3479?transport=udp>; rel="ice-server"; username="')
    assert first != second


async def test_names_what_is_accepted(client: Client) -> None:
    """OPTIONS tells a WHIP client what to send."""
    endpoint, session = await client.options("/whip"), await client.options("/whip/any")
    assert endpoint.headers["Accept-Post"] == "application/sdp"
    assert endpoint.headers["Allow"] == "POST, OPTIONS"
    assert session.headers["Accept-Patch"] == "application/trickle-ice-sdpfrag"


@pytest.mark.parametrize("method", ["GET", "POST", "PUT"])
async def test_refuses_other_methods_at_a_session(client: Client, method: str) -> None:
    """RFC 9725 keeps these for later: 405."""
    assert (await client.request(method, "/whip/any")).status == 405
