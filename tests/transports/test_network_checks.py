"""Each finding about the network."""

import asyncio
import socket

import pytest
from aioice import stun

from server.domain.finding import Finding
from server.transports import aiortc_changes
from server.transports.ice import IceServer
from server.transports.network_checks import (
    check_aiortc,
    check_candidates,
    check_ice_server,
    check_public_address,
    check_udp_ports,
    host_addresses,
)
from tests.transports.stun_server import PASSWORD, RELAYED, USER, running_stun_server

TURN = IceServer(("turn:turn.example",), username=USER, credential=PASSWORD)


def _public(*addresses: str, announced: str = "", ice_servers: tuple[IceServer, ...] = (), local_only: bool = False) -> Finding:
    return check_public_address(addresses, announced=announced, ice_servers=ice_servers, local_only=local_only)


def test_the_changes_to_aiortc_apply() -> None:
    """With the versions of this environment they do."""
    assert check_aiortc().sign == "ok"


def test_another_aiortc_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Then live video works, with more delay."""
    monkeypatch.setattr(aiortc_changes, "version", lambda _name: "9.9.9")
    found = check_aiortc()
    assert (found.sign, found.text[:12]) == ("warn", "aiortc 9.9.9")


def test_there_is_an_address_to_offer() -> None:
    """Every machine has one, if only loopback."""
    assert host_addresses(loopback=True)


def test_addresses_are_named() -> None:
    """A person sees what viewers will try."""
    found = check_candidates(["192.168.1.7"], local_only=False)
    assert (found.sign, found.text) == ("ok", "Offered for live video: 192.168.1.7.")


def test_loopback_alone_is_enough_for_this_machine_only() -> None:
    """It is a limit as soon as others are to be served."""
    assert check_candidates(["127.0.0.1"], local_only=True).sign == "ok"
    assert check_candidates(["127.0.0.1"], local_only=False).sign == "warn"


def test_a_machine_without_addresses_carries_no_live_video() -> None:
    """That is bad, and has advice."""
    found = check_candidates([], local_only=True)
    assert found.sign == "bad"
    assert found.advice


def test_private_addresses_reach_nobody_outside() -> None:
    """Neither announced nor helped by a server."""
    found = _public("192.168.1.7", "fd00::2")
    assert found.sign == "warn"
    assert "webrtc.public_address" in found.advice


def test_a_public_address_is_needed_by_nobody_who_has_one_or_serves_only_himself() -> None:
    """An address of its own, one that is announced, a TURN server, or loopback."""
    assert _public("192.168.1.7", "8.8.8.8").sign == "ok"
    assert _public("10.0.0.1", announced="8.8.8.8").sign == "ok"
    assert _public("10.0.0.1", ice_servers=(TURN,)).sign == "ok"
    assert _public("10.0.0.1", local_only=True).sign == "ok"


def test_udp_ports_of_the_systems_choice_can_be_opened() -> None:
    """As on every machine that tests run on."""
    assert check_udp_ports(first=0, last=0, sessions=4).sign == "ok"


def test_a_range_of_udp_ports_must_be_wide_enough() -> None:
    """Two for each session that fits."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("", 0))
        port = taken.getsockname()[1]
        first, last = max(port - 1, 1024), min(port + 1, 65535)
        found = check_udp_ports(first=first, last=last, sessions=4)
        assert found.sign == "warn"
        assert f"of the {last - first + 1} UDP ports" in found.text
        assert "8 for the 4" in found.advice


def test_a_used_up_range_is_bad() -> None:
    """No session could be opened."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("", 0))
        port = taken.getsockname()[1]
        assert check_udp_ports(first=port, last=port, sessions=1).sign == "bad"


def test_what_is_no_range_is_bad() -> None:
    """The server would refuse to start."""
    assert check_udp_ports(first=5000, last=4000, sessions=1).sign == "bad"


async def test_a_stun_server_that_answers_tells_how_it_sees_us() -> None:
    """That is the address which others will see."""
    async with running_stun_server() as (address, _):
        found = await check_ice_server(f"stun:{address}", IceServer((f"stun:{address}",)))
    assert found.sign == "ok"
    assert "it sees us at 127.0.0.1" in found.text


async def test_a_stun_server_that_is_silent_is_bad() -> None:
    """It would delay every session."""
    async with running_stun_server(silent=True) as (address, _):
        found = await check_ice_server(f"stun:{address}", IceServer((f"stun:{address}",)), timeout_s=0.1)
    assert found.sign == "bad"
    assert "does not answer" in found.text


async def test_a_stun_server_that_is_not_there_is_bad() -> None:
    """The system says so, or nothing at all does."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as gone:
        gone.bind(("127.0.0.1", 0))
        url = f"stun:127.0.0.1:{gone.getsockname()[1]}"
    assert (await check_ice_server(url, IceServer((url,)), timeout_s=0.5)).sign == "bad"


async def test_a_turn_server_relays_for_the_right_credentials() -> None:
    """A relay is asked for, and given back."""
    async with running_stun_server() as (address, server):
        found = await check_ice_server(f"turn:{address}", TURN)
        async with asyncio.timeout(5):
            while stun.Method.REFRESH not in server.methods:  # noqa: ASYNC110 - the server is a protocol without events
                await asyncio.sleep(0.01)
    assert found.sign == "ok"
    assert f"{RELAYED[0]} port {RELAYED[1]}" in found.text


async def test_a_turn_server_that_refuses_our_credentials_is_bad() -> None:
    """Everything but the credentials works, and the advice names them."""
    async with running_stun_server() as (address, _):
        wrong = IceServer((f"turn:{address}",), username="else", credential=PASSWORD)
        found = await check_ice_server(f"turn:{address}", wrong)
    assert found.sign == "bad"
    assert "Unauthorized" in found.text
    assert "credential" in found.advice


async def test_a_turn_server_over_tcp_that_is_not_there_is_bad() -> None:
    """Nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as gone:
        url = f"turn:127.0.0.1:{gone.getsockname()[1]}?transport=tcp"
    found = await check_ice_server(url, TURN)
    assert found.sign == "bad"
    assert "cannot be reached" in found.text
