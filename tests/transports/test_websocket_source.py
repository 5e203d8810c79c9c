"""The frames of a WebSocket client: decoded apart from the loop, the newest ones kept, damaged ones told of."""

import asyncio
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import cast

import pytest

from server.domain.errors import InvalidRequest
from server.domain.frame import Frame
from server.media.jpeg import encode_i420
from server.transports.websocket_source import WebsocketSource
from tests.marked_video import marked_picture, read_number
from tests.transports.set_clock import SetClock


@pytest.fixture
def converter() -> Iterator[ThreadPoolExecutor]:
    """The one thread that decodes."""
    with ThreadPoolExecutor(1, thread_name_prefix="converter") as executor:
        yield executor


class Rig:
    """A source and what it told of."""

    def __init__(self, converter: ThreadPoolExecutor) -> None:
        self.clock = SetClock()
        self.damaged: list[int] = []
        self.source = WebsocketSource(
            converter=converter, max_pixels=640 * 480, on_damaged=self._note_damaged, clock=self.clock
        )
        self.frames = cast("AsyncGenerator[Frame, None]", self.source.frames())

    def put(self, number: int) -> None:
        """Sends a frame that carries its number."""
        self.source.put(encode_i420(marked_picture(number)))

    async def next(self) -> Frame:
        """The next frame that the source yields."""
        return await anext(self.frames)

    def _note_damaged(self, index: int, error: InvalidRequest) -> None:
        assert str(error)
        self.damaged.append(index)


@pytest.fixture
async def rig(converter: ThreadPoolExecutor) -> AsyncIterator[Rig]:
    """A source, and whoever reads it."""
    rig = Rig(converter)
    yield rig
    await rig.frames.aclose()


async def test_a_frame_keeps_its_receipt(rig: Rig) -> None:
    """Its time is that of the last byte, however long it waits to be decoded."""
    rig.clock.now = 5.0
    rig.put(1)
    rig.clock.now = 5.5
    rig.put(2)
    rig.clock.now = 9.0
    first, second = await rig.next(), await rig.next()
    assert (first.index, first.received_at, first.pts_s) == (0, 5.0, 0.0)
    assert (second.index, second.received_at, second.pts_s) == (1, 5.5, 0.5)
    assert rig.source.last_frame_at == 5.5


async def test_two_that_wait_are_both_kept_and_of_more_the_newest(rig: Rig) -> None:
    """A client that keeps to two unanswered frames loses none."""
    for number in range(2):
        rig.put(number)
    assert [read_number((await rig.next()).pixels) for _ in range(2)] == [0, 1]
    for number in range(2, 10):
        rig.put(number)
    assert [read_number((await rig.next()).pixels) for _ in range(2)] == [8, 9]
    assert (rig.source.received, rig.source.lost) == (10, 6)


async def test_damaged_frames_are_told_of_and_skipped(rig: Rig) -> None:
    """They count in a row until a good one comes."""
    rig.source.put(b"no picture")
    rig.source.put(b"\xff\xd8\xff")
    waiting = asyncio.create_task(rig.next())
    while len(rig.damaged) < 2:  # noqa: ASYNC110 - the condition belongs to code that tells nobody
        await asyncio.sleep(0.01)
    assert rig.source.damaged_in_a_row == 2
    rig.put(7)
    assert read_number((await waiting).pixels) == 7
    assert (rig.damaged, rig.source.damaged_in_a_row) == ([0, 1], 0)


async def test_nothing_is_decoded_on_the_loop(rig: Rig, converter: ThreadPoolExecutor) -> None:
    """While the decoder's thread is busy the loop goes on, and nothing is taken from the loop's own executor."""
    gate = threading.Event()
    converter.submit(gate.wait, 10)
    rig.put(1)
    waiting = asyncio.create_task(rig.next())
    await asyncio.sleep(0.05)
    assert not waiting.done()
    assert getattr(asyncio.get_running_loop(), "_default_executor", None) is None
    gate.set()
    assert read_number((await waiting).pixels) == 1
