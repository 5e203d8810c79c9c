"""A server behind a 1:1 NAT, as on Fargate: live video arrives by the announced address, or by a TURN relay, or not at all."""

import asyncio
import json
import logging
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest

from tests.e2e.nat_network import PUBLIC, NatNetwork, nat_network, turn_server
from tests.e2e.nat_sessions import ANNOUNCED, RELAYED, URL, publish, serve
from tests.e2e.whip_process import WhipProcess

logger = logging.getLogger(__name__)

GET = "import sys, urllib.request; print(urllib.request.urlopen(sys.argv[1], timeout=20).read().decode())"


@pytest.fixture(scope="module")
def network() -> Iterator[NatNetwork]:
    """The hosts, with a TURN and STUN server that runs."""
    with nat_network() as made, turn_server(made):
        yield made


def doctor(network: NatNetwork) -> dict[str, dict[str, str]]:
    """The findings of the server that runs, by their check."""
    program = [*network.client, sys.executable, "-c", GET, f"{URL}/api/doctor"]
    answer = subprocess.run(program, capture_output=True, text=True, timeout=30, check=True).stdout
    return {finding["check"]: finding for finding in json.loads(answer)["findings"]}


async def test_video_arrives_by_the_announced_address(
    network: NatNetwork, record_property: Callable[[str, object], None]
) -> None:
    """With `auto` the server finds its public address at the start, announces it alone, and the video goes there and back."""
    network.set_rules(udp_from_client=True)
    with serve(network, ANNOUNCED):
        report = await publish(network)
        found = doctor(network)
    assert report["connected"]
    assert report["returned"] > 0
    candidates = [line for line in report["answer"].splitlines() if line.startswith("a=candidate:")]
    assert candidates
    assert all(line.split()[4] == PUBLIC for line in candidates)
    assert found["public_address"]["sign"] == "ok"
    record_property("connected_after_ms", report["connected_after_ms"])
    record_property("first_picture_after_ms", report["first_picture_after_ms"])
    logger.info("1:1 NAT: connected after %s ms", report["connected_after_ms"])


async def test_nothing_arrives_without_it(network: NatNetwork) -> None:
    """A server that announces its private address is not reached, and the doctor names the cause and the setting."""
    network.set_rules(udp_from_client=True)
    with serve(network, {}):
        client = await WhipProcess.start(f"{URL}/whip?return=annotated", "--seconds", "1", inside=network.client)
        assert await client.failure() == "not connected"
        finding = await asyncio.to_thread(lambda: doctor(network)["public_address"])
    assert finding["sign"] == "warn"
    assert "All addresses are private" in finding["text"]
    assert "webrtc.public_address" in finding["advice"]


async def test_a_relay_helps_where_udp_is_closed(network: NatNetwork, record_property: Callable[[str, object], None]) -> None:
    """A client that may send no datagram gets video through TURN over TCP, with credentials that the server has made."""
    network.set_rules(udp_from_client=False)
    with serve(network, RELAYED):
        client = await WhipProcess.start(f"{URL}/whip?return=annotated", "--seconds", "1", inside=network.client)
        assert await client.failure() == "not connected"
        report = await publish(network, "--ice-servers")
        servers = await asyncio.to_thread(lambda: doctor(network)["ice_servers"])
    assert report["connected"]
    assert report["returned"] > 0
    assert servers["sign"] == "ok"
    record_property("connected_after_ms", report["connected_after_ms"])
    logger.info("TURN over TCP: connected after %s ms", report["connected_after_ms"])


async def test_a_wrong_secret_is_found_by_the_doctor(network: NatNetwork) -> None:
    """Credentials that the TURN server does not take show before anybody needs them."""
    network.set_rules(udp_from_client=True)
    with serve(network, {**RELAYED, "SIGHTLINE_WEBRTC__TURN_SECRET": "another-secret"}):
        finding = await asyncio.to_thread(lambda: doctor(network)["ice_servers"])
    assert finding["sign"] == "bad"
    assert "refuses us" in finding["text"]
