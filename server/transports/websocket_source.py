"""The source of a WebSocket session: the JPEG frames that the client sends."""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial

from server.domain.encoded import EncodedPacket, VideoCodec
from server.domain.errors import InvalidRequest
from server.domain.frame import Frame, PixelLayout
from server.media.jpeg import decode_i420
from server.pipeline.packet_ring import PacketRing

# What the contract allows a client: one frame that is being checked, and one that waits. Whoever keeps to that loses none.
MOST_UNANSWERED = 2
_MJPEG = VideoCodec("mjpeg")


@dataclass(frozen=True, slots=True)
class _Received:
    """A frame as it came, which nobody has decoded yet."""

    data: bytes
    index: int
    received_at: float


class WebsocketSource:
    """Yields JPEG frames as I420, decoded on `converter`; of more than two that wait for that, the newest two.

    `on_damaged` gets each frame that cannot be used, by its index, and why; `damaged_in_a_row` counts those since the last good
    one. `received` counts all frames, `lost` those that newer ones replaced. Times are those of receipt, as JPEG frames
    carry none.
    """

    def __init__(
        self,
        *,
        converter: Executor,
        max_pixels: int,
        on_damaged: Callable[[int, InvalidRequest], None],
        packets: PacketRing | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._converter = converter
        self._max_pixels = max_pixels
        self._on_damaged = on_damaged
        self._packets = packets
        self._clock = clock
        self._waiting: deque[_Received] = deque(maxlen=MOST_UNANSWERED)
        self._arrived = asyncio.Event()
        self._first_at: float | None = None
        self.received = 0
        self.lost = 0
        self.damaged_in_a_row = 0
        self.last_frame_at: float | None = None

    def put(self, data: bytes) -> None:
        """Takes the next frame as it came."""
        now = self._clock()
        self.lost += len(self._waiting) == MOST_UNANSWERED
        self._waiting.append(_Received(data, self.received, now))
        self._arrived.set()
        self.received += 1
        self.last_frame_at = now
        if self._first_at is None:
            self._first_at = now

    async def frames(self) -> AsyncIterator[Frame]:
        """Yields frames for ever: whoever reads them ends with the session."""
        while True:
            while not self._waiting:
                self._arrived.clear()
                await self._arrived.wait()
            frame = await self._decode(self._waiting.popleft())
            if frame is not None:
                yield frame

    async def _decode(self, received: _Received) -> Frame | None:
        decode = partial(decode_i420, received.data, max_pixels=self._max_pixels)
        try:
            pixels = await asyncio.get_running_loop().run_in_executor(self._converter, decode)
        except InvalidRequest as exc:
            self.damaged_in_a_row += 1
            self._on_damaged(received.index, exc)
            return None
        self.damaged_in_a_row = 0
        pts_s = received.received_at - (self._first_at or 0.0)
        if self._packets is not None:
            at = received.received_at
            self._packets.put(EncodedPacket(received.data, _MJPEG, keyframe=True, received_at=at, time_s=pts_s))
        return Frame(
            pixels=pixels,
            layout=PixelLayout.I420,
            index=received.index,
            pts_s=pts_s,
            received_at=received.received_at,
        )
