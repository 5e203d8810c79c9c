"""Tests of how slowly a video may arrive."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from server.web.problems import Problem
from server.web.video_upload import UploadLimits, VideoReceiver
from tests.transports.set_clock import SetClock


@pytest.fixture
def io() -> Iterator[ThreadPoolExecutor]:
    """Threads for files."""
    with ThreadPoolExecutor(1) as executor:
        yield executor


async def receive(target: Path, pieces: list[tuple[float, int]], *, io: ThreadPoolExecutor) -> int:
    """How many bytes are taken of an upload whose pieces come after so many seconds each, at least 100 bytes a second."""
    clock = SetClock()
    limits = UploadLimits(10**9, stall_s=60.0, min_free_bytes=0, min_bytes_per_s=100)
    receiver = VideoReceiver(target, limits=limits, free_bytes=lambda: 10**12, io=io, clock=clock)
    left = iter(pieces)

    async def read(_size: int) -> bytes:
        after_s, size = next(left, (0.0, 0))
        clock.now += after_s
        return bytes(size)

    await receiver._write(read)
    return (await asyncio.to_thread(target.stat)).st_size


async def test_an_upload_that_trickles_is_given_up(tmp_path: Path, io: ThreadPoolExecutor) -> None:
    """408: each piece comes in time, all together too slowly."""
    with pytest.raises(Problem) as refused:
        await receive(tmp_path / "video", [(30.0, 1)] * 10, io=io)
    assert refused.value.status == 408
    assert refused.value.detail == (
        "the upload is too slow: less than 100 bytes a second (videos.min_upload_bytes_per_s) came for 60 s"
    )


async def test_a_slow_but_steady_upload_is_taken(tmp_path: Path, io: ThreadPoolExecutor) -> None:
    """As is one that pauses for a while."""
    assert await receive(tmp_path / "steady", [(30.0, 3000)] * 10, io=io) == 30_000
    assert await receive(tmp_path / "pausing", [(1.0, 100_000), (59.0, 1), (1.0, 5900)], io=io) == 105_901
