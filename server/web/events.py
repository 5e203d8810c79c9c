"""Events: what a page follows of the whole server over one connection (server-sent events)."""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

import msgspec

from server.domain.errors import AtCapacity
from server.domain.live import LiveResult
from server.domain.model import ModelInfo
from server.jobs.service import VideoJobs
from server.pipeline.stream import Stream
from server.transports.messages import DetectionMessage, detection_message
from server.transports.registry import Change, DrainingBegun, SessionClosed, SessionOpened, SessionRegistry
from server.web.alert_events import AlertEvents
from server.web.alerts import AlertDesk
from server.web.answers import StreamsAnswer, stream_answer
from server.web.camera_feed import CameraEvents
from server.web.cameras import CameraService
from server.web.video_feed import VideoFeed

# Streams open and end seldom: whoever has missed this many has stopped reading, and begins anew with the list.
MOST_WAITING = 64


class ClosedEvent(msgspec.Struct, frozen=True):
    """A stream has ended."""

    id: str


class DetectionsEvent(msgspec.Struct, frozen=True):
    """The newest result of a stream, in the form of the data channel; `box_age_ms` is that of whoever feeds it."""

    stream: str
    message: DetectionMessage


class DrainingEvent(msgspec.Struct, frozen=True):
    """The server ends in `grace_s` seconds."""

    grace_s: float


class EventFeed:
    """What one client follows: all openings and endings, and of the streams it named the newest result.

    Results that it does not take in time are replaced by newer ones.
    """

    def __init__(
        self,
        registry: SessionRegistry,
        *,
        stream_ids: Iterable[str],
        model: ModelInfo,
        clock: Callable[[], float],
    ) -> None:
        self._registry = registry
        self._stream_ids = frozenset(stream_ids)
        self._model = model
        self._clock = clock
        self._events: deque[bytes] = deque()
        self._followed: dict[str, _Followed] = {}
        self._changed = asyncio.Event()
        self._videos: VideoFeed | None = None
        self._cameras: CameraEvents | None = None
        self._alerts: AlertEvents | None = None
        self._closed = False

    async def follow_videos(self, jobs: VideoJobs, *, ids: Iterable[str] | None) -> None:
        """Follows these video files too, all with None, and begins with what is known of them."""
        self._videos = VideoFeed(jobs.changes, ids=ids, changed=self._changed)
        self._videos.begin(await jobs.all())

    async def follow_alerts(self, desk: AlertDesk) -> None:
        """Follows alerts too, and begins with those that wait; raises RecordsUnavailable."""
        self._alerts = AlertEvents(desk, changed=self._changed)
        await self._alerts.begin()

    def follow_cameras(self, cameras: CameraService) -> None:
        """Follows the cameras too, and begins with all of them."""
        self._cameras = CameraEvents(cameras, changed=self._changed)

    def open(self) -> None:
        """Begins with the list of the streams that run."""
        streams = [session.stream for session in self._registry]
        self._add("streams", StreamsAnswer([stream_answer(stream) for stream in streams]))
        for stream in streams:
            self._follow(stream)
        self._registry.changes.subscribe(self)

    def put(self, item: Change) -> None:
        """Notes what becomes of a session."""
        if isinstance(item, SessionOpened):
            self._add("opened", stream_answer(item.session.stream))
            self._follow(item.session.stream)
        elif isinstance(item, SessionClosed):
            self._add("closed", ClosedEvent(item.session.id))
            self._unfollow(item.session.id)
        elif isinstance(item, DrainingBegun):
            self._add("draining", DrainingEvent(item.grace_s))

    async def next(self, *, within_s: float) -> bytes | None:
        """All that has come since the last call, as soon as there is something; empty after `within_s`, None at the end."""
        try:
            async with asyncio.timeout(within_s):
                await self._changed.wait()
        except TimeoutError:
            return b""
        if self._closed:
            return None
        self._changed.clear()
        waiting = b"".join(self._events)
        self._events.clear()
        alerts = await self._newest_alerts()
        rest = (*self._newest_videos(), *self._newest_of_cameras(), *self._newest_results())
        return waiting + b"".join((*alerts, *rest))

    def close(self) -> None:
        """Takes the feed off everything; `next()` returns None from here on."""
        self._closed = True
        self._changed.set()
        self._registry.changes.unsubscribe(self)
        for stream_id in tuple(self._followed):
            self._unfollow(stream_id)
        if self._videos is not None:
            self._videos.close()
        if self._cameras is not None:
            self._cameras.close()
        if self._alerts is not None:
            self._alerts.close()

    def _add(self, name: str, data: msgspec.Struct) -> None:
        if len(self._events) >= MOST_WAITING:
            self.close()
        else:
            self._events.append(encode_event(name, data))
            self._changed.set()

    def _follow(self, stream: Stream) -> None:
        if stream.id in self._stream_ids:
            self._followed[stream.id] = _Followed(stream, changed=self._changed)

    def _unfollow(self, stream_id: str) -> None:
        followed = self._followed.pop(stream_id, None)
        if followed is not None:
            followed.close()

    async def _newest_alerts(self) -> list[bytes]:
        events = () if self._alerts is None else await self._alerts.take()
        return [encode_event(name, data) for name, data in events]

    def _newest_videos(self) -> Iterator[bytes]:
        if self._videos is not None:
            yield from (encode_event(name, data) for name, data in self._videos.take())

    def _newest_of_cameras(self) -> Iterator[bytes]:
        if self._cameras is not None:
            yield from (encode_event(name, data) for name, data in self._cameras.take())

    def _newest_results(self) -> Iterator[bytes]:
        for followed in self._followed.values():
            result = followed.take()
            if result is not None:
                yield encode_event("detections", self._detections(followed.stream, result))

    def _detections(self, stream: Stream, result: LiveResult) -> DetectionsEvent:
        message = detection_message(
            result,
            labels=self._model.labels,
            received=stream.received,
            dropped=stream.dropped,
            age_ms=(self._clock() - result.frame.received_at) * 1000,
            box_age_ms=stream.meter.last_box_age_ms,
        )
        return DetectionsEvent(stream.id, message)


