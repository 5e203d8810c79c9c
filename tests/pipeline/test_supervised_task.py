"""A task that is begun again."""

import asyncio

import pytest

from server.pipeline.supervised_task import SupervisedTask


async def test_begins_again_after_a_fault(caplog: pytest.LogCaptureFixture) -> None:
    """As often as it takes, and each time the log has the fault."""
    rounds: list[int] = []
    done = asyncio.Event()

    async def work() -> None:
        rounds.append(1)
        if len(rounds) < 3:
            raise ZeroDivisionError
        done.set()

    task = SupervisedTask(work, name="count", restart_s=0.01)
    task.start()
    async with asyncio.timeout(10):
        await done.wait()
    await task.aclose()
    assert len(rounds) == 3
    assert caplog.text.count("count: failed, and begins again") == 2


async def test_does_not_begin_again_once_it_is_closed() -> None:
    """Neither while it waits to, nor while it runs."""
    rounds: list[int] = []

    async def work() -> None:
        rounds.append(1)
        if len(rounds) == 1:
            raise ZeroDivisionError
        await asyncio.Event().wait()

    waiting = SupervisedTask(work, name="count", restart_s=0.05)
    waiting.start()
    await asyncio.sleep(0)
    await waiting.aclose()
    await asyncio.sleep(0.1)
    assert len(rounds) == 1
    running = SupervisedTask(work, name="count", restart_s=0.01)
    running.start()
    await asyncio.sleep(0)
    await running.aclose()
    await running.aclose()
    assert len(rounds) == 2
