"""Decoders that make no room for a picture of any size: the size is read before it is decoded."""

import av
from aiortc.codecs.base import Decoder
from aiortc.jitterbuffer import JitterFrame
from aiortc.rtcrtpparameters import RTCRtpCodecParameters
from av.frame import Frame

SPARE = 4
"""A decoder takes so many times the pixels that a session may have: what is a little too large is then refused by its name."""

_KEY_FRAME_START = b"\x9d\x01\x2a"
_INVALID_DATA = 1094995529  # AVERROR_INVALIDDATA


class BoundedDecoder(Decoder):
    """Another decoder of aiortc's for pictures of at most `max_pixels`; raises av.FFmpegError above. On the decoder's thread.

    FFmpeg keeps to the limit by itself. libvpx makes room as soon as it has read the size, 2.2 GB for a frame of 1 KB that
    claims 16383x16383, so that of VP8 the size is read here.
    """

    def __init__(self, decoder: Decoder, *, max_pixels: int) -> None:
        self._decoder = decoder
        self._max_pixels = max_pixels
        codec = getattr(decoder, "codec", None)
        if isinstance(codec, av.CodecContext):
            codec.options = {"max_pixels": str(max_pixels)}
        self._is_vp8 = isinstance(codec, av.CodecContext) and codec.name == "libvpx"

    def decode(self, encoded_frame: JitterFrame) -> list[Frame]:
        """The frames that come of it."""
        width, height = vp8_size(encoded_frame.data) if self._is_vp8 else (0, 0)
        if width * height > self._max_pixels:
            raise av.InvalidDataError(_INVALID_DATA, f"a picture of {width}x{height} is larger than a decoder takes")
        return self._decoder.decode(encoded_frame)


def vp8_size(frame: bytes) -> tuple[int, int]:
    """What a VP8 key frame claims (RFC 6386, section 9.1); zeros for any other frame."""
    if len(frame) < 10 or frame[0] & 1 or frame[3:6] != _KEY_FRAME_START:
        return 0, 0
    return int.from_bytes(frame[6:8], "little") & 0x3FFF, int.from_bytes(frame[8:10], "little") & 0x3FFF


def is_video(codec: RTCRtpCodecParameters) -> bool:
    """Whether a codec makes pictures."""
    return codec.mimeType.lower().startswith("video/")
