"""Encoded tap: keeps the encoded frames of a received WebRTC video in a ring, as they are on their way to the decoder."""

from collections.abc import Callable

from server.domain.encoded import EncodedPacket, VideoCodec
from server.media.h264_stream import START_CODE, split_annex_b
from server.pipeline.packet_ring import PacketRing
from server.transports.jitter_buffer import ReceivedFrame, is_key_frame

# Browsers send a key frame only when they are asked: without one every few seconds a clip could not begin where it should. One
# costs as much as five to ten frames.
KEY_FRAME_EVERY_S = 4.0
_CLOCK_RATE = 90_000
_NAMES = {"H264": "h264", "VP8": "vp8"}
_SPS, _PPS = 7, 8


class EncodedTap:
    """Puts frames into the ring; `ask_for_key_frame` is called where the newest one is too old."""

    def __init__(self, ring: PacketRing, *, ask_for_key_frame: Callable[[], None]) -> None:
        self._ring = ring
        self._ask = ask_for_key_frame
        self._asked_at = float("-inf")
        self._codecs: dict[str, VideoCodec] = {}
        self._sets: dict[int, bytes] = {}

    def put(self, codec_name: str, frame: ReceivedFrame) -> None:
        """Keeps one complete frame, whose timestamp is unwrapped; never blocks."""
        name = _NAMES.get(codec_name.upper())
        if name is None:
            return
        keyframe = is_key_frame(frame.data, codec_name=codec_name)
        data = self._with_sets(frame.data) if name == "h264" and keyframe else frame.data
        codec = self._codecs.setdefault(name, VideoCodec(name))
        self._ring.put(EncodedPacket(data, codec, keyframe, frame.received_at, frame.timestamp / _CLOCK_RATE))
        age_s = self._ring.keyframe_age_s(frame.received_at)
        if (age_s is None or age_s > KEY_FRAME_EVERY_S) and frame.received_at - self._asked_at >= KEY_FRAME_EVERY_S:
            self._asked_at = frame.received_at
            self._ask()

    def _with_sets(self, data: bytes) -> bytes:
        """A key frame with the parameter sets that it needs: some senders send them once."""
        units = split_annex_b(data)
        own = {unit[0] & 0x1F: unit for unit in units if unit and unit[0] & 0x1F in (_SPS, _PPS)}
        self._sets |= own
        missing = [self._sets[kind] for kind in (_SPS, _PPS) if kind in self._sets and kind not in own]
        return b"".join(START_CODE + unit for unit in missing) + data
