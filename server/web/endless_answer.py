"""Answers that go on: sent as fast as the client reads, and ended when it has stopped reading."""

import asyncio
import logging
import socket
from collections.abc import Mapping

from aiohttp import web

logger = logging.getLogger(__name__)

# What the system keeps for a client that is behind; Linux doubles it. Left alone it grows to megabytes, which at a picture of
# 40 KB are seconds that a slow client would lag. Over a line of 50 ms it still lets through 5 MB a second.
SEND_BUFFER_BYTES = 128 * 1024


class EndlessAnswer:
    """One answer without an end of its own.

    A client that reads slowly holds up its own handler only, and a few of its pieces wait for it in the system and here. One
    that takes nothing for `stall_s` is cut off.
    """

    def __init__(self, request: web.Request, *, headers: Mapping[str, str], stall_s: float, status: int = 200) -> None:
        self.response = web.StreamResponse(status=status, headers=headers)
        self._request = request
        self._stall_s = stall_s

    @property
    def has_client(self) -> bool:
        """Whether the client is connected: while nothing is sent, nothing else tells that it has left."""
        return self._request.transport is not None

    async def open(self) -> None:
        """Sends the headers."""
        connection = self._request.get_extra_info("socket")
        if connection is not None:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
        await self.response.prepare(self._request)

    async def send(self, data: bytes) -> bool:
        """Sends one piece when there is room; False when the client has gone or was cut off."""
        try:
            async with asyncio.timeout(self._stall_s):
                await self.response.write(data)
        except TimeoutError:
            logger.info("%s: cut off, the client has read nothing for %g s", self._request.path, self._stall_s)
            if self._request.transport is not None:
                self._request.transport.abort()
            return False
        except ConnectionError:
            return False
        return True
