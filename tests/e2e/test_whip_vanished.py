"""Peers that go wrong against the real application: nothing of them stays."""

import os
import threading
from pathlib import Path

import pytest
from aiohttp.test_utils import TestClient

from server.config.settings import Live, Settings
from server.web import keys
from tests.conftest import Client, ClientFactory, with_sections
from tests.e2e.whip_process import WhipProcess
from tests.transports.rig import FixedDetector, eventually


@pytest.fixture
async def server(start_client: ClientFactory, settings: Settings) -> Client:
    """The application with short times."""
    short = with_sections(settings, live=Live(connect_timeout_s=0.5, media_timeout_s=1.0))
    return await start_client(short, detector=FixedDetector())


@pytest.mark.fault("kill -9 of a publisher")
async def test_a_killed_publisher_is_closed(server: Client) -> None:
    """A client that is killed frees its place, its threads and its sockets when its time is up."""
    open_files, threads = _open_sockets(), _decoders()
    process = await WhipProcess.start(server.make_url("/whip?return=annotated"), "--seconds", "30")
    await process.connected()
    await eventually(lambda: _decoders() > threads)
    await process.kill()
    await eventually(lambda: _active(server) == 0)
    assert _decoders() == threads
    await eventually(lambda: _open_sockets() <= open_files)


async def test_a_publisher_that_never_connects_is_closed(server: Client) -> None:
    """A client that takes the answer and does nothing more frees its place when its time is up."""
    process = await WhipProcess.start(server.make_url("/whip"), "--half-open", "--seconds", "2")
    await eventually(lambda: _active(server) == 1)
    await eventually(lambda: _active(server) == 0)
    await process.report()


@pytest.mark.parametrize("offer", ["", "nonsense", "v=0\r\nm=video x\r\n"])
async def test_garbage_opens_nothing(server: Client, offer: str) -> None:
    """An offer that is not SDP is refused and takes no place."""
    answer = await server.post("/whip", data=offer.encode(), headers={"Content-Type": "application/sdp"})
    assert answer.status == 400
    assert _active(server) == 0


async def test_more_publishers_than_places_are_refused(start_client: ClientFactory, settings: Settings) -> None:
    """Above the limit a client is told how many places there are and when to come back."""
    server = await start_client(with_sections(settings, live=Live(max_sessions=1)), detector=FixedDetector())
    first = await WhipProcess.start(server.make_url("/whip"), "--seconds", "8")
    await first.connected()
    second = await WhipProcess.start(server.make_url("/whip"), "--seconds", "1")
    with pytest.raises(AssertionError, match=r"503 .*\"capacity\": ?1"):
        await second.report()
    await first.kill()


def _active(server: Client) -> int:
    app = server.app
    assert isinstance(server, TestClient)
    assert app is not None
    return app[keys.LIVE].registry.active


def _decoders() -> int:
    return sum(thread.name.endswith("-decoder") for thread in threading.enumerate())


def _open_sockets() -> int:
    """UDP sockets of this process."""
    udp = {line.split()[9] for kind in ("udp", "udp6") for line in Path(f"/proc/net/{kind}").read_text().splitlines()[1:]}
    links = (_link(descriptor) for descriptor in Path("/proc/self/fd").iterdir())
    return sum(link.removeprefix("socket:[").removesuffix("]") in udp for link in links)


def _link(descriptor: Path) -> str:
    try:
        return os.readlink(descriptor)  # noqa: PTH115 - a socket's link leads to no path
    except OSError:
        return ""
