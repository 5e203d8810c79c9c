"""What a camera delivers, from the threads that read it to the event loop."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import replace

from server.domain.encoded import EncodedPacket, VideoCodec
from server.domain.frame import Frame
from server.pipeline.packet_ring import PacketRing
from server.pipeline.slot import LatestSlot


class CameraSource:
    """The source of a camera's stream, over all its connections: the newest picture, wherever one is.

    Readers call `put_frame` on their threads; of what the loop has not taken in yet only the newest is held. All else is for
    the event loop, on which it is made.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._slot: LatestSlot[Frame] = LatestSlot()
        self._lock = threading.Lock()
        self._waiting: Frame | None = None
        self._received = 0
        self._overtaken = 0
        self.newest_received_at: float | None = None

    @property
    def lost(self) -> int:
        """Pictures that newer ones overtook."""
        return self._overtaken + self._slot.dropped

    async def frames(self) -> AsyncIterator[Frame]:
        """Yields pictures without end."""
        async for frame in self._slot:
            yield frame

    def put_frame(self, frame: Frame) -> None:
        """Takes one, on any thread, and numbers it anew: connections come and go, the stream stays."""
        with self._lock:
            scheduled = self._waiting is not None
            self._overtaken += scheduled
            self._waiting = replace(frame, index=self._received)
            self._received += 1
            self.newest_received_at = frame.received_at
        if not scheduled:
            try:
                self._loop.call_soon_threadsafe(self._deliver)
            except RuntimeError:  # the loop has ended meanwhile
                return

    def _deliver(self) -> None:
        with self._lock:
            frame, self._waiting = self._waiting, None
        if frame is not None:
            self._slot.put(frame)


class CameraFeed:
    """What one connection delivers, and when it last did: a sink for a reader, on its thread.

    `source` and `packets` get what there is for them; either may be None.
    """

    def __init__(
        self,
        *,
        source: CameraSource | None,
        packets: PacketRing | None,
        patience_s: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._source = source
        self._packets = packets
        self._patience_s = patience_s
        self._clock = clock
        self._paced = False
        self.codec: VideoCodec | None = None
        self.last_packet_at: float | None = None
        self.newest_received_at: float | None = None

    @property
    def delivers(self) -> bool:
        """Whether what is wanted has begun to come: pictures, or packets where those are all."""
        return (self.newest_received_at if self._source is not None else self.last_packet_at) is not None

    def silent_s(self) -> float:
        """For how long nothing has come, less what is usual where a camera sends in pieces."""
        return 0.0 if self.last_packet_at is None else self._clock() - self.last_packet_at

    @property
    def patience_s(self) -> float:
        """How long nothing may come."""
        return max(self._patience_s, 20.0) if self._paced else self._patience_s

    def put_frame(self, frame: Frame) -> None:
        """Passes a picture on."""
        self.newest_received_at = frame.received_at
        if self._source is not None:
            self._source.put_frame(frame)

    def put_packet(self, packet: EncodedPacket) -> None:
        """Notes that something came, and keeps it."""
        self.last_packet_at = self._clock()
        if self._packets is not None:
            self._packets.put(packet)

    def note_codec(self, codec: VideoCodec, *, paced: bool) -> None:
        """Notes what comes."""
        self.codec = codec
        self._paced = paced
