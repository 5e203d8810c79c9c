"""Encoders with settings of ours: for a live picture that must be cheap and prompt."""

import fractions
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import av
from aiortc.codecs.h264 import MAX_FRAME_RATE, H264Encoder
from aiortc.codecs.vpx import Vp8Encoder
from aiortc.mediastreams import VIDEO_CLOCK_RATE, VIDEO_TIME_BASE, convert_timebase
from av.frame import Frame
from av.video.codeccontext import VideoCodecContext
from av.video.frame import PictureType

from server.domain.errors import SettingsError

# Ten seconds at 30 fps: a receiver that needs a key frame asks for one, so they are rarely due.
KEY_FRAME_INTERVAL = 300
# A second thread gains nothing: at 1920x1080 x264 takes 7.9 ms of a processor with one and 7.3 with two, and is done no
# sooner; libvpx' threads wait for each other without sleeping: 11 ms with one, 16 with two, 87 beside other work.
THREADS = 1
# Quantizers below which nobody sees a difference (45 dB); all that is left of the bitrate would go there, however small the
# picture is. By this a quiet 320x240 takes 0.3 Mbit/s instead of 2.1, and 640x480 1.0 instead of 2.4 and a fifth less of the
# processor.
H264_QMIN = 16
VP8_QMIN, VP8_QMAX = 12, 56

VP8_DECREASE = 0.8
VP8_INCREASE = 1.3
VP8_INCREASE_AFTER_S = 5.0
VP8_DECREASE_AFTER_S = 1.0


@dataclass(frozen=True, slots=True)
class Bitrates:
    """Bits a second of the annotated video: at first, and between which limits the receiver's estimate is followed.

    SettingsError for limits that leave nothing between them.
    """

    start_bps: int = 2_000_000
    min_bps: int = 250_000
    max_bps: int = 4_000_000

    def __post_init__(self) -> None:
        if self.min_bps > self.max_bps:
            raise SettingsError(f"webrtc.min_bitrate_bps {self.min_bps} is above webrtc.max_bitrate_bps {self.max_bps}")

    def clamp(self, bps: int) -> int:
        """The nearest bitrate within the limits."""
        return max(self.min_bps, min(bps, self.max_bps))


