"""Peers that go wrong: the server and everybody else's video stay as they are."""

import asyncio
import random
import socket
from contextlib import suppress

import pylibsrtp
import pytest

from tests.e2e.whip_process import WhipProcess
from tests.faults import garbage
from tests.faults.served import Served
from tests.transports.rig import Client, eventually

pytestmark = pytest.mark.asyncio(loop_scope="module")

CONNECT_TIMEOUT_S = 1
SDP = {"Content-Type": "application/sdp"}


@pytest.fixture(scope="module")
def environ() -> dict[str, str]:
    """Room for all who vanish, who are given up soon."""
    return {"SIGHTLINE_LIVE__MAX_SESSIONS": "250", "SIGHTLINE_LIVE__CONNECT_TIMEOUT_S": str(CONNECT_TIMEOUT_S)}


@pytest.mark.fault("200 browsers connect and vanish")
async def test_browsers_that_connect_and_vanish(served: Served) -> None:
    """Each takes the answer to its offer and is never heard of again: its place, sockets and threads are free soon."""
    peer = Client()
    offer = await peer.offer()
    await peer.close()

    async def vanish() -> int:
        async with served.client.post(
            served.url("/whip?return=annotated"), data=offer, headers={**SDP, "Connection": "close"}
        ) as answer:
            return answer.status

    async with served.returns_to_its_size():
        async with served.unharmed():
            mark = len(served.process.lines)
            gate = asyncio.Semaphore(8)

            async def one() -> int:
                async with gate:
                    return await vanish()

            statuses = await asyncio.gather(*(one() for _ in range(200)))
            assert set(statuses) == {201}
            await eventually(lambda: len(served.said("session ended: .*not connected", since=mark)) == 200, within_s=30)
        assert (await served.get("/api/info"))["active"] == 1


@pytest.mark.fault("a stranger sends garbage to the media ports")
async def test_a_stranger_that_sends_garbage(served: Served, thorough: int) -> None:
    """STUN, DTLS, RTP and RTCP that are none, and empty datagrams, from an address that is no peer's."""
    dice = random.Random(5)
    async with served.unharmed(lines=("datagrams",)):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            ports = served.udp_ports()
            assert ports
            for number in range(3000 * thorough):
                for address in ports:
                    stranger.sendto(garbage.datagram(dice), address)
                if number % 50 == 0:
                    await asyncio.sleep(0.01)


@pytest.mark.fault("a peer sends garbage RTP and RTCP")
async def test_a_peer_that_sends_garbage(served: Served, thorough: int) -> None:
    """It is connected and encrypts well; what it encrypts is nonsense. Only its own session may end."""
    dice = random.Random(6)
    peer = Client()
    async with served.unharmed():
        async with served.client.post(served.url("/whip"), data=await peer.offer(), headers=SDP) as answer:
            await peer.accept(await answer.text())
        sender = peer.pc.getSenders()[0]
        codecs = [codec.payloadType or 0 for codec in peer.pc.getTransceivers()[0]._codecs]
        for number in range(1000 * thorough):
            data = garbage.rtp(dice, ssrc=sender._ssrc, payload_type=dice.choice(codecs), number=number)
            with suppress(ConnectionError, pylibsrtp.Error):  # it may have been sent away; libsrtp refuses some
                await sender.transport._send_rtp(dice.choice((data, garbage.rtcp(dice, ssrc=sender._ssrc))))
            if number % 50 == 0:
                await asyncio.sleep(0.01)
        await peer.close()


@pytest.mark.fault("a peer floods its data channel")
async def test_a_peer_that_floods_its_data_channel(served: Served, thorough: int) -> None:
    """Controls by the thousand, texts that are none, and messages of the largest size."""
    peer = Client()
    async with served.unharmed():
        async with served.client.post(served.url("/whip?return=annotated"), data=await peer.offer(), headers=SDP) as answer:
            await peer.accept(await answer.text())
        await eventually(lambda: peer.channel.readyState == "open")
        for number in range(2000 * thorough):
            peer.channel.send(random.Random(number).choice(('{"conf":0.5}', "{", "x" * 20_000 if number % 50 == 0 else "y")))
            if number % 50 == 0:
                await asyncio.sleep(0.01)
        await eventually(lambda: any("too many controls" in str(message) for message in peer.messages))
        await peer.close()


@pytest.mark.fault("5 % of all packets are lost and 5 % overtaken")
async def test_loss_with_reordering(served: Served, thorough: int) -> None:
    """In both directions: the peer's pictures go on coming back, whole and in order."""
    arguments = ["--seconds", str(3 * thorough), "--fps", "15", "--loss", "0.05", "--reorder", "0.05"]
    async with served.unharmed():
        report = await (await WhipProcess.start(served.url("/whip?return=annotated"), *arguments)).report()
    assert report["returned"] > report["sent"] / 4
    assert report["unreadable"] == report["backwards"] == 0
