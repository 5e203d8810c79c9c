"""The registry of live sessions: its limit, and the way it ends them."""

import asyncio

import pytest

from server.domain.alert import SourceKind
from server.domain.errors import AtCapacity, Draining, NotFound
from server.pipeline.packet_ring import PacketRing
from server.pipeline.stream import Stream
from server.transports.registry import SessionRegistry, new_session_id


class NotingSession:
    """A session that notes what is done to it."""

    kind = SourceKind.WEBCAM
    packets: PacketRing | None = None

    stream: Stream

    def __init__(self, registry: SessionRegistry) -> None:
        self.id = new_session_id()
        self.reasons: list[str] = []
        self.graces_s: list[float] = []
        self._registry = registry

    def announce_draining(self, grace_s: float) -> None:
        """Notes the grace."""
        self.graces_s.append(grace_s)

    async def aclose(self, reason: str) -> None:
        """Notes the reason and leaves the registry."""
        self.reasons.append(reason)
        self._registry.remove(self)


def test_a_reserved_place_counts_before_it_is_filled() -> None:
    """The limit holds while a session is still being opened."""
    registry = SessionRegistry(capacity=1)
    with registry.reserve(), pytest.raises(AtCapacity), registry.reserve():
        pass
    assert registry.active == 0


def test_a_filled_place_is_taken_until_the_session_is_removed() -> None:
    """A session holds its place from the reservation to its end."""
    registry = SessionRegistry(capacity=1)
    session = _opened(registry)
    with pytest.raises(AtCapacity) as refused, registry.reserve():
        pass
    assert (refused.value.capacity, refused.value.active) == (1, 1)
    registry.remove(session)
    registry.remove(session)
    assert registry.active == 0


def test_the_limit_may_change_while_sessions_run() -> None:
    """It is asked for whenever somebody wants a place; those that run stay."""
    limit = [2]
    registry = SessionRegistry(capacity=lambda: limit[0])
    _opened(registry)
    limit[0] = 1
    with pytest.raises(AtCapacity) as refused, registry.reserve():
        pass
    assert (refused.value.capacity, registry.active) == (1, 1)
    limit[0] = 2
    _opened(registry)
    assert registry.active == 2


def test_a_failed_opening_frees_its_place() -> None:
    """An exception inside the reservation leaves nothing."""
    registry = SessionRegistry(capacity=1)
    with pytest.raises(ValueError, match="broken"), registry.reserve():
        raise ValueError("broken")
    assert registry.active == 0


async def test_finds_and_closes_by_id() -> None:
    """A session is found under its id and closed with a reason."""
    registry = SessionRegistry(capacity=2)
    session = _opened(registry)
    assert registry.get(session.id) is session
    assert list(registry) == [session]
    await registry.get(session.id).aclose("deleted")
    assert session.reasons == ["deleted"]


def test_an_unknown_id_is_not_found() -> None:
    """Getting a session that does not run is refused."""
    registry = SessionRegistry(capacity=2)
    with pytest.raises(NotFound):
        registry.get("x")


async def test_draining_waits_for_sessions_to_end() -> None:
    """Draining returns as soon as the last session has ended by itself, and closes none of them."""
    registry = SessionRegistry(capacity=2)
    session = _opened(registry)
    draining = asyncio.create_task(registry.drain(30))
    await asyncio.sleep(0.01)
    assert session.graces_s == [30]
    registry.remove(session)
    await asyncio.wait_for(draining, 1)
    assert session.reasons == []


async def test_draining_ends_what_still_runs_after_the_grace() -> None:
    """A session that stays is closed when the grace is over."""
    registry = SessionRegistry(capacity=2)
    session = _opened(registry)
    await asyncio.wait_for(registry.drain(0.05), 5)
    assert session.reasons == ["the server ends"]
    assert registry.active == 0


async def test_a_draining_registry_takes_nobody() -> None:
    """After draining began a reservation is refused."""
    registry = SessionRegistry(capacity=2)
    await registry.drain(0.01)
    assert registry.draining
    with pytest.raises(Draining), registry.reserve():
        pass


async def test_a_session_that_was_being_opened_when_the_registry_closed_is_refused() -> None:
    """Closing the registry wins against an opening that is under way."""
    registry = SessionRegistry(capacity=2)
    with registry.reserve() as place:
        await registry.aclose()
        with pytest.raises(Draining):
            place.fill(NotingSession(registry))


def test_ids_cannot_be_guessed() -> None:
    """Ids are different and carry 128 random bits."""
    ids = {new_session_id() for _ in range(100)}
    assert len(ids) == 100
    assert {len(one) for one in ids} == {22}


def _opened(registry: SessionRegistry) -> NotingSession:
    session = NotingSession(registry)
    with registry.reserve() as place:
        place.fill(session)
    return session
