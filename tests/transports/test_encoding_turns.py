"""Turns of encoding: in order, with rests, and none is lost."""

import asyncio
from collections.abc import Callable

import pytest

from server.transports.encoding_turns import LONGEST_REST_S, EncodingTurns
from tests.transports.set_clock import SetClock


async def test_one_encodes_at_a_time() -> None:
    """With less than a processor the second waits until the first has given back, in the order of asking."""
    turns, order = EncodingTurns(processors=1.0), list[int]()

    async def encode(number: int) -> None:
        began_at = await turns.take()
        order.append(number)
        await asyncio.sleep(0)
        turns.give_back(began_at)
        order.append(number)

    async with asyncio.timeout(5):
        await asyncio.gather(*(encode(number) for number in range(3)))
    assert order == [0, 0, 1, 1, 2, 2]


async def test_as_many_encode_at_once_as_there_are_processors_for_it() -> None:
    """With two and a half there are three places."""
    turns = EncodingTurns(processors=2.5)
    async with asyncio.timeout(5):
        for _ in range(3):
            await turns.take()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await turns.take()


@pytest.mark.parametrize(
    ("processors", "took_s", "rest_s"), [(0.5, 0.02, 0.02), (0.25, 0.02, 0.06), (0.5, 9.0, LONGEST_REST_S)]
)
async def test_a_rest_follows_a_turn(monkeypatch: pytest.MonkeyPatch, processors: float, took_s: float, rest_s: float) -> None:
    """It keeps encoding within the share, and is bounded where a turn was held up."""
    clock, rests = SetClock(), list[float]()
    loop = asyncio.get_running_loop()

    def call_at_once(delay: float, callback: Callable[[], None]) -> None:
        rests.append(delay)
        callback()

    monkeypatch.setattr(loop, "call_later", call_at_once)
    turns = EncodingTurns(processors=processors, clock=clock)
    began_at = await turns.take()
    clock.now += took_s
    turns.give_back(began_at)
    assert rests == [pytest.approx(rest_s)]
    await turns.take()
