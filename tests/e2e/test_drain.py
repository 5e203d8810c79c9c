"""SIGTERM with a live session: readiness goes, new work is refused, the session gets its time, and the exit code is 0."""

import asyncio
import signal
from collections.abc import Iterator

import aiohttp
import pytest

from tests.e2e.whip_process import WhipProcess
from tests.server_process import ServerProcess
from tests.transports.rig import eventually


@pytest.fixture
def server() -> Iterator[ServerProcess]:
    """The real server, with more time to drain than a test may take."""
    with ServerProcess(environ={"SIGHTLINE_SERVER__DRAIN_S": "60"}) as running:
        yield running


async def _status(server: ServerProcess, method: str, path: str) -> tuple[int, str | None]:
    """Status and Retry-After of an answer."""
    async with aiohttp.ClientSession() as http, http.request(method, f"{server.url}{path}") as answer:
        return answer.status, answer.headers.get("Retry-After")


async def _draining(server: ServerProcess) -> None:
    server.process.send_signal(signal.SIGTERM)
    async with asyncio.timeout(10):
        while (await _status(server, "GET", "readyz"))[0] != 503:  # noqa: ASYNC110 - the server is another process
            await asyncio.sleep(0.05)


async def test_a_running_session_ends_by_itself(server: ServerProcess) -> None:
    """New work gets 503 with Retry-After, the client is told and goes on, and the server ends when it has left."""
    client = await WhipProcess.start(f"{server.url}whip?return=annotated", "--seconds", "3", "--fps", "8")
    await client.connected()
    await _draining(server)
    assert (await _status(server, "GET", "healthz"))[0] == 200
    for path in ("predict", "whip"):
        status, retry_after = await _status(server, "POST", path)
        assert status == 503
        assert retry_after is not None
    report = await client.report()
    assert {"event": "draining", "grace_s": 60.0} in report["messages"]
    assert report["messages"][-1].get("results") is not None
    assert await asyncio.to_thread(server.process.wait, 20) == 0


async def test_a_second_signal_skips_the_wait(server: ServerProcess) -> None:
    """Who asks twice does not wait for the sessions."""
    client = await WhipProcess.start(f"{server.url}whip", "--seconds", "30")
    await client.connected()
    await _draining(server)
    server.process.send_signal(signal.SIGTERM)
    assert await asyncio.to_thread(server.process.wait, 20) == 0
    await client.kill()
    await eventually(lambda: server.process.poll() == 0)
