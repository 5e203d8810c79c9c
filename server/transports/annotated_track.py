"""The video that goes back to the client: annotated pictures as a WebRTC track."""

import fractions
import time
from collections.abc import Callable

import av
from aiortc.mediastreams import VIDEO_CLOCK_RATE, MediaStreamError, MediaStreamTrack

from server.domain.live import AnnotatedFrame
from server.media.i420 import to_video_frame
from server.pipeline.freshness import FreshnessMeter
from server.pipeline.slot import LatestSlot, SlotClosed
from server.pipeline.stream import Stream
from server.transports.encoding_turns import EncodingTurns

TIME_BASE = fractions.Fraction(1, VIDEO_CLOCK_RATE)
# A gap in the source's own times that is no pause of a camera: its clock was set. The track then goes on one frame later.
LONGEST_STEP = 10 * VIDEO_CLOCK_RATE
ONE_FRAME = VIDEO_CLOCK_RATE // 30


class AnnotatedVideoTrack(MediaStreamTrack):
    """Sends the newest annotated picture of a stream; pictures that come while one is being encoded are dropped.

    aiortc's sender asks for the next frame when it has encoded and sent the one before: then that one's age is measured.
    `meter` takes it, the stream's own if nothing else is said. Where there are `turns`, encoding waits for one. Its times are
    the source's, on a 90 kHz clock that never goes back.
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
        self._stream = stream
        self._meter = meter or stream.meter
        self._clock = clock
        self._slot: LatestSlot[AnnotatedFrame] = LatestSlot()
        self._under_way: AnnotatedFrame | None = None
        self._source_pts: int | None = None
        self._pts = 0
        self._last_index = -1
        stream.pictures.subscribe(self._slot)

    async def recv(self) -> av.VideoFrame:
        """Returns the newest picture as soon as there is one that was not sent yet."""
        self._record_sent()
        self._give_back_turn()
        if self.readyState != "live":
            raise MediaStreamError
        picture = await self._next_picture()
        if self._turns is not None:
            self._turn_began_at = await self._turns.take()
            picture = self._newer(self._slot.poll()) or picture
        self._under_way = picture
        video_frame = to_video_frame(picture.frame.pixels)
        video_frame.pts = self._next_pts(round(picture.frame.pts_s * VIDEO_CLOCK_RATE))
        video_frame.time_base = TIME_BASE
        return video_frame

    def stop(self) -> None:
        """Ends the track and takes it off the stream."""
        self._stream.pictures.unsubscribe(self._slot)
        self._slot.close()
        self._give_back_turn()
        super().stop()

    async def _next_picture(self) -> AnnotatedFrame:
        """The newest picture that is newer than the last one.

        When a stream begins to follow its detector, the first frame with its own boxes is older than those shown before.
        """
        while True:
            try:
                picture = self._newer(await self._slot.get())
            except SlotClosed:
                raise MediaStreamError from None
            if picture is not None:
                return picture

    def _newer(self, picture: AnnotatedFrame | None) -> AnnotatedFrame | None:
        """The picture, if it is newer than the last one."""
        if picture is None or picture.frame.index <= self._last_index:
            return None
        self._last_index = picture.frame.index
        return picture

    def _give_back_turn(self) -> None:
        if self._turns is not None and self._turn_began_at is not None:
            self._turns.give_back(self._turn_began_at)
            self._turn_began_at = None

    def _next_pts(self, source_pts: int) -> int:
        if self._source_pts is not None:
            step = source_pts - self._source_pts
            self._pts += step if 0 < step <= LONGEST_STEP else ONE_FRAME
        self._source_pts = source_pts
        return self._pts

    def _record_sent(self) -> None:
        if self._under_way is None:
            return
        boxes_received_at = self._under_way.boxes_received_at
        self._meter.record_picture(None if boxes_received_at is None else (self._clock() - boxes_received_at) * 1000)
        self._under_way = None
