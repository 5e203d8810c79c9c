"""UDP ports for media from a given range."""

import asyncio
import errno
from typing import Any

import pytest

from server.domain.errors import Busy, SettingsError
from server.transports.udp_ports import PortRangeEventLoop, event_loop_factory
from tests.transports.rig import Client, run_rig


def test_endpoints_get_ports_of_the_range() -> None:
    """Endpoints that leave the port open get different ports of the range."""

    async def ports() -> list[int]:
        endpoints = [await _endpoint() for _ in range(3)]
        numbers = [transport.get_extra_info("sockname")[1] for transport in endpoints]
        await _close(endpoints)
        return numbers

    numbers = _run(ports(), first=43100, last=43119)
    assert all(43100 <= number <= 43119 for number in numbers)
    assert len(set(numbers)) == 3


def test_a_used_up_range_is_refused() -> None:
    """When every port is taken the endpoint fails as the system would have it fail."""

    async def overfill() -> None:
        endpoints: list[asyncio.DatagramTransport] = []
        try:
            for _ in range(3):
                endpoints.append(await _endpoint())  # noqa: PERF401 - those before the failure must be closed
        finally:
            await _close(endpoints)

    with pytest.raises(OSError, match="in use") as refused:
        _run(overfill(), first=43120, last=43121)
    assert refused.value.errno == errno.EADDRINUSE


def test_an_endpoint_that_names_its_port_gets_it() -> None:
    """The range holds only for endpoints that leave the port open."""

    async def port() -> int:
        endpoint = await _endpoint(port=43130)
        number: int = endpoint.get_extra_info("sockname")[1]
        await _close([endpoint])
        return number

    assert _run(port(), first=43140, last=43141) == 43130


def test_another_failure_is_passed_on() -> None:
    """An address that is not ours is not tried on every port."""

    async def fail() -> None:
        await _endpoint(host="203.0.113.1")

    with pytest.raises(OSError, match="assign") as refused:
        _run(fail(), first=43150, last=43160)
    assert refused.value.errno == errno.EADDRNOTAVAIL


@pytest.mark.parametrize(("first", "last"), [(0, 5), (10, 9), (5, 70000)])
def test_refuses_a_range_that_is_none(first: int, last: int) -> None:
    """A range that is empty or no range of ports is refused."""
    with pytest.raises(SettingsError, match="no range"):
        event_loop_factory(first=first, last=last)


def test_without_a_range_the_loop_is_the_standard_one() -> None:
    """Zero and zero leave the ports to the system."""
    loop = event_loop_factory(first=0, last=0)()
    assert not isinstance(loop, PortRangeEventLoop)
    loop.close()


def _run(work: Any, *, first: int, last: int) -> Any:
    with asyncio.Runner(loop_factory=event_loop_factory(first=first, last=last)) as runner:
        return runner.run(work)


async def _endpoint(*, host: str = "127.0.0.1", port: int = 0) -> asyncio.DatagramTransport:
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(asyncio.DatagramProtocol, local_addr=(host, port))
    return transport


async def _close(endpoints: list[asyncio.DatagramTransport]) -> None:
    for endpoint in endpoints:
        endpoint.close()
    await asyncio.sleep(0)


def test_sessions_use_ports_of_the_range() -> None:
    """Every candidate in an answer has a port of the range."""

    async def ports() -> set[int]:
        async with run_rig() as rig:
            client = Client()
            session = await rig.open(await client.offer())
            await client.close()
        lines = [line for line in session.answer_sdp.splitlines() if line.startswith("a=candidate:")]
        return {int(line.split()[5]) for line in lines}

    numbers = _run(ports(), first=43200, last=43219)
    assert numbers
    assert numbers <= set(range(43200, 43220))


def test_a_session_without_a_free_port_is_refused() -> None:
    """When the range is used up a client is told to come back later, and nothing of its session stays."""

    async def overfill() -> None:
        async with run_rig() as rig:
            client = Client()
            offer = await client.offer()
            with pytest.raises(Busy, match="UDP port"):
                await rig.open(offer)
            assert rig.registry.active == 0
            await client.close()

    _run(overfill(), first=43230, last=43230)
