"""A viewer's video: pictures of an encoding that it shares with other viewers of the stream."""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from typing import Any

import av
from aiortc.mediastreams import MediaStreamError

from server.pipeline.freshness import FreshnessMeter
from server.pipeline.stream import Stream
from server.transports.aiortc_sender import EncodedVideoTrack
from server.transports.shared_encoding import EncodedPicture
from server.transports.track_clock import TIME_BASE, SentPictures, TrackClock
from server.transports.viewer_group import ViewerGroup

# A quarter of a second at 30 fps. What waits longer is old; without the rest of them no later one could be decoded.
LONGEST_QUEUE = 8


class SharedVideoTrack(EncodedVideoTrack):
    """Sends what the encoding gives, from a key frame on.

    One that is not sent in time goes with all behind it, and the next is a key frame: a viewer never gets a picture whose
    predecessors it did not. `group_of` finds the viewers of the same stream and codec, and is called when the peer is
    connected; `on_failed` is called where there is no encoder any more.
    """

    def __init__(
        self,
        stream: Stream,
        *,
        group_of: Callable[[Stream, str], ViewerGroup],
        meter: FreshnessMeter,
        on_failed: Callable[[], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__()
        self._stream = stream
        self._group_of = group_of
        self._on_failed = on_failed
        self._group: ViewerGroup | None = None
        self._sent = SentPictures(meter, clock=clock)
        self._times = TrackClock()
        self._queue: deque[EncodedPicture] = deque()
        self._changed = asyncio.Event()
        self._waits_for_key = True

    def begin(self, mime_type: str) -> None:
        """Joins the viewers of the same codec."""
        if self._group is None and self.readyState == "live":
            self._group = self._group_of(self._stream, mime_type)
            self._group.join(self)

    async def recv(self) -> "av.Packet[Any]":
        """Returns the next picture as soon as there is one; raises MediaStreamError once the track has ended."""
        self._sent.end()
        while not self._queue:
            if self.readyState != "live":
                raise MediaStreamError
            self._changed.clear()
            await self._changed.wait()
        picture = self._queue.popleft()
        self._sent.begin(picture.boxes_received_at)
        packet: av.Packet[Any] = av.Packet(picture.data)
        packet.pts, packet.time_base = self._times.pts_of(picture.time_s), TIME_BASE
        return packet

    def put(self, item: EncodedPicture) -> None:
        """Takes the next picture of its encoding, without waiting."""
        if item.keyframe:
            self._queue.clear()  # it needs none of them, and is newer
            self._waits_for_key = False
        elif self._waits_for_key:
            return
        elif len(self._queue) >= LONGEST_QUEUE:
            self._queue.clear()
            self._waits_for_key = True
            self.ask_for_key_frame()
            return
        self._queue.append(item)
        self._changed.set()

    def wait_for_key_frame(self) -> None:
        """Takes no picture before the next key frame; what waits is still sent."""
        self._waits_for_key = True

    def ask_for_key_frame(self) -> None:
        """Has the next picture made one, in at most a second."""
        if self._group is not None:
            self._group.ask_for_key_frame(self)

    def note_estimate(self, bps: int) -> None:
        """Tells what the receiver estimates."""
        if self._group is not None:
            self._group.note_estimate(self, bps)

    def fail(self) -> None:
        """Ends the track, whose encoder has failed."""
        self.stop()
        self._on_failed()

    def stop(self) -> None:
        """Ends the track and leaves the other viewers; may be called again."""
        group, self._group = self._group, None
        if group is not None:
            group.leave(self)
        super().stop()
        self._queue.clear()
        self._changed.set()
