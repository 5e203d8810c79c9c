"""The registry of live sessions: admits them up to a limit, finds them, and ends them."""

import asyncio
import logging
import secrets
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

from server.domain.alert import SourceKind
from server.domain.errors import AtCapacity, Draining, NotFound, TooMany
from server.pipeline.broadcast import Broadcast
from server.pipeline.packet_ring import PacketRing
from server.pipeline.stream import Stream

logger = logging.getLogger(__name__)


class LiveSession(Protocol):
    """A live source that a client has opened."""

    @property
    def id(self) -> str:
        """Unguessable name in addresses."""

    @property
    def stream(self) -> Stream:
        """The pipeline that the source feeds."""

    @property
    def kind(self) -> SourceKind:
        """What the source is."""

    @property
    def packets(self) -> PacketRing | None:
        """The encoded video of the last seconds; None where nobody wants it."""

    def announce_draining(self, grace_s: float) -> None:
        """Tells the client that the server ends the session in `grace_s` seconds."""

    async def aclose(self, reason: str) -> None:
        """Ends the session, returns when nothing of it is left; `reason` goes to the log. May be called again."""


@dataclass(frozen=True, slots=True, eq=False)
class SessionOpened:
    """A session is running."""

    session: LiveSession


@dataclass(frozen=True, slots=True, eq=False)
class SessionClosed:
    """A session has ended, and its stream with it."""

    session: LiveSession


@dataclass(frozen=True, slots=True, eq=False)
class DrainingBegun:
    """No new session is taken, and those that run end in `grace_s` seconds."""

    grace_s: float


Change = SessionOpened | SessionClosed | DrainingBegun


NewRing = Callable[[SourceKind], PacketRing | None]
"""Makes what holds the encoded video of a new session of that kind; None where nobody wants it."""


def no_ring(kind: SourceKind) -> None:
    """Nobody wants it."""
    del kind


class Place:
    """A reserved place in the registry; `fill()` puts the session into it."""

    def __init__(self, registry: "SessionRegistry", *, client: str | None) -> None:
        self._registry = registry
        self._client = client

    def fill(self, session: LiveSession) -> None:
        """Makes the session known under its id; from here on `SessionRegistry.remove()` frees the place."""
        self._registry.add(session, client=self._client)


class SessionRegistry:
    """All live sessions of this process, at most `capacity`, counting those that are being opened.

    `capacity` may be a function: it is asked whenever somebody wants a place. One client has at most `per_client` of them,
    where that is set. `changes` tells what becomes of the sessions. `new_id` makes the id of the next one: unguessable, and
    safe in an address.
    """

    def __init__(
        self,
        *,
        capacity: int | Callable[[], int],
        per_client: int | None = None,
        new_id: Callable[[], str] | None = None,
    ) -> None:
        self.new_id = new_id or new_session_id
        self.changes: Broadcast[Change] = Broadcast()
        self._capacity = capacity
        self._per_client = per_client
        self._sessions: dict[str, LiveSession] = {}
        self._clients: dict[str, str | None] = {}
        self._opening: Counter[str | None] = Counter()
        self._draining = False
        self._closed = False
        self._changed = asyncio.Event()

    def __len__(self) -> int:
        return len(self._sessions)

    def __iter__(self) -> Iterator[LiveSession]:
        return iter(tuple(self._sessions.values()))

    @property
    def active(self) -> int:
        """Places taken: open sessions and those being opened."""
        return len(self._sessions) + self._opening.total()

    @property
    def capacity(self) -> int:
        """Sessions that fit now."""
        return self._capacity() if callable(self._capacity) else self._capacity

    @property
    def draining(self) -> bool:
        """Whether no new session is taken any more."""
        return self._draining

    @contextmanager
    def reserve(self, *, client: str | None = None) -> Iterator[Place]:
        """Holds a place while a session is being opened, so that no number of clients at once can pass the limit.

        `client` is whose it is; sessions of the server's own have none. Raises AtCapacity, TooMany or Draining. The place is
        free again after the block unless it was filled.
        """
        if self._draining:
            raise Draining("the server is about to end and takes no new session")
        capacity = self.capacity
        if self.active >= capacity:
            sentence = f"all {capacity} live sessions are taken (live.max_sessions; unset, as many as the detector manages)"
            raise AtCapacity(sentence, capacity=capacity, active=self.active)
        self._check_client(client)
        self._opening[client] += 1
        try:
            yield Place(self, client=client)
        finally:
            self._opening[client] -= 1
            self._opening += Counter()  # which drops clients that open nothing
            self._changed.set()

    def add(self, session: LiveSession, *, client: str | None = None) -> None:
        """Makes a session known under its id; Draining when the registry was closed meanwhile."""
        if self._closed:
            raise Draining("the server ends")
        self._sessions[session.id] = session
        self._clients[session.id] = client
        self.changes.publish(SessionOpened(session))

    def remove(self, session: LiveSession) -> None:
        """Forgets a session that has ended; does nothing when it is not known."""
        self._clients.pop(session.id, None)
        if self._sessions.pop(session.id, None) is not None:
            self.changes.publish(SessionClosed(session))
        self._changed.set()

    def get(self, session_id: str) -> LiveSession:
        """The session of that id; NotFound when there is none."""
        try:
            return self._sessions[session_id]
        except KeyError:
            raise NotFound("no such live session") from None

    async def drain(self, grace_s: float) -> None:
        """Takes no new sessions, tells those that run, and returns when all have ended, after `grace_s` at the latest."""
        self._draining = True
        self.changes.publish(DrainingBegun(grace_s))
        for session in self:
            session.announce_draining(grace_s)
        try:
            async with asyncio.timeout(grace_s):
                while self.active:
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            logger.info("%d live sessions were still running after %g s of grace", len(self), grace_s)
        await self.aclose()

    async def aclose(self) -> None:
        """Ends all sessions and takes no new ones."""
        self._draining = self._closed = True
        await asyncio.gather(*(session.aclose("the server ends") for session in self))

    def _check_client(self, client: str | None) -> None:
        if client is None or self._per_client is None:
            return
        if self._opening[client] + sum(one == client for one in self._clients.values()) >= self._per_client:
            raise TooMany(
                f"one client may have {self._per_client} live sessions at once (live.max_sessions_per_client)", retry_after_s=15
            )


def new_session_id() -> str:
    """An id that nobody can guess: 128 random bits in 22 characters that are safe in an address."""
    return secrets.token_urlsafe(16)
