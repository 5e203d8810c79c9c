"""Streams that wait share the detector fairly: a greedy one takes nothing from the modest."""

import asyncio
import threading
from collections import Counter
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from server.domain.detection import DetectionResult, DetectOptions
from server.domain.frame import Frame
from server.inference.pool import DetectorPool
from server.pipeline.annotator import BoxAnnotator
from server.pipeline.stream import Stream
from server.pipeline.tracker import ByteTracker
from tests.builders import make_frame, make_options
from tests.fakes import FakeDetector, FakeRequest

MODEST = (1, 2, 3)
GREEDY = 0


class SteppedDetector(FakeDetector):
    """A fake detector that detects one frame for each step, and notes the brightness of the frames in order."""

    def __init__(self) -> None:
        super().__init__()
        self.steps = threading.Semaphore(0)
        self.order: list[int] = []

    def create_request(self) -> "SteppedRequest":
        """Makes the state of one worker."""
        return SteppedRequest(self)


class SteppedRequest(FakeRequest):
    """One worker of a stepped detector."""

    def __init__(self, detector: SteppedDetector) -> None:
        super().__init__(detector)
        self._stepped = detector

    def detect(self, frame: Frame, options: DetectOptions) -> DetectionResult:
        """Waits for its step, then answers."""
        assert self._stepped.steps.acquire(timeout=10)
        self._stepped.order.append(int(frame.pixels[0, 0]))
        return super().detect(frame, options)


class Feed:
    """A source that a test gives its frames; their brightness is the stream's number."""

    def __init__(self, number: int) -> None:
        self.number = number
        self._frames: asyncio.Queue[Frame] = asyncio.Queue()

    def put(self, value: int | None = None) -> None:
        """One more frame."""
        self._frames.put_nowait(make_frame(value=self.number if value is None else value))

    @property
    def lost(self) -> int:
        """None."""
        return 0

    async def frames(self) -> AsyncIterator[Frame]:
        """Yields them."""
        while True:
            yield await self._frames.get()


class Streams:
    """Four streams on one detector with one worker, and the feeds of their frames."""

    def __init__(self) -> None:
        self.detector = SteppedDetector()
        self.pool = DetectorPool(self.detector, workers=1)
        self.feeds = [Feed(number) for number in (GREEDY, *MODEST)]
        self._renderer = ThreadPoolExecutor(1)
        self.streams = [self._stream(feed) for feed in self.feeds]
        running = zip(self.streams, self.feeds, strict=True)
        self._tasks = [asyncio.create_task(stream.run(feed)) for stream, feed in running]

    async def step(self) -> None:
        """Lets one detection happen, and everything that follows from it."""
        done = self.pool.stats().completed
        self.detector.steps.release()
        while self.pool.stats().completed == done:  # noqa: ASYNC110 - the pool counts on threads of its own
            await asyncio.sleep(0.001)
        await self.settle()

    async def settle(self) -> None:
        """Lets every stream ask for what it wants next: all have asked when nothing is tracked and no frame waits unasked."""
        for _ in range(20):
            await asyncio.sleep(0.001)
            await asyncio.get_running_loop().run_in_executor(self._renderer, lambda: None)

    async def aclose(self) -> None:
        """Ends all of them."""
        for task in self._tasks:
            task.cancel()
        self.detector.steps.release(100)
        await asyncio.wait(self._tasks)
        await asyncio.to_thread(self.pool.close)
        self._renderer.shutdown()

    def _stream(self, feed: Feed) -> Stream:
        return Stream(
            id=str(feed.number),
            name="",
            pool=self.pool,
            tracker=ByteTracker(),
            annotator=BoxAnnotator(["firearm"]),
            options=make_options(),
            renderer=self._renderer,
        )


@pytest.fixture
async def streams() -> AsyncIterator[Streams]:
    """Four streams that run."""
    running = Streams()
    yield running
    await running.aclose()


async def test_streams_that_always_wait_take_turns(streams: Streams) -> None:
    """With more frames than can be detected each stream gets every fourth detection."""
    for _ in range(12):
        for feed in streams.feeds:
            feed.put()
        await streams.settle()
        await streams.step()
    # The first is on the worker before the others have asked; from there on every four in a row are all four.
    order = streams.detector.order
    assert all(Counter(order[start : start + 4]) == Counter([GREEDY, *MODEST]) for start in range(8))


async def test_a_greedy_stream_never_holds_up_the_modest(streams: Streams) -> None:
    """A stream that sends ten frames for each of the others' detections waits its turn: a modest frame waits for at most one
    frame of each of the others."""
    for turn in range(8):
        for _ in range(10):
            streams.feeds[GREEDY].put()
        if turn % 4 == 0:
            for number in MODEST:
                streams.feeds[number].put()
        await streams.settle()
        await streams.step()
    await streams.step()

    order = streams.detector.order
    # Two rounds of modest frames, each done within four detections after the one under way when they came.
    assert all(order[:5].count(number) == 1 for number in MODEST)
    assert all(order[4:9].count(number) == 1 for number in MODEST)
    assert order.count(GREEDY) == 3


async def test_a_frame_that_waits_for_its_turn_gives_way_to_a_newer_one(streams: Streams) -> None:
    """While one stream has the worker the other's frame is overtaken: the newest is detected, and the first is a drop."""
    first, second = streams.feeds[:2]
    first.put()
    await streams.settle()
    for value in (50, 51, 52):
        second.put(value)
        await streams.settle()
    await streams.step()
    await streams.step()
    assert streams.detector.order == [GREEDY, 52]
    stats = streams.streams[1].stats()
    assert (stats.received, stats.processed, stats.dropped) == (3, 1, 2)
