"""The annotated pictures of streams as JPEG files, for viewers over HTTP: each picture is encoded once for all of them."""

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import Executor
from contextlib import asynccontextmanager
from dataclasses import dataclass

from server.domain.live import AnnotatedFrame
from server.media.jpeg import encode_i420
from server.pipeline.slot import LatestSlot, SlotClosed
from server.pipeline.stream import Stream
from server.transports.registry import Change, SessionClosed, SessionRegistry


@dataclass(frozen=True, slots=True, eq=False)
class JpegPicture:
    """One annotated picture as a file, with the reading of the clock when the frame of its boxes was received."""

    file: bytes
    boxes_received_at: float | None


class JpegFeed:
    """The pictures of one stream while somebody reads them.

    At most one picture is being encoded and one waits. Whoever asks meanwhile gets the same one, and nothing is encoded that
    nobody asks for: a reader that is busy writing costs nothing.
    """

    def __init__(self, stream: Stream, *, executor: Executor) -> None:
        self._stream = stream
        self._executor = executor
        self._slot: LatestSlot[AnnotatedFrame] = LatestSlot()
        self._next: asyncio.Task[JpegPicture | None] | None = None
        self.readers = 0
        self.encoded = 0
        stream.pictures.subscribe(self._slot)

    async def next(self) -> JpegPicture | None:
        """A picture that none of the same reader's earlier calls returned; None when the stream has ended."""
        picture = self._next  # another reader may begin the one after it before this one goes on
        if picture is None or picture.done():
            picture = self._next = asyncio.create_task(self._encode_newest(), name=f"jpeg {self._stream.id}")
        await asyncio.wait([picture])  # which leaves it to the others when one of them is cancelled
        return picture.result()

    def close(self) -> None:
        """Takes the feed off the stream and ends its readers; may be called again."""
        self._stream.pictures.unsubscribe(self._slot)
        self._slot.close()

    async def aclose(self) -> None:
        """Closes, and returns when nothing is being encoded any more."""
        self.close()
        if self._next is not None:
            await asyncio.wait([self._next])

    async def _encode_newest(self) -> JpegPicture | None:
        try:
            picture = await self._slot.get()
        except SlotClosed:
            return None
        file = await asyncio.get_running_loop().run_in_executor(self._executor, encode_i420, picture.frame.pixels)
        self.encoded += 1
        return JpegPicture(file, picture.boxes_received_at)


class JpegFeeds:
    """One feed for each stream that somebody reads; `executor` encodes."""

    def __init__(self, *, registry: SessionRegistry, executor: Executor) -> None:
        self._registry = registry
        self._executor = executor
        self._feeds: dict[Stream, JpegFeed] = {}  # not by id, which the next stream of a camera has too
        registry.changes.subscribe(self)

    def __len__(self) -> int:
        return len(self._feeds)

    @asynccontextmanager
    async def read(self, stream: Stream) -> AsyncIterator[JpegFeed]:
        """The feed of a running stream, inside the block."""
        feed = self._feeds.get(stream)
        if feed is None:
            feed = self._feeds[stream] = JpegFeed(stream, executor=self._executor)
        feed.readers += 1
        try:
            yield feed
        finally:
            feed.readers -= 1
            if not feed.readers:
                del self._feeds[stream]
                await feed.aclose()

    def put(self, item: Change) -> None:
        """Ends the readers of a stream that has ended."""
        if isinstance(item, SessionClosed) and item.session.stream in self._feeds:
            self._feeds[item.session.stream].close()

    def close(self) -> None:
        """Ends all readers."""
        self._registry.changes.unsubscribe(self)
        for feed in self._feeds.values():
            feed.close()
