"""The pictures of a stream as JPEG files: encoded once, and only for those who ask."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack

import pytest

from server.domain.live import AnnotatedFrame
from server.pipeline.stream import Stream
from server.transports.jpeg_feed import JpegFeeds, JpegPicture
from server.transports.registry import SessionRegistry
from tests.builders import make_frame
from tests.transports.stream_session import StreamSession


@pytest.fixture
def executor() -> Iterator[ThreadPoolExecutor]:
    """The one thread that encodes, which a test can hold up."""
    with ThreadPoolExecutor(1) as executor:
        yield executor


@pytest.fixture
def registry() -> SessionRegistry:
    """A registry in which streams end."""
    return SessionRegistry(capacity=1)


@pytest.fixture
def feeds(registry: SessionRegistry, executor: ThreadPoolExecutor) -> JpegFeeds:
    """Feeds of the registry's streams."""
    return JpegFeeds(registry=registry, executor=executor)


def publish(stream: Stream, index: int) -> None:
    """Has the stream show a picture whose boxes came at the second of its number."""
    stream.pictures.publish(AnnotatedFrame(make_frame(index=index), float(index)))


def number(picture: JpegPicture | None) -> float | None:
    """Which picture it is."""
    assert picture is not None
    assert picture.file.startswith(b"\xff\xd8\xff")
    return picture.boxes_received_at


async def test_a_picture_is_encoded_once_for_all(stream: Stream, feeds: JpegFeeds) -> None:
    """All who wait get the very same file."""
    async with feeds.read(stream) as feed, feeds.read(stream) as same:
        waiting = [asyncio.create_task(one.next()) for one in (feed, same, feed)]
        await asyncio.sleep(0)
        publish(stream, 1)
        first, second, third = await asyncio.gather(*waiting)
    assert first is second is third
    assert number(first) == 1
    assert feed.encoded == 1


async def test_the_newest_picture_wins(stream: Stream, feeds: JpegFeeds) -> None:
    """A reader that was busy gets the newest picture; those in between are never encoded."""
    async with feeds.read(stream) as feed:
        for index in range(3):
            publish(stream, index)
        assert number(await feed.next()) == 2
        publish(stream, 3)
        assert number(await feed.next()) == 3
    assert feed.encoded == 2


async def test_nothing_is_encoded_that_nobody_asks_for(stream: Stream, feeds: JpegFeeds) -> None:
    """A reader that takes nothing costs nothing."""
    async with feeds.read(stream) as feed:
        for index in range(20):
            publish(stream, index)
            await asyncio.sleep(0)
        assert feed.encoded == 0


async def test_a_slow_encoder_holds_one_picture_only(stream: Stream, feeds: JpegFeeds, executor: ThreadPoolExecutor) -> None:
    """While one is being encoded the newest waits, and the next call gets that one."""
    gate = threading.Event()
    async with feeds.read(stream) as feed:
        executor.submit(gate.wait, 10)
        publish(stream, 0)
        first = asyncio.create_task(feed.next())
        for index in range(1, 10):
            await asyncio.sleep(0)
            publish(stream, index)
        gate.set()
        assert number(await first) in (0, 1)  # the encoder's picture is taken one step after it was asked for
        assert number(await feed.next()) == 9
    assert feed.encoded == 2


async def test_the_end_of_the_stream_ends_its_readers(stream: Stream, feeds: JpegFeeds, registry: SessionRegistry) -> None:
    """Who waits gets None, and so does whoever asks afterwards."""
    session = StreamSession(stream)
    registry.add(session)
    async with feeds.read(stream) as feed:
        waiting = asyncio.create_task(feed.next())
        await asyncio.sleep(0)
        registry.remove(session)
        assert await waiting is None
        assert await feed.next() is None
    assert not len(stream.pictures)


async def test_the_next_stream_of_an_id_has_readers_of_its_own(
    create_stream: Callable[[], Stream], feeds: JpegFeeds, registry: SessionRegistry
) -> None:
    """Who still holds the stream before it, when a camera was changed, neither ends them nor takes their feed away."""
    before, after = StreamSession(create_stream()), StreamSession(create_stream())
    registry.add(before)
    async with AsyncExitStack() as reading:
        async with feeds.read(before.stream) as old:
            registry.remove(before)
            registry.add(after)
            new = await reading.enter_async_context(feeds.read(after.stream))
            assert await old.next() is None
        assert len(feeds) == 1
        publish(after.stream, 1)
        assert number(await new.next()) == 1
    assert not len(feeds)


async def test_a_reader_that_goes_on_at_once_does_not_disturb_the_others(stream: Stream, feeds: JpegFeeds) -> None:
    """Who asks for the next picture as soon as it has one leaves the others the one that they waited for."""

    async def read(count: int) -> list[float | None]:
        return [number(await feed.next()) for _ in range(count)]

    async with feeds.read(stream) as feed:
        readers = [asyncio.create_task(read(2)) for _ in range(3)]
        for index in range(2):
            await asyncio.sleep(0.05)
            publish(stream, index)
        assert await asyncio.gather(*readers) == [[0, 1]] * 3


async def test_the_last_reader_takes_the_feed_off_the_stream(stream: Stream, feeds: JpegFeeds) -> None:
    """Nothing is drawn for readers that have gone; one that goes while it waits leaves the others alone."""
    async with feeds.read(stream) as feed:
        leaving = asyncio.create_task(feed.next())
        staying = asyncio.create_task(feed.next())
        await asyncio.sleep(0)
        leaving.cancel()
        await asyncio.sleep(0)
        publish(stream, 1)
        assert await staying is not None
        assert len(stream.pictures) == 1
    assert (len(stream.pictures), len(feeds)) == (0, 0)
