"""The detector is timed once for a model on a machine."""

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from server.config import Settings
from server.inference.pool import DetectorPool
from server.web.remembered_throughput import RememberedThroughput
from tests.fakes import FakeDetector


@pytest.fixture
async def io() -> AsyncIterator[ThreadPoolExecutor]:
    """Threads for files."""
    with ThreadPoolExecutor(1) as executor:
        yield executor


async def test_the_second_start_asks_the_detector_nothing(settings: Settings, io: ThreadPoolExecutor) -> None:
    """What the first start measured is read from the data folder."""
    detector = FakeDetector()
    pool = DetectorPool(detector, workers=2)
    first = await RememberedThroughput(settings, io=io)(pool)
    asked = len(detector.options)
    second = await RememberedThroughput(settings, io=io)(pool)
    await asyncio.to_thread(pool.close)
    assert asked > 0
    assert len(detector.options) == asked
    assert second == first
