"""One encoding of a stream's annotated pictures, for all viewers that take the same codec."""

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

from server.domain.live import AnnotatedFrame
from server.media.i420 import to_video_frame
from server.pipeline.broadcast import Broadcast
from server.pipeline.slot import SlotClosed
from server.pipeline.stream import Stream
from server.transports.encoders import PromptH264Encoder, PromptVp8Encoder
from server.transports.encoding_turns import EncodingTurns
from server.transports.jitter_buffer import is_key_frame
from server.transports.newest_pictures import NewestPictures
from server.transports.track_clock import TIME_BASE, TrackClock

logger = logging.getLogger(__name__)

# A key frame costs all viewers as much as five to ten other pictures: one that loses packets all the time must not take more.
KEY_FRAME_INTERVAL_S = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class EncodedPicture:
    """An annotated picture as it is sent: H.264 in Annex B form, or VP8.

    `time_s` is its own at the source, `boxes_received_at` when the frame that its boxes come from was received.
    """

    data: bytes
    keyframe: bool
    time_s: float
    boxes_received_at: float | None


class SharedEncoding:
    """Encodes the newest picture of a stream over and over, from `start()` to `close()`; the results go to `pictures`.

    It begins with a key frame; another one comes for those who ask, but at most one a second. Encoding runs in the loop's
    default executor and waits for its turn. `on_failed` is called where the encoder fails: then nothing comes any more.
    """

    def __init__(
        self,
        stream: Stream,
        *,
        encoder: PromptH264Encoder | PromptVp8Encoder,
        turns: EncodingTurns,
        on_failed: Callable[[], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.pictures: Broadcast[EncodedPicture] = Broadcast()
        self._newest = NewestPictures(stream)
        self._name = f"encode {stream.id}"
        self._encoder = encoder
        self._turns = turns
        self._on_failed = on_failed
        self._clock = clock
        self._times = TrackClock()
        self._key_wanted = False
        self._key_at = float("-inf")

    def start(self) -> asyncio.Task[None]:
        """Begins; the task ends soon after `close()`."""
        task = asyncio.create_task(self._run(), name=self._name)
        task.add_done_callback(self._note_end)
        return task

    def close(self) -> None:
        """Takes no further picture; one that is being encoded is finished. May be called again."""
        self._newest.close()

    def ask_for_key_frame(self) -> None:
        """Somebody needs a key frame: the next picture is one, or the first after a second has passed since the last."""
        self._key_wanted = True

    @property
    def target_bps(self) -> int:
        """Bits a second that are aimed at."""
        return self._encoder.target_bitrate

    @target_bps.setter
    def target_bps(self, bps: int) -> None:
        self._encoder.target_bitrate = bps

    async def _run(self) -> None:
        try:
            while True:
                picture = await self._newest.next()
                await self._encode_in_turn(picture)
        except SlotClosed:
            pass

    async def _encode_in_turn(self, picture: AnnotatedFrame) -> None:
        turn = await self._turns.take()
        try:
            picture = self._newest.poll() or picture
            began_at = self._clock()
            key = self._key_wanted and began_at - self._key_at >= KEY_FRAME_INTERVAL_S
            encoded = await asyncio.get_running_loop().run_in_executor(None, self._encode, picture, key)
        finally:
            self._turns.give_back(turn)
        if encoded.keyframe:
            self._key_wanted, self._key_at = False, began_at
        if encoded.data:
            self.pictures.publish(encoded)

    def _encode(self, picture: AnnotatedFrame, key: bool) -> EncodedPicture:  # noqa: FBT001 - from an executor
        frame = to_video_frame(picture.frame.pixels)
        frame.pts = self._times.pts_of(picture.frame.pts_s)
        frame.time_base = TIME_BASE
        data = self._encoder.encode_data(frame, key=key)
        keyframe = is_key_frame(data, codec_name=self._encoder.codec_name)
        return EncodedPicture(data, keyframe, picture.frame.pts_s, picture.boxes_received_at)

    def _note_end(self, task: asyncio.Task[None]) -> None:
        self.close()
        if not task.cancelled() and (failure := task.exception()) is not None:
            logger.error("%s: failed, its viewers are ended", self._name, exc_info=failure)
            self._on_failed()
