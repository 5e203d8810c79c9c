"""The server that faults are tried on: what it says, holds and answers, looked at from outside."""

import os
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from tests.faults.witness import Witness
from tests.server_process import ServerProcess
from tests.transports.rig import eventually

_TROUBLE = re.compile(r"^\d\d:\d\d:\d\d (warning|error|critical)\b|^Traceback")


class Served:
    """A server process with a witness: a live session of somebody who has nothing to do with the fault."""

    def __init__(self, process: ServerProcess, client: aiohttp.ClientSession, witness: Witness) -> None:
        self.process = process
        self.client = client
        self.witness = witness
        self.ages: dict[str, float] = {}
        """Of the witness' boxes in ms: `before` the last fault and `during` it, at its end."""

    @property
    def pid(self) -> int:
        """The process id."""
        return self.process.process.pid

    def url(self, path: str) -> str:
        """An address of it."""
        return self.process.url + path.removeprefix("/")

    @asynccontextmanager
    async def unharmed(self, *, lines: tuple[str, ...] = (), besides: str = "nothing else") -> AsyncIterator[None]:
        """Fails unless the block leaves all others in peace: the server answers, and the witness' results are of now.

        Each of `lines` is a pattern that exactly one line of trouble has in the log; there are no other such lines but those
        with the pattern `besides`, which tell of what follows for one alert or video, and each differs.
        """
        mark = len(self.process.lines)
        self.ages = {"before": await self.witness.box_age_ms()}
        yield
        self.ages["during"] = await self.witness.keeps_up()
        await self.answers()
        found = self.trouble(mark)
        for pattern in lines:
            named = [line for line in found if re.search(pattern, line)]
            assert len(named) == 1, f"{pattern!r} has {len(named)} lines: {found}"
        others = [line for line in found if not any(re.search(pattern, line) for pattern in lines)]
        assert all(re.search(besides, line) for line in others), others
        assert len({line.partition(" request_id=")[0][9:] for line in others}) == len(others), others

    async def answers(self) -> None:
        """Fails unless the server is alive and takes work."""
        for path in ("/healthz", "/readyz"):
            async with self.client.get(self.url(path), timeout=aiohttp.ClientTimeout(10)) as answer:
                assert answer.status == 200, f"{path}: {answer.status} {self.process.output[-2000:]}"

    async def get(self, path: str) -> Any:
        """What an address answers."""
        async with self.client.get(self.url(path)) as answer:
            assert answer.status == 200, await answer.text()
            return await answer.json()

    def trouble(self, since: int) -> list[str]:
        """The lines of trouble that were logged after a mark, a traceback as one of its own only without a line before it."""
        lines = self.process.lines[since:]
        return [
            line
            for number, line in enumerate(lines)
            if _TROUBLE.match(line) and not (line.startswith("Traceback") and number and _TROUBLE.match(lines[number - 1]))
        ]

    def said(self, pattern: str, *, since: int = 0) -> list[str]:
        """The lines of its log that have a pattern."""
        return [line for line in self.process.lines[since:] if re.search(pattern, line)]

    async def told(self, *patterns: str) -> None:
        """Waits until the log has a line of each pattern that came after the call."""
        mark = len(self.process.lines)
        await eventually(lambda: all(self.said(pattern, since=mark) for pattern in patterns), within_s=20)

    def descriptors(self) -> int:
        """How many files and sockets it has open."""
        return len(os.listdir(f"/proc/{self.pid}/fd"))  # noqa: PTH208 - a count

    def threads(self) -> int:
        """How many threads it has."""
        return len(os.listdir(f"/proc/{self.pid}/task"))  # noqa: PTH208 - a count

    def udp_ports(self) -> list[tuple[str, int]]:
        """The addresses of its media sockets."""
        links = (_link(one) for one in Path(f"/proc/{self.pid}/fd").iterdir())
        mine = {link.removeprefix("socket:[").removesuffix("]") for link in links if link.startswith("socket:[")}
        rows = (line.split() for line in Path(f"/proc/{self.pid}/net/udp").read_text(encoding="ascii").splitlines()[1:])
        return [_address(row[1]) for row in rows if row[9] in mine]

    @asynccontextmanager
    async def returns_to_its_size(self) -> AsyncIterator[None]:
        """Fails unless it has no more descriptors and threads soon after the block than before it."""
        before = self.descriptors(), self.threads()
        yield
        # One or two may have been made for something that lasts: a connection to the records, a thread of a pool.
        most = [count + 3 for count in before]
        try:
            await eventually(lambda: self.descriptors() <= most[0] and self.threads() <= most[1], within_s=20)
        except TimeoutError:
            raise AssertionError(f"{before} before, {self.descriptors(), self.threads()} after") from None


def _link(descriptor: Path) -> str:
    try:
        return os.readlink(descriptor)  # noqa: PTH115 - a socket's link leads to no path
    except OSError:
        return ""


def _address(text: str) -> tuple[str, int]:
    """`0100007F:1F90` as an IPv4 address and a port."""
    host, port = text.split(":")
    return ".".join(str(byte) for byte in bytes.fromhex(host)[::-1]), int(port, 16)


@asynccontextmanager
async def serving(process: ServerProcess) -> AsyncIterator[Served]:
    """A started server with its witness, inside the block."""
    async with aiohttp.ClientSession() as client, Witness.publishing(client, process.url) as witness:
        yield Served(process, client, witness)
