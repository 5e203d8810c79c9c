"""RTP packets for tests."""

from aiortc.rtcrtpparameters import RTCRtpCodecParameters
from aiortc.rtp import RtpPacket

VP8 = RTCRtpCodecParameters(mimeType="video/VP8", clockRate=90000, payloadType=97)
H264 = RTCRtpCodecParameters(mimeType="video/H264", clockRate=90000, payloadType=99)
CODECS = {97: VP8, 99: H264}
VP8_KEY_FRAME = b"\x10\x02\x00\x9d\x01\x2a\x00\x02\x00\x01"
VP8_DELTA_FRAME = b"\x11\x02\x00\x55\x66\x77"
# Anything can stand in compressed data, also what begins a key frame of H.264.
VP8_DELTA_LIKE_H264 = VP8_DELTA_FRAME + b"\x00\x00\x01\x65"


def make_packet(
    number: int, *, frame: int, last: bool = False, data: bytes | None = None, ssrc: int = 7, payload_type: int = 97
) -> RtpPacket:
    """A packet as aiortc's receiver gives it to the jitter buffer: `data` is depayloaded; frames are 3000 ticks apart."""
    packet = RtpPacket(
        payload_type=payload_type, sequence_number=number % 65536, timestamp=frame * 3000, marker=int(last), payload=b"x"
    )
    packet.ssrc = ssrc
    packet._data = bytes([number % 256]) if data is None else data  # type: ignore[attr-defined]  # set by aiortc too
    return packet
