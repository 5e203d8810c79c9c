"""Runs the WHIP client as a process of its own, as an outside publisher would be."""

import asyncio
import json
import sys
from collections.abc import Sequence
from typing import Any

from tests.conftest import REPOSITORY


class WhipProcess:
    """A running WHIP client."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @classmethod
    async def start(cls, url: object, *arguments: str, inside: Sequence[str] = ()) -> "WhipProcess":
        """Starts a client that publishes to an address; `inside` begins a command that runs elsewhere."""
        return cls(
            await asyncio.create_subprocess_exec(
                *inside,
                sys.executable,
                "-m",
                "tests.e2e.whip_client",
                str(url),
                *arguments,
                cwd=REPOSITORY,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
            )
        )

    async def connected(self) -> dict[str, Any]:
        """Waits until the client is connected."""
        assert self._process.stdout is not None
        line = await asyncio.wait_for(self._process.stdout.readline(), 20)
        message: dict[str, Any] = json.loads(line or await self._fail())
        return message

    async def report(self) -> dict[str, Any]:
        """Waits until the client has ended and returns what it saw."""
        output, errors = await asyncio.wait_for(self._process.communicate(), 40)
        assert self._process.returncode == 0, errors.decode()
        report: dict[str, Any] = json.loads(output.splitlines()[-1])
        return report

    async def failure(self) -> str:
        """Waits until the client has given up, and returns its last words."""
        _, errors = await asyncio.wait_for(self._process.communicate(), 40)
        assert self._process.returncode != 0
        return errors.decode().splitlines()[-1]

    async def kill(self) -> None:
        """Ends the client so that it cannot say goodbye."""
        self._process.kill()
        await self._process.communicate()

    async def _fail(self) -> str:
        assert self._process.stderr is not None
        raise AssertionError((await self._process.stderr.read()).decode())
