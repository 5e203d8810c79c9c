"""A jitter buffer for video that hands a frame on as soon as its last packet is there."""

import re
import time
from collections.abc import Callable, Mapping

from aiortc.jitterbuffer import JitterBuffer, JitterFrame
from aiortc.rtcrtpparameters import RTCRtpCodecParameters
from aiortc.rtp import RtpPacket
from aiortc.utils import uint16_add

# aiortc's own capacity for video: 1.2 s at 4 Mbit/s.
CAPACITY = 512

# Start code and the header byte of a slice of an IDR picture (nal_unit_type 5, H.264 table 7-1) at each nal_ref_idc.
_H264_IDR = re.compile(rb"\x00\x00\x01[\x05\x25\x45\x65]")


class ReceivedFrame(JitterFrame):
    """An encoded frame; `received_at` is the clock's reading when its last packet arrived."""

    def __init__(self, data: bytes, *, timestamp: int, payload_type: int, received_at: float) -> None:
        super().__init__(data, timestamp)
        self.payload_type = payload_type
        self.received_at = received_at


class PromptJitterBuffer(JitterBuffer):
    """aiortc's jitter buffer for video with another end of a frame, and a way past packets that never come.

    With `early_release` a frame ends with the packet that carries the RTP marker bit (RFC 7741, 4.1; RFC 6184, 5.1), else with
    the first packet of the next frame, as in aiortc. Padding-only packets never make an empty frame. `codecs` has the codec of
    each payload type that comes.
    """

    def __init__(
        self,
        *,
        codecs: Mapping[int, RTCRtpCodecParameters],
        early_release: bool,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(capacity=CAPACITY, is_video=True)
        self._codecs = codecs
        self._early_release = early_release
        self._clock = clock
        self._arrivals = [0.0] * CAPACITY
        self._newest: int | None = None
        self.ssrc = 0
        self.skipping = False

    @property
    def origin(self) -> int | None:
        """Sequence number of the first packet that is waited for or held; None before any."""
        return self._origin

    def add(self, packet: RtpPacket) -> tuple[bool, JitterFrame | None]:
        """Takes a packet; returns whether a key frame is needed, and the first complete frame. `pop()` gives the others."""
        if self._is_past(packet):
            return False, None
        self.ssrc = packet.ssrc
        self._arrivals[packet.sequence_number % CAPACITY] = self._clock()
        if self._newest is None or 0 < uint16_add(packet.sequence_number, -self._newest) < 0x8000:
            self._newest = packet.sequence_number
        needs_key_frame, frame = super().add(packet)
        if self.skipping and frame is None:
            self.skip_to_key_frame()
            frame = self.pop()
        elif self.skipping:  # what was lost has come after all: nothing is left to skip, unless more is missing
            self.skipping = self.first_gap() is not None
        return needs_key_frame, frame

    def pop(self) -> ReceivedFrame | None:
        """Removes and returns the first frame if it is complete; a retransmitted packet can complete several at once."""
        while (length := self._first_frame_length()) is not None:
            frame = self._assemble(length)
            self.remove(length)
            if frame.data:
                return frame
        return None

    def first_gap(self) -> int | None:
        """Sequence number of the first missing packet that holds up packets behind it."""
        if self._origin is None or self._newest is None:
            return None
        ahead = uint16_add(self._newest, -self._origin)
        if ahead >= CAPACITY:  # the newest one is just behind the origin: everything was handed on
            return None
        for count in range(ahead):
            if self._packets[(self._origin + count) % CAPACITY] is None:
                return uint16_add(self._origin, count)
        return None

    def skip_to_key_frame(self) -> None:
        """Drops what lies before the next key frame as soon as that has begun to arrive: nothing needs it any more."""
        self.skipping = True
        start = self._key_frame_start()
        if start is not None:
            self.remove(start)
            self.skipping = False

    def _remove_frame(self, sequence_number: int) -> ReceivedFrame | None:
        """What aiortc's `add()` calls to get a frame."""
        return self.pop()

    def _is_past(self, packet: RtpPacket) -> bool:
        """Whether the packet lies before what was handed on; aiortc starts over when one is 100 packets back."""
        return self._origin is not None and 0 < uint16_add(self._origin, -packet.sequence_number) < CAPACITY

    def _packet(self, count: int) -> RtpPacket | None:
        return self._packets[((self._origin or 0) + count) % CAPACITY]

    def _first_frame_length(self) -> int | None:
        """How many packets the first frame has, None while it is not complete."""
        timestamp: int | None = None
        for count in range(CAPACITY):
            packet = self._packet(count)
            if packet is None:
                return None
            if timestamp is None:
                timestamp = packet.timestamp
            elif packet.timestamp != timestamp:
                return count
            if self._early_release and packet.marker:
                return count + 1
        return None

    def _assemble(self, length: int) -> ReceivedFrame:
        packets = [packet for packet in map(self._packet, range(length)) if packet is not None]
        return ReceivedFrame(
            b"".join(_data(packet) for packet in packets),
            timestamp=packets[0].timestamp,
            payload_type=packets[0].payload_type,
            received_at=max(self._arrivals[packet.sequence_number % CAPACITY] for packet in packets),
        )

    def _key_frame_start(self) -> int | None:
        """Where behind the first frame a key frame begins, counted from the origin."""
        for count in range(1, CAPACITY):
            packet = self._packet(count)
            if packet is None or not is_key_frame(_data(packet), codec_name=self._codecs[packet.payload_type].name):
                continue
            start = self._frame_start(count, timestamp=packet.timestamp)
            if start > 0:
                return start
        return None

    def _frame_start(self, count: int, *, timestamp: int) -> int:
        """The first of the packets in an unbroken row before `count` that belong to the same frame."""
        while count > 0:
            before = self._packet(count - 1)
            if before is None or before.timestamp != timestamp:
                break
            count -= 1
        return count


def is_key_frame(data: bytes, *, codec_name: str) -> bool:
    """Whether depayloaded VP8 or H.264 data holds (the beginning of) a picture that needs no other one.

    VP8: the frame tag's first bit is 0 and the start code follows it (RFC 6386, 9.1). H.264: a slice of an IDR picture. The
    data of either may by chance look like a key frame of the other.
    """
    if codec_name.upper() == "VP8":
        return data[3:6] == b"\x9d\x01\x2a" and not data[0] & 1
    return _H264_IDR.search(data) is not None


def _data(packet: RtpPacket) -> bytes:
    """The depayloaded bytes, which aiortc's receiver hangs onto the packet."""
    data: bytes = packet._data  # type: ignore[attr-defined]  # noqa: SLF001 - set by RTCRtpReceiver, declared nowhere
    return data
