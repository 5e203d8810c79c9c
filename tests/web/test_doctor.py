"""The doctor of a running server, and the path that live video takes."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription

from server.config.settings import Auth, IceServer, Settings, Webrtc
from server.transports.path_check import MOST_AT_ONCE
from server.web import keys
from server.web.doctor import Doctor
from tests.conftest import Client, ClientFactory, with_sections
from tests.transports.stun_server import running_stun_server

CHECKS = {
    "model",
    "speed",
    "instructions",
    "limits",
    "disk",
    "videos",
    "versions",
    "aiortc",
    "access",
    "https",
    "udp_ports",
    "candidates",
    "public_address",
    "ice_servers",
}
SDP = {"Content-Type": "application/sdp"}


async def _offer(pc: RTCPeerConnection, *, video: bool = False) -> str:
    if video:
        pc.addTransceiver("video")
    await pc.setLocalDescription(await pc.createOffer())
    return str(pc.localDescription.sdp)


async def test_a_running_server_says_how_it_is(client: Client) -> None:
    """Every check but that of the port, which the server itself has."""
    answer = await (await client.get("/api/doctor")).json()
    assert {finding["check"] for finding in answer["findings"]} == CHECKS
    assert answer["ok"] is True
    assert all(finding["text"] for finding in answer["findings"])
    assert all(finding["advice"] for finding in answer["findings"] if finding["sign"] != "ok")


async def test_asking_again_asks_nobody_else_again(start_client: ClientFactory, settings: Settings) -> None:
    """Findings hold for a while, also for those who ask at once."""
    async with running_stun_server() as (address, server):
        webrtc = Webrtc(ice_servers=[IceServer(urls=[f"stun:{address}"])])
        client = await start_client(with_sections(settings, webrtc=webrtc))
        answers = await asyncio.gather(*(client.get("/api/doctor") for _ in range(3)))
        told = [await answer.json() for answer in answers]
    assert len(server.methods) == 1
    assert told[0] == told[1] == told[2]


async def test_a_finding_that_is_bad_makes_the_whole_bad(start_client: ClientFactory, settings: Settings) -> None:
    """Programs need not look at each."""
    client = await start_client(with_sections(settings, webrtc=Webrtc(ice_servers=[IceServer(urls=["stun:127.0.0.1:9"])])))
    answer = await (await client.get("/api/doctor")).json()
    assert answer["ok"] is False


async def test_no_secret_is_told(start_client: ClientFactory, settings: Settings) -> None:
    """A report may be shown to others: neither keys nor credentials are in it."""
    async with running_stun_server() as (address, _):
        webrtc = Webrtc(ice_servers=[IceServer(urls=[f"turn:{address}"], username="u", credential="a-credential")])
        client = await start_client(with_sections(settings, webrtc=webrtc, auth=Auth(api_keys=["a-key"])), key="a-key")
        text = await (await client.get("/api/doctor")).text()
    assert "a-key" not in text
    assert "a-credential" not in text


async def test_an_address_that_cannot_be_found_is_bad(settings: Settings) -> None:
    """Where `auto` gets no answer, the finding names both settings and what to do."""
    webrtc = Webrtc(public_address="auto", public_address_url="http://127.0.0.1:9/")
    with ThreadPoolExecutor(1) as io:
        finding = await Doctor(with_sections(settings, webrtc=webrtc), io=io)._look_at_public_address()
    assert (finding.check, finding.sign) == ("public_address", "bad")
    assert "webrtc.public_address is auto, but asking http://127.0.0.1:9/ failed" in finding.text
    assert finding.advice


async def test_it_is_for_who_has_a_key(start_client: ClientFactory, settings: Settings) -> None:
    """It tells about the machine."""
    client = await start_client(with_sections(settings, auth=Auth(api_keys=["a-key"])))
    assert (await client.get("/api/doctor")).status == 401
    assert (await client.post("/api/doctor/path", data=b"", headers=SDP)).status == 401


async def test_what_is_sent_over_the_path_comes_back(client: Client) -> None:
    """Over UDP, as live video would."""
    pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    channel = pc.createDataChannel("path")
    echoed: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    channel.on("message", echoed.set_result)
    channel.on("open", lambda: channel.send("hello"))
    try:
        answer = await client.post("/api/doctor/path", data=await _offer(pc), headers=SDP)
        assert (answer.status, answer.content_type) == (200, "application/sdp")
        await pc.setRemoteDescription(RTCSessionDescription(await answer.text(), "answer"))
        async with asyncio.timeout(20):
            assert await echoed == "hello"
    finally:
        await pc.close()


async def test_a_path_takes_no_live_session(client: Client) -> None:
    """A full server can be checked, too."""
    pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    pc.createDataChannel("path")
    assert (await client.post("/api/doctor/path", data=await _offer(pc), headers=SDP)).status == 200
    assert (await (await client.get("/api/info")).json())["active"] == 0
    await pc.close()


async def test_refuses_an_offer_of_video(client: Client) -> None:
    """That is what /whip is for: 422."""
    pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    answer = await client.post("/api/doctor/path", data=await _offer(pc, video=True), headers=SDP)
    assert answer.status == 422
    await pc.close()


@pytest.mark.parametrize(("data", "kind", "status"), [(b"v=0", "application/sdp", 400), (b"{}", "application/json", 415)])
async def test_refuses_what_is_no_offer(client: Client, data: bytes, kind: str, status: int) -> None:
    """400 for a body that is no SDP, 415 for one that does not say that it is."""
    assert (await client.post("/api/doctor/path", data=data, headers={"Content-Type": kind})).status == status


async def test_refuses_more_paths_than_a_few(client: Client) -> None:
    """503 with the time to wait; they end by themselves, and at the latest with the server."""
    pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    pc.createDataChannel("path")
    offer = await _offer(pc)
    answers = [await client.post("/api/doctor/path", data=offer, headers=SDP) for _ in range(MOST_AT_ONCE + 1)]
    assert [answer.status for answer in answers] == [200] * MOST_AT_ONCE + [503]
    assert int(answers[-1].headers["Retry-After"]) > 0
    checks = client.app[keys.PATH_CHECKS]
    assert len(checks) == MOST_AT_ONCE
    await checks.aclose()
    assert len(checks) == 0
    await pc.close()
