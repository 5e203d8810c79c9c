"""The source of a WebRTC session: the frames of the remote video track."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Executor
from dataclasses import dataclass

import av
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack

from server.domain.frame import Frame, PixelLayout
from server.media.i420 import is_i420, to_i420
from server.pipeline.slot import LatestSlot

ReceiptClock = Callable[[int], float | None]


@dataclass(frozen=True, slots=True)
class _Received:
    """A decoded frame, which nobody has converted yet."""

    video_frame: av.VideoFrame
    index: int
    received_at: float


class WebrtcSource:
    """Yields the frames of a remote track as I420, and the newest one only while a conversion is under way.

    A task reads the track all the time, because aiortc queues decoded frames without a bound. A frame that is I420 already is
    copied on the event loop; another one is converted on `converter`, a bounded executor apart from aiortc's encoders. Each
    `av.VideoFrame` is converted once, by one thread: PyAV's scaler belongs to the frame and is not locked.

    `receipt_of` gives the time at which the last packet of the frame with that pts arrived; without it the time of
    decoding counts. A frame of more than `max_pixels` ends the source, and `on_refused` is told why. `lost_before` counts the
    frames that were given up before they were decoded.
    """

    def __init__(
        self,
        track: MediaStreamTrack,
        *,
        converter: Executor,
        receipt_of: ReceiptClock | None = None,
        lost_before: Callable[[], int] = lambda: 0,
        max_pixels: int | None = None,
        on_refused: Callable[[str], None] = lambda reason: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._track = track
        self._converter = converter
        self._receipt_of = receipt_of
        self._lost_before = lost_before
        self._max_pixels = max_pixels
        self._on_refused = on_refused
        self._clock = clock
        self._slot: LatestSlot[_Received] = LatestSlot()
        self.received = 0
        self.last_frame_at: float | None = None

    @property
    def lost(self) -> int:
        """Frames that were given up before they were decoded, or that a newer one replaced before they were converted."""
        return self._lost_before() + self._slot.dropped

    async def frames(self) -> AsyncIterator[Frame]:
        """Yields frames until the track ends; to be called once."""
        reader = asyncio.create_task(self._read(), name="read the remote video track")
        try:
            async for received in self._slot:
                yield await self._frame(received)
        finally:
            reader.cancel()
            await asyncio.wait([reader])

    async def _read(self) -> None:
        try:
            while True:
                video_frame = await self._track.recv()
                if isinstance(video_frame, av.VideoFrame):
                    if self._is_too_large(video_frame):
                        break
                    self._take(video_frame)
        except MediaStreamError:
            pass
        finally:
            self._slot.close()

    def _is_too_large(self, video_frame: av.VideoFrame) -> bool:
        width, height = video_frame.width, video_frame.height
        if self._max_pixels is None or width * height <= self._max_pixels:
            return False
        self._on_refused(f"its video of {width}x{height} has more than {self._max_pixels:,} pixels (live.max_pixels)")
        return True

    def _take(self, video_frame: av.VideoFrame) -> None:
        now = self._clock()
        receipt = self._receipt_of(video_frame.pts) if self._receipt_of and video_frame.pts is not None else None
        self._slot.put(_Received(video_frame, self.received, now if receipt is None else receipt))
        self.received += 1
        self.last_frame_at = now

    async def _frame(self, received: _Received) -> Frame:
        video_frame = received.video_frame
        if is_i420(video_frame):
            pixels = to_i420(video_frame)
        else:
            pixels = await asyncio.get_running_loop().run_in_executor(self._converter, to_i420, video_frame)
        return Frame(
            pixels=pixels,
            layout=PixelLayout.I420,
            index=received.index,
            pts_s=received.received_at if video_frame.pts is None else video_frame.time,
            received_at=received.received_at,
        )
