"""What is held open by each key: requests under way and peer connections, which end with their key."""

import asyncio
import logging
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Protocol
from weakref import WeakSet

from aiohttp import web

from server.web.api_key import ApiKey

logger = logging.getLogger(__name__)


class OpenSession(Protocol):
    """A connection that outlives the request that has opened it."""

    async def aclose(self, reason: str) -> None:
        """Ends it."""


class HeldOpen:
    """Knows what each key holds open, and ends it.

    A request is its connection: MJPEG, events, WebSockets, downloads and uploads are cut off where they are. Sessions that
    have ended by themselves need not be taken out.
    """

    def __init__(self) -> None:
        self._connections: dict[ApiKey, set[asyncio.Transport]] = {}
        self._sessions: dict[ApiKey, WeakSet[OpenSession]] = {}

    @contextmanager
    def request(self, request: web.Request, *, key: ApiKey | None) -> Iterator[None]:
        """Knows the request inside the block; without a key it ends by itself only."""
        connection = request.transport
        if key is None or connection is None:
            yield
            return
        held = self._connections.setdefault(key, set())
        held.add(connection)
        try:
            yield
        finally:
            held.discard(connection)
            if not held and self._connections.get(key) is held:
                del self._connections[key]

    def add_session(self, session: OpenSession, *, key: ApiKey) -> None:
        """Knows the session for as long as it lives."""
        self._sessions.setdefault(key, WeakSet()).add(session)

    async def end(self, keys: Collection[ApiKey]) -> None:
        """Ends all that these keys hold open; returns when nothing of it is left."""
        connections = [one for key in keys for one in self._connections.pop(key, ())]
        sessions = [one for key in keys for one in self._sessions.pop(key, ())]
        for connection in connections:
            connection.abort()
        await asyncio.gather(*(session.aclose("its key was revoked") for session in sessions))
        for key in keys:
            logger.info("the key %s is revoked, and what it held open has ended", key.name)
