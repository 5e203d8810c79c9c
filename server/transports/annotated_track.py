"""The video that goes back to the client: annotated pictures as a WebRTC track with an encoder of its own."""

import time
from collections.abc import Callable

import av
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack

from server.media.i420 import to_video_frame
from server.pipeline.freshness import FreshnessMeter
from server.pipeline.slot import SlotClosed
from server.pipeline.stream import Stream
from server.transports.encoding_turns import EncodingTurns
from server.transports.newest_pictures import NewestPictures
from server.transports.track_clock import TIME_BASE, SentPictures, TrackClock


class AnnotatedVideoTrack(MediaStreamTrack):
    """Sends the newest annotated picture of a stream; pictures that come while one is being encoded are dropped.

    `meter` takes the ages of what was sent, the stream's own if nothing else is said. Where there are `turns`, encoding waits
    for one.
    """

    kind = "video"

    def __init__(
        self,
        stream: Stream,
        *,
        meter: FreshnessMeter | None = None,
        turns: EncodingTurns | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__()
        self._turns = turns
        self._turn_began_at: float | None = None
        self._pictures = NewestPictures(stream)
        self._sent = SentPictures(meter or stream.meter, clock=clock)
        self._times = TrackClock()

    async def recv(self) -> av.VideoFrame:
        """Returns the newest picture as soon as there is one that was not sent yet."""
        self._sent.end()
        self._give_back_turn()
        if self.readyState != "live":
            raise MediaStreamError
        try:
            picture = await self._pictures.next()
        except SlotClosed:
            raise MediaStreamError from None
        if self._turns is not None:
            self._turn_began_at = await self._turns.take()
            picture = self._pictures.poll() or picture
        self._sent.begin(picture.boxes_received_at)
        video_frame = to_video_frame(picture.frame.pixels)
        video_frame.pts = self._times.pts_of(picture.frame.pts_s)
        video_frame.time_base = TIME_BASE
        return video_frame

    def stop(self) -> None:
        """Ends the track and takes it off the stream."""
        self._pictures.close()
        self._give_back_turn()
        super().stop()

    def _give_back_turn(self) -> None:
        if self._turns is not None and self._turn_began_at is not None:
            self._turns.give_back(self._turn_began_at)
            self._turn_began_at = None
