"""Tests of task protection, against an agent that answers as ECS does."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from server.transports.registry import SessionRegistry
from server.web.task_protection import EXPIRES_MIN, TaskProtection
from tests.transports.rig import eventually
from tests.transports.test_registry import NotingSession
from tests.web.ecs_agent import BLOCKED, EcsAgent, running_ecs_agent


@pytest.fixture
async def agent() -> AsyncIterator[EcsAgent]:
    """The agent, listening."""
    async with running_ecs_agent() as running:
        yield running


@pytest.fixture
def registry() -> SessionRegistry:
    """The sessions of this task."""
    return SessionRegistry(capacity=8)


@asynccontextmanager
async def protection(
    agent: EcsAgent, registry: SessionRegistry, *, renew_s: float = 60.0, retry_s: float = 0.02, idle_s: float = 0.0
) -> AsyncIterator[TaskProtection]:
    """What is under test, running inside the block."""
    made = TaskProtection(agent.agent_url, registry=registry, renew_s=renew_s, retry_s=retry_s, idle_s=idle_s)
    made.start()
    try:
        yield made
    finally:
        await made.aclose()


async def test_protects_from_the_first_session_to_the_last(agent: EcsAgent, registry: SessionRegistry) -> None:
    """One call when the first session opens, none for the second, one when the last has ended."""
    first, second = NotingSession(registry), NotingSession(registry)
    async with protection(agent, registry) as made:
        registry.add(first)
        await eventually(lambda: made.protected)
        registry.add(second)
        registry.remove(first)
        assert agent.asked == [{"ProtectionEnabled": True, "ExpiresInMinutes": EXPIRES_MIN}]
        registry.remove(second)
        await eventually(lambda: not made.protected)
        assert agent.asked[1:] == [{"ProtectionEnabled": False}]


async def test_renews_while_sessions_run(agent: EcsAgent, registry: SessionRegistry) -> None:
    """Before it expires it is asked for again."""
    async with protection(agent, registry, renew_s=0.01):
        registry.add(NotingSession(registry))
        await eventually(lambda: len(agent.asked) >= 3)
    assert agent.states[:3] == [True, True, True]


async def test_a_short_break_changes_nothing(agent: EcsAgent, registry: SessionRegistry) -> None:
    """A page that connects again at once keeps the protection without a call."""
    session = NotingSession(registry)
    async with protection(agent, registry, idle_s=60.0) as made:
        registry.add(session)
        await eventually(lambda: made.protected)
        registry.remove(session)
        registry.add(NotingSession(registry))
        await eventually(lambda: made.protected)
        assert agent.states == [True]


async def test_a_task_without_sessions_asks_for_nothing(agent: EcsAgent, registry: SessionRegistry) -> None:
    """Starting and ending alone says nothing to the agent."""
    async with protection(agent, registry):
        pass
    assert agent.asked == []


async def test_gives_it_back_at_the_end(agent: EcsAgent, registry: SessionRegistry) -> None:
    """A server that ends lets its task be ended."""
    async with protection(agent, registry) as made:
        registry.add(NotingSession(registry))
        await eventually(lambda: made.protected)
    assert agent.states == [True, False]


async def test_a_blocked_deployment_is_asked_again(
    agent: EcsAgent, registry: SessionRegistry, caplog: pytest.LogCaptureFixture
) -> None:
    """DEPLOYMENT_BLOCKED leaves the task unprotected, is logged once, and is over when ECS grants it."""
    agent.failure = BLOCKED
    with caplog.at_level(logging.WARNING, "server.web.task_protection"):
        async with protection(agent, registry) as made:
            registry.add(NotingSession(registry))
            await eventually(lambda: len(agent.asked) >= 3)
            assert not made.protected
            agent.failure = None
            await eventually(lambda: made.protected)
    (record,) = caplog.records
    assert "DEPLOYMENT_BLOCKED" in record.message


async def test_a_renewal_that_is_blocked_counts_as_unprotected(agent: EcsAgent, registry: SessionRegistry) -> None:
    """Protection that ECS has taken away is no more ours."""
    async with protection(agent, registry, renew_s=0.01) as made:
        registry.add(NotingSession(registry))
        await eventually(lambda: made.protected)
        agent.failure = BLOCKED
        await eventually(lambda: not made.protected)


async def test_a_return_that_is_refused_is_tried_again(agent: EcsAgent, registry: SessionRegistry) -> None:
    """A task without sessions does not stay protected because one call went wrong."""
    session = NotingSession(registry)
    async with protection(agent, registry) as made:
        registry.add(session)
        await eventually(lambda: made.protected)
        agent.error = {"Code": "ThrottlingException", "Message": "Rate exceeded"}
        registry.remove(session)
        await eventually(lambda: agent.states.count(False) >= 2)
        assert made.protected
        agent.error = None
        await eventually(lambda: not made.protected)


@pytest.mark.parametrize("trouble", ["error", "garbled", "gone"])
async def test_an_agent_in_trouble_harms_no_session(agent: EcsAgent, registry: SessionRegistry, trouble: str) -> None:
    """Whatever the agent does, the server asks again and goes on."""
    if trouble == "error":
        agent.error = {"Code": "AccessDeniedException", "Message": "not allowed"}
    agent.garbled = trouble == "garbled"
    if trouble == "gone":
        url = agent.agent_url
        await agent.server.close()
        made = TaskProtection(url, registry=registry, retry_s=0.01)
        made.start()
        registry.add(NotingSession(registry))
        await eventually(lambda: made._refused)
        await made.aclose()
        assert not made.protected
        return
    async with protection(agent, registry) as made:
        registry.add(NotingSession(registry))
        await eventually(lambda: len(agent.asked) >= 2)
        assert not made.protected