class PromptH264Encoder(H264Encoder):
    """H.264 by x264: constrained baseline, preset superfast (2.9 ms a frame of 640x480; the default takes 14.3), no delay.

    x264 is opened as a constant-bitrate encoder at the upper limit, because only then does it take another bitrate while it
    runs; aiortc opens a new encoder, and sends a key frame, whenever the estimate has changed by more than 10 %. Its buffer
    of an eighth of a second bounds the size of a key frame.
    """

    codec_name = "H264"

    def __init__(self, bitrates: Bitrates) -> None:
        super().__init__()
        self._bitrates = bitrates
        self._target_bps = bitrates.clamp(bitrates.start_bps)

    @property
    def target_bitrate(self) -> int:
        """Target bitrate in bits a second."""
        return self._target_bps

    @target_bitrate.setter
    def target_bitrate(self, bitrate: int) -> None:
        self._target_bps = self._bitrates.clamp(bitrate)

    def encode_data(self, frame: av.VideoFrame, *, key: bool) -> bytes:
        """One picture in Annex B form, a key frame with its parameter sets. Blocks; one thread at a time."""
        # A frame that was decoded keeps the type it came in with: an incoming key frame would force an outgoing one.
        frame.pict_type = PictureType.I if key else PictureType.NONE
        if self.codec is None or (self.codec.width, self.codec.height) != (frame.width, frame.height):
            self.codec = self._open(frame.width, frame.height)
        self.codec.bit_rate = self._target_bps
        return b"".join(bytes(packet) for packet in self.codec.encode(frame))

    def _encode_frame(self, frame: av.VideoFrame, force_keyframe: bool) -> Iterator[bytes]:  # noqa: FBT001 - aiortc's
        return self._split_bitstream(self.encode_data(frame, key=force_keyframe))

    def _open(self, width: int, height: int) -> VideoCodecContext:
        codec = av.CodecContext.create("libx264", "w")
        codec.width = width
        codec.height = height
        codec.pix_fmt = "yuv420p"
        codec.profile = "Baseline"
        codec.framerate = fractions.Fraction(MAX_FRAME_RATE, 1)
        # RTP's clock: with 1/30 s two pictures that come within 33 ms would get the same time, which x264 does not take.
        codec.time_base = fractions.Fraction(1, VIDEO_CLOCK_RATE)
        codec.gop_size = KEY_FRAME_INTERVAL
        codec.qmin = H264_QMIN
        codec.thread_count = THREADS
        codec.bit_rate = self._bitrates.max_bps
        codec.options = {
            "preset": "superfast",
            "tune": "zerolatency",
            "maxrate": str(self._bitrates.max_bps),
            "bufsize": str(self._bitrates.max_bps // 8),
            "sc_threshold": "0",  # a change of scene makes no key frame: nobody asked for one
            "forced-idr": "1",  # but one that is asked for is a picture to start from
        }
        codec.open()
        return codec


class PromptVp8Encoder(Vp8Encoder):
    """VP8 by libvpx: without noise filter and at its fastest real-time setting, 3.5 ms a frame instead of 5 at equal quality.

    libvpx, as PyAV reaches it, takes no other bitrate while it runs, and a new encoder begins with a key frame. So there is a
    new one only when the target has fallen by a fifth, or has risen by a third and five seconds have passed.
    """

    codec_name = "VP8"

    def __init__(self, bitrates: Bitrates, *, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._bitrates = bitrates
        self._clock = clock
        self._wanted_bps = bitrates.clamp(bitrates.start_bps)
        self._codec_bps = self._wanted_bps
        self._opened_at = clock()

    @property
    def target_bitrate(self) -> int:
        """Bits a second of the present encoder; aiortc replaces one that differs from this by more than 10 %."""
        return self._codec_bps

    @target_bitrate.setter
    def target_bitrate(self, bitrate: int) -> None:
        self._wanted_bps = self._bitrates.clamp(bitrate)

    def encode(self, frame: Frame, force_keyframe: bool = False) -> tuple[list[bytes], int]:  # noqa: FBT001, FBT002 - aiortc's
        """Returns the RTP payloads of one frame and its time on RTP's clock."""
        assert isinstance(frame, av.VideoFrame)  # noqa: S101 - as in aiortc
        assert frame.pts is not None  # noqa: S101 - likewise
        assert frame.time_base is not None  # noqa: S101 - likewise
        payloads = self._packetize(self.encode_data(frame, key=force_keyframe), self.picture_id)
        self.picture_id = (self.picture_id + 1) % (1 << 15)
        return payloads, convert_timebase(frame.pts, frame.time_base, VIDEO_TIME_BASE)

    def encode_data(self, frame: av.VideoFrame, *, key: bool) -> bytes:
        """One VP8 frame. Blocks; one thread at a time."""
        frame.pict_type = PictureType.I if key else PictureType.NONE  # see PromptH264Encoder
        if self.codec is None or (self.codec.width, self.codec.height) != (frame.width, frame.height) or self._is_off_target():
            self.codec = self._open(frame.width, frame.height)
        return b"".join(bytes(packet) for packet in self.codec.encode(frame))

    def _is_off_target(self) -> bool:
        for_s = self._clock() - self._opened_at
        if self._wanted_bps < VP8_DECREASE * self._codec_bps:
            return for_s >= VP8_DECREASE_AFTER_S
        return self._wanted_bps > VP8_INCREASE * self._codec_bps and for_s >= VP8_INCREASE_AFTER_S

    def _open(self, width: int, height: int) -> VideoCodecContext:
        self._codec_bps, self._opened_at = self._wanted_bps, self._clock()
        codec = av.CodecContext.create("libvpx", "w")
        codec.width = width
        codec.height = height
        codec.pix_fmt = "yuv420p"
        codec.framerate = fractions.Fraction(MAX_FRAME_RATE, 1)
        codec.time_base = fractions.Fraction(1, VIDEO_CLOCK_RATE)
        codec.gop_size = 10 * KEY_FRAME_INTERVAL  # as in aiortc
        codec.qmin, codec.qmax = VP8_QMIN, VP8_QMAX
        codec.thread_count = THREADS
        codec.bit_rate = self._codec_bps
        codec.options = {
            "deadline": "realtime",
            "cpu-used": "-10",
            "noise-sensitivity": "0",
            "lag-in-frames": "0",
            # The three together make a constant bitrate, with a buffer of half a second.
            "minrate": str(self._codec_bps),
            "maxrate": str(self._codec_bps),
            "bufsize": str(self._codec_bps // 2),
            "overshoot-pct": "15",
            "undershoot-pct": "100",
            "partitions": "0",
            "static-thresh": "1",
        }
        return codec


def create_encoder(mime_type: str, *, bitrates: Bitrates) -> PromptH264Encoder | PromptVp8Encoder | None:
    """An encoder of ours for a video codec such as `video/H264`, None for any other."""
    mime_type = mime_type.lower()
    if mime_type == "video/h264":
        return PromptH264Encoder(bitrates)
    return PromptVp8Encoder(bitrates) if mime_type == "video/vp8" else None
