"""A stand-in for the agent of ECS and its metadata: a real HTTP server with answers in the form that AWS documents."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer

ARN = "arn:aws:ecs:eu-central-1:111122223333:task/sightline/1234567890abcdef0"
BLOCKED = {
    "Arn": ARN,
    "Detail": "The deployment that this task is part of is blocked by task protection",
    "Reason": "DEPLOYMENT_BLOCKED",
}


@asynccontextmanager
async def running_ecs_agent() -> "AsyncIterator[EcsAgent]":
    """The agent, listening."""
    agent = EcsAgent()
    await agent.server.start_server()
    yield agent
    await agent.server.close()


class EcsAgent:
    """Notes each change of protection in `asked`; answers `failure` or `error` in place of a state where they are set."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []
        self.failure: dict[str, str] | None = None
        self.error: dict[str, str] | None = None
        self.garbled = False
        self.metadata: dict[str, Any] = {
            "Cluster": "arn:aws:ecs:eu-central-1:111122223333:cluster/sightline",
            "TaskARN": ARN,
            "Containers": [
                {
                    "Name": "server",
                    "Networks": [{"NetworkMode": "awsvpc", "IPv4Addresses": ["10.0.2.106"], "MACAddress": "0e:9e"}],
                }
            ],
        }
        app = web.Application()
        app.router.add_put("/task-protection/v1/state", self._change)
        app.router.add_get("/v4/1234/task", self._tell)
        self.server = TestServer(app)

    @property
    def agent_url(self) -> str:
        """What ECS puts into ECS_AGENT_URI."""
        return str(self.server.make_url("")).rstrip("/")

    @property
    def metadata_url(self) -> str:
        """What ECS puts into ECS_CONTAINER_METADATA_URI_V4."""
        return f"{self.agent_url}/v4/1234"

    @property
    def states(self) -> list[bool]:
        """What was asked for, in order."""
        return [one["ProtectionEnabled"] for one in self.asked]

    async def _change(self, request: web.Request) -> web.Response:
        wanted = await request.json()
        self.asked.append(wanted)
        await asyncio.sleep(0)
        if self.garbled:
            return web.Response(text="<html>")
        if self.error is not None:
            return web.json_response({"requestID": "1", "error": self.error}, status=400)
        if self.failure is not None:
            return web.json_response({"requestID": "1", "failure": self.failure})
        state = {"ExpirationDate": "2026-11-27T12:00:00Z", "ProtectionEnabled": wanted["ProtectionEnabled"], "TaskArn": ARN}
        return web.json_response({"requestID": "1", "protection": state})

    async def _tell(self, _request: web.Request) -> web.Response:
        return web.json_response(self.metadata)