class _Followed:
    """A sink that keeps the newest result of one stream."""

    def __init__(self, stream: Stream, *, changed: asyncio.Event) -> None:
        self.stream = stream
        self._changed = changed
        self._newest: LiveResult | None = None
        stream.results.subscribe(self)

    def put(self, item: LiveResult) -> None:
        """Keeps it in place of the one before."""
        self._newest = item
        self._changed.set()

    def take(self) -> LiveResult | None:
        """The newest result that was not taken yet."""
        result, self._newest = self._newest, None
        return result

    def close(self) -> None:
        """Takes the sink off the stream."""
        self.stream.results.unsubscribe(self)


class EventFeeds:
    """All clients that follow events, `most` of them at once; each page is one."""

    def __init__(self, registry: SessionRegistry, *, most: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = most
        self._registry = registry
        self._clock = clock
        self._feeds: set[EventFeed] = set()

    @contextmanager
    def open(self, stream_ids: Iterable[str], *, model: ModelInfo) -> Iterator[EventFeed]:
        """A feed inside the block; AtCapacity when there are too many."""
        if len(self._feeds) >= self._most:
            message = f"all {self._most} event streams are taken (server.max_event_streams)"
            raise AtCapacity(message, capacity=self._most, active=len(self._feeds))
        feed = EventFeed(self._registry, stream_ids=stream_ids, model=model, clock=self._clock)
        self._feeds.add(feed)
        feed.open()
        try:
            yield feed
        finally:
            self._feeds.discard(feed)
            feed.close()

    def close(self) -> None:
        """Ends all of them."""
        for feed in self._feeds:
            feed.close()


def encode_event(name: str, data: msgspec.Struct) -> bytes:
    """One event in the form of `text/event-stream`; JSON has no line breaks."""
    return b"event: %b\ndata: %b\n\n" % (name.encode(), msgspec.json.encode(data))
