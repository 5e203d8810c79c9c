"""What goes back over a WebSocket: nothing piles up, and no answer is torn apart."""

import asyncio
import json
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any

import pytest

from server.domain.detection import Timing
from server.domain.live import LiveResult
from server.pipeline.annotator import BoxAnnotator
from server.pipeline.stream import Stream
from server.transports.messages import ErrorMessage
from server.transports.websocket_answers import MOST_NOTICES, WebsocketAnswers
from tests.builders import make_frame, make_options
from tests.transports.rig import MODEL, eventually
from tests.transports.set_clock import SetClock


class SlowReceiver:
    """A client that takes in one message each time the test lets it."""

    def __init__(self) -> None:
        self.messages: list[dict[str, Any] | str] = []
        self.room = asyncio.Semaphore(0)
        self.waiting = 0

    async def send_text(self, text: str) -> None:
        """Keeps what a text says."""
        await self._take(json.loads(text))

    async def send_bytes(self, data: bytes) -> None:
        """Keeps that there was a picture."""
        assert data.startswith(b"\xff\xd8\xff")
        await self._take("picture")

    async def _take(self, message: dict[str, Any] | str) -> None:
        self.waiting += 1
        await self.room.acquire()
        self.waiting -= 1
        self.messages.append(message)

    @property
    def frames(self) -> list[object]:
        """What came, each result by the number of its frame."""
        return [message if isinstance(message, str) else message.get("frame", message) for message in self.messages]


@asynccontextmanager
async def sending(
    stream: Stream, renderer: ThreadPoolExecutor, *, clock: SetClock | None = None, timeout_s: float = 10, pictures: bool = True
) -> AsyncIterator[tuple[WebsocketAnswers, SlowReceiver, "asyncio.Task[None]"]]:
    """Answers that are being sent to a slow client."""
    receiver = SlowReceiver()
    answers = WebsocketAnswers(
        stream=stream,
        model=MODEL,
        annotator=BoxAnnotator(MODEL.labels),
        renderer=renderer,
        pictures=pictures,
        clock=clock or SetClock(),
    )
    task = asyncio.create_task(answers.send_to(receiver, timeout_s=timeout_s))
    yield answers, receiver, task
    task.cancel()
    await asyncio.wait([task])
    answers.close()


def result(index: int, *, received_at: float = 0.0) -> LiveResult:
    """A result without objects."""
    return LiveResult(make_frame(index=index, received_at=received_at), (), Timing(0, 0, 0, 0), make_options(), 320)


async def test_a_slow_client_gets_the_newest(stream: Stream, renderer: ThreadPoolExecutor) -> None:
    """While one answer is on its way each result replaces the one that waits."""
    async with sending(stream, renderer) as (_, receiver, _task):
        stream.results.publish(result(0))
        await eventually(lambda: receiver.waiting)
        for index in range(1, 10):
            stream.results.publish(result(index))
        for _ in range(4):
            receiver.room.release()
        await eventually(lambda: len(receiver.messages) == 4)
        assert receiver.frames == [0, "picture", 9, "picture"]


async def test_the_age_is_that_of_sending(stream: Stream, renderer: ThreadPoolExecutor) -> None:
    """What waited is sent with its true age, which the stream's meter has, too."""
    clock = SetClock()
    async with sending(stream, renderer, clock=clock) as (_, receiver, _task):
        stream.results.publish(result(0))
        await eventually(lambda: receiver.waiting)
        stream.results.publish(result(1, received_at=0.1))
        clock.now = 0.6
        for _ in range(4):
            receiver.room.release()
        await eventually(lambda: len(receiver.messages) == 4)
        last = receiver.messages[2]
        assert isinstance(last, dict)
        assert last["age_ms"] == last["box_age_ms"] == pytest.approx(500)
        assert stream.meter.age.last_ms == stream.meter.box_age.last_ms == pytest.approx(500)
        assert stream.meter.delivered == 2


async def test_a_notice_never_stands_inside_an_answer(stream: Stream, renderer: ThreadPoolExecutor) -> None:
    """What comes between a text and its picture waits for the picture."""
    async with sending(stream, renderer) as (answers, receiver, _):
        stream.results.publish(result(0))
        await eventually(lambda: receiver.waiting)
        answers.notify(ErrorMessage(error="no"))
        stream.results.publish(result(1))
        for _ in range(5):
            receiver.room.release()
        await eventually(lambda: len(receiver.messages) == 5)
        assert receiver.frames == [0, "picture", {"error": "no"}, 1, "picture"]


async def test_notices_are_bounded(stream: Stream, renderer: ThreadPoolExecutor) -> None:
    """A client that provokes errors and takes in nothing fills no memory."""
    async with sending(stream, renderer, pictures=False) as (answers, receiver, _):
        for number in range(1000):
            answers.notify(ErrorMessage(error=str(number)))
        for _ in range(1000):
            receiver.room.release()
        await eventually(lambda: len(receiver.messages) == MOST_NOTICES)
        assert receiver.messages[-1] == {"error": "999"}


async def test_a_client_that_takes_in_nothing_is_given_up(stream: Stream, renderer: ThreadPoolExecutor) -> None:
    """Sending ends with a TimeoutError."""
    async with sending(stream, renderer, timeout_s=0.1) as (_, _receiver, task):
        stream.results.publish(result(0))
        with pytest.raises(TimeoutError):
            await task


async def test_closed_answers_leave_the_stream(stream: Stream, renderer: ThreadPoolExecutor) -> None:
    """Results are no longer made into messages for a client that has gone."""
    async with sending(stream, renderer):
        assert len(stream.results) == 1
    assert len(stream.results) == 0
