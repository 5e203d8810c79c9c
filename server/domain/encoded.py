"""Encoded video as it arrives: what a clip can be copied from without decoding."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, eq=False)
class VideoCodec:
    """What encoded video is: `name` as FFmpeg has it (h264, hevc, vp8, mjpeg); `extradata` is what its decoder needs first.

    H.264 and H.265 without `extradata` are in Annex B form with their parameter sets before each key frame.
    `width` and `height` are in pixels, 0 where they are not known yet.
    """

    name: str
    extradata: bytes = b""
    width: int = 0
    height: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class EncodedPacket:
    """One encoded frame. `received_at` is a clock reading in seconds, as that of the frame that is decoded from it; `time_s` is
    the frame's own time in seconds (of presentation), which only grows within one connection apart from reordered frames."""

    data: bytes
    codec: VideoCodec
    keyframe: bool
    received_at: float
    time_s: float
