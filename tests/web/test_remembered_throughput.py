"""The detector is timed once for a model on a machine."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from server.config.settings import Settings
from server.inference.pool import DetectorPool
from server.inference.processors import available_processors
from server.web.remembered_throughput import RememberedThroughput
from tests.fakes import FakeDetector


@pytest.fixture
async def io() -> AsyncIterator[ThreadPoolExecutor]:
    """Threads for files."""
    with ThreadPoolExecutor(1) as executor:
        yield executor


async def _frames_of_two_starts(settings: Settings, *, io: ThreadPoolExecutor, share: float) -> tuple[int, int]:
    """How many frames the first and the second start have detected, of which each got this share of the processors."""
    detector = FakeDetector()
    pool = DetectorPool(detector, workers=2)
    passed_s = itertools.count()

    def clock() -> float:
        return float(next(passed_s))

    def processor_clock() -> float:
        return next(passed_s) * share * available_processors()

    first = await RememberedThroughput(settings, io=io, clock=clock, processor_clock=processor_clock)(pool)
    asked = len(detector.options)
    second = await RememberedThroughput(settings, io=io, clock=clock, processor_clock=processor_clock)(pool)
    await asyncio.to_thread(pool.close)
    assert len(detector.options) > asked or second == first
    return asked, len(detector.options) - asked


async def test_the_second_start_asks_the_detector_nothing(settings: Settings, io: ThreadPoolExecutor) -> None:
    """What the first start measured is read from the data folder."""
    first, second = await _frames_of_two_starts(settings, io=io, share=1.0)
    assert first > 0
    assert second == 0


async def test_what_a_busy_machine_managed_is_not_remembered(settings: Settings, io: ThreadPoolExecutor) -> None:
    """A start beside other programs measures for itself, and the next one measures again."""
    first, second = await _frames_of_two_starts(settings, io=io, share=0.3)
    assert first > 0
    assert second > 0
