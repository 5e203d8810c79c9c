"""The real server as a task of ECS: it finds its address, tells its streams, and is protected while one runs."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.e2e.nginx import free_port
from tests.e2e.whip_process import WhipProcess
from tests.server_process import ServerProcess
from tests.transports.rig import eventually
from tests.web.ecs_agent import BLOCKED, EcsAgent, running_ecs_agent


@pytest.fixture
async def agent() -> AsyncIterator[EcsAgent]:
    """What ECS offers to a task."""
    async with running_ecs_agent() as running:
        yield running


@pytest.fixture
async def server(agent: EcsAgent) -> AsyncIterator[ServerProcess]:
    """The server; it starts beside us, because it asks us while it does."""
    environ = {
        "ECS_CONTAINER_METADATA_URI_V4": agent.metadata_url,
        "ECS_AGENT_URI": agent.agent_url,
        "SIGHTLINE_CLUSTER__SECRET": "a-secret-of-all-servers-of-the-cluster",
        "SIGHTLINE_CLUSTER__ADDRESS": "auto",
        "SIGHTLINE_CLUSTER__PEERS_NETWORK": "10.0.0.0/16",
        "SIGHTLINE_SERVER__DRAIN_S": "1",
    }
    command = (sys.executable, "-m", "server", "serve", "--port", str(free_port()))
    made = ServerProcess(environ=environ, command=command)
    await asyncio.to_thread(made.__enter__)
    yield made
    await asyncio.to_thread(made.stop)


def metrics(server: ServerProcess) -> list[dict[str, Any]]:
    """The lines that CloudWatch reads."""
    return [json.loads(line) for line in server.lines if line.startswith('{"_aws"')]


async def test_a_session_protects_its_task(agent: EcsAgent, server: ServerProcess) -> None:
    """The first session asks for protection, again after a refusal, and the end of the server gives it back."""
    await eventually(lambda: metrics(server))
    assert metrics(server)[0]["ActiveStreams"] == 0
    assert metrics(server)[0]["Cluster"] == "sightline"
    assert agent.asked == []
    client = await WhipProcess.start(f"{server.url}whip", "--seconds", "60", "--fps", "5")
    location = (await client.connected())["location"]
    assert len(location.rpartition("/")[2]) > 22  # the id names its server
    await eventually(lambda: agent.states == [True])
    assert await asyncio.to_thread(server.stop) == 0
    assert agent.states[-1] is False
    await client.kill()


async def test_a_blocked_deployment_is_in_the_log(agent: EcsAgent, server: ServerProcess) -> None:
    """The refusal has a line, and the session goes on."""
    agent.failure = BLOCKED
    client = await WhipProcess.start(f"{server.url}whip?return=annotated", "--seconds", "2", "--fps", "5")
    report = await client.report()
    assert report["returned"] > 0
    assert "DEPLOYMENT_BLOCKED" in server.output
