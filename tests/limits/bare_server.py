"""A server with connections as `sightline serve` has them, and bare sockets to it."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec
from aiohttp import web

from server.config.settings import Settings
from server.web import keys
from server.web.app import create_app
from server.web.connections import AppRunner
from tests.fakes import FakeDetector, room_for_eight

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
GET = b"GET /api HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"


@asynccontextmanager
async def serving(settings: Settings, **server: object) -> AsyncIterator[int]:
    """The TCP port of a running application; `server` are settings of that section."""
    settings = msgspec.structs.replace(settings, server=msgspec.structs.replace(settings.server, **server))
    app = create_app(settings, detector=FakeDetector(), time_pool=room_for_eight)
    runner = AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        await app[keys.MODEL].loaded()
        yield int(runner.addresses[0][1])
    finally:
        await runner.cleanup()


async def connect(port: int) -> Streams:
    """A connection on which nothing was sent."""
    return await asyncio.open_connection("127.0.0.1", port)


async def read_answer(reader: asyncio.StreamReader) -> tuple[int, str]:
    """The status of the next answer, and its sentence or text."""
    head = (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)).decode()
    length = next(int(line.split(":")[1]) for line in head.splitlines() if line.lower().startswith("content-length:"))
    body = await asyncio.wait_for(reader.readexactly(length), 10)
    return int(head.split()[1]), json.loads(body)["detail"] if "problem+json" in head else body.decode()


async def at_end(reader: asyncio.StreamReader) -> bytes:
    """What comes until the server ends the connection."""
    try:
        return await asyncio.wait_for(reader.read(), 10)
    except ConnectionError:
        return b""


async def close(*connections: Streams) -> None:
    """Closes them on this side."""
    for _, writer in connections:
        writer.close()
        try:
            await writer.wait_closed()
        except ConnectionError:
            pass
