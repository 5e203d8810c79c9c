"""Encoders: what they make can be decoded, and how they take bitrates and key frames."""

from itertools import pairwise

import av
import numpy as np
import pytest
from aiortc.codecs.base import Encoder
from aiortc.codecs.h264 import h264_depayload
from aiortc.codecs.vpx import vp8_depayload
from av.video.frame import PictureType

from server.domain.errors import SettingsError
from server.transports.encoders import Bitrates, PromptH264Encoder, PromptVp8Encoder, create_encoder
from server.transports.jitter_buffer import is_key_frame
from tests.marked_video import TIME_BASE, marked_picture, read_number
from tests.transports.set_clock import SetClock

BITRATES = Bitrates(start_bps=800_000, min_bps=200_000, max_bps=3_000_000)


def make_video_frame(number: int, *, width: int = 640, noise: bool = False) -> av.VideoFrame:
    """A numbered picture, with noise where it must be hard to encode."""
    picture = marked_picture(number, width=width, height=width * 3 // 4)
    if noise:
        rough = np.random.default_rng(number).integers(0, 40, picture.shape, dtype=np.uint8)
        picture = np.clip(picture.astype(np.int16) + rough, 0, 255).astype(np.uint8)
    frame = av.VideoFrame.from_ndarray(picture, format="yuv420p")
    frame.pts, frame.time_base = number * 3000, TIME_BASE
    return frame


def encode(encoder: Encoder, frame: av.VideoFrame, *, key: bool = False) -> bytes:
    """The frame's depayloaded data."""
    payloads, timestamp = encoder.encode(frame, key)
    assert timestamp == frame.pts
    depayload = h264_depayload if isinstance(encoder, PromptH264Encoder) else vp8_depayload
    return b"".join(depayload(payload) for payload in payloads)


def is_key(encoder: PromptH264Encoder | PromptVp8Encoder, frame: av.VideoFrame, *, asked: bool = False) -> bool:
    """Whether the frame is encoded as a key frame."""
    return is_key_frame(encode(encoder, frame, key=asked), codec_name=encoder.codec_name)


def make_encoder(codec: str, clock: SetClock | None = None) -> PromptH264Encoder | PromptVp8Encoder:
    """An encoder of the codec."""
    return PromptH264Encoder(BITRATES) if codec == "h264" else PromptVp8Encoder(BITRATES, clock=clock or SetClock())


@pytest.mark.parametrize("codec", ["h264", "vp8"])
def test_a_decoder_reads_what_is_encoded_without_delay(codec: str) -> None:
    """Each frame comes out at once and shows its number."""
    encoder = make_encoder(codec)
    decoder = av.CodecContext.create("h264" if codec == "h264" else "libvpx", "r")
    for number in range(5):
        [decoded] = decoder.decode(av.Packet(encode(encoder, make_video_frame(number))))
        assert isinstance(decoded, av.VideoFrame)
        assert read_number(np.asarray(decoded.to_ndarray(), dtype=np.uint8)) == number


@pytest.mark.parametrize("codec", ["h264", "vp8"])
def test_only_the_first_frame_and_those_asked_for_are_key_frames(codec: str) -> None:
    """A key frame comes first and when the receiver asks for one."""
    encoder = make_encoder(codec)
    keys = [is_key(encoder, make_video_frame(number), asked=number == 4) for number in range(8)]
    assert [number for number, key in enumerate(keys) if key] == [0, 4]


@pytest.mark.parametrize("codec", ["h264", "vp8"])
def test_an_incoming_key_frame_does_not_force_one_out(codec: str) -> None:
    """A frame that was decoded from a key frame is encoded like any other."""
    encoder = make_encoder(codec)
    encode(encoder, make_video_frame(0))
    decoded = make_video_frame(1)
    decoded.pict_type = PictureType.I
    assert not is_key(encoder, decoded)


@pytest.mark.parametrize("codec", ["h264", "vp8"])
def test_another_size_is_encoded_from_there_on(codec: str) -> None:
    """A camera that changes its resolution makes a new key frame."""
    encoder = make_encoder(codec)
    encode(encoder, make_video_frame(0))
    assert is_key(encoder, make_video_frame(1, width=960))


@pytest.mark.parametrize("codec", ["h264", "vp8"])
def test_the_bitrate_stays_within_its_limits(codec: str) -> None:
    """An estimate outside the limits is taken as the nearest limit."""
    assert BITRATES.clamp(1) == 200_000
    assert BITRATES.clamp(10**9) == 3_000_000
    assert make_encoder(codec).target_bitrate == 800_000


def test_h264_takes_another_bitrate_without_a_key_frame() -> None:
    """The encoder follows the estimate while it runs."""
    encoder = PromptH264Encoder(BITRATES)
    encoder.target_bitrate = 2_500_000
    high = [encode(encoder, make_video_frame(number, noise=True)) for number in range(30)]
    encoder.target_bitrate = 300_000
    low = [encode(encoder, make_video_frame(number, noise=True)) for number in range(30, 90)]
    assert not any(is_key_frame(data, codec_name="H264") for data in low)
    assert sum(map(len, low[30:])) < sum(map(len, high)) / 3


def test_vp8_follows_a_fall_of_the_estimate() -> None:
    """A new encoder with the lower bitrate takes over after a second."""
    clock = SetClock()
    encoder = PromptVp8Encoder(BITRATES, clock=clock)
    encode(encoder, make_video_frame(0))
    encoder.target_bitrate = 300_000
    assert not is_key(encoder, make_video_frame(1))
    clock.now = 1.5
    assert is_key(encoder, make_video_frame(2))
    assert encoder.target_bitrate == 300_000


def test_vp8_follows_a_rise_of_the_estimate_slowly() -> None:
    """A higher bitrate is worth a key frame only after five seconds."""
    clock = SetClock()
    encoder = PromptVp8Encoder(BITRATES, clock=clock)
    encode(encoder, make_video_frame(0))
    encoder.target_bitrate = 2_000_000
    keys = []
    for number, clock.now in enumerate([1.0, 4.0, 5.5, 6.0], start=1):
        keys.append(is_key(encoder, make_video_frame(number)))
    assert keys == [False, False, True, False]


def test_vp8_ignores_small_changes_of_the_estimate() -> None:
    """A tenth more or less makes no key frame."""
    clock = SetClock()
    encoder = PromptVp8Encoder(BITRATES, clock=clock)
    encode(encoder, make_video_frame(0))
    clock.now = 60.0
    for number, target in enumerate([880_000, 720_000], start=1):
        encoder.target_bitrate = target
        assert not is_key(encoder, make_video_frame(number))


@pytest.mark.parametrize("codec", ["h264", "vp8"])
def test_a_picture_takes_what_it_needs_and_not_the_whole_bitrate(codec: str) -> None:
    """With 3 Mbit/s to spend a plain one takes a tenth of that, and still looks the same."""
    encoder = make_encoder(codec)
    encoder.target_bitrate = 3_000_000
    decoder = av.CodecContext.create("h264" if codec == "h264" else "libvpx", "r")
    data = [encode(encoder, make_video_frame(number, width=512)) for number in range(31)]
    assert sum(map(len, data[1:])) * 8 < 300_000
    for encoded in data:
        [decoded] = decoder.decode(av.Packet(encoded))
    assert isinstance(decoded, av.VideoFrame)
    difference = np.asarray(decoded.to_ndarray(), np.float32) - marked_picture(30, width=512, height=384)
    assert np.square(difference).mean() < 2.1  # 45 dB


def test_pictures_a_millisecond_apart_are_encoded() -> None:
    """Two pictures within one thirtieth of a second both go out."""
    encoder = PromptH264Encoder(BITRATES)
    frames = [make_video_frame(number) for number in range(3)]
    for frame, pts in zip(frames, (0, 90, 180), strict=True):
        frame.pts = pts
    assert all(encode(encoder, frame) for frame in frames)
    assert all(first.pts < second.pts for first, second in pairwise(frames) if first.pts is not None and second.pts is not None)


@pytest.mark.parametrize(
    ("mime_type", "expected"), [("video/H264", PromptH264Encoder), ("video/VP8", PromptVp8Encoder), ("audio/opus", None)]
)
def test_there_are_encoders_for_both_video_codecs(mime_type: str, expected: type[Encoder] | None) -> None:
    """H.264 and VP8 have encoders of ours, anything else has none."""
    encoder = create_encoder(mime_type, bitrates=BITRATES)
    assert encoder is None if expected is None else isinstance(encoder, expected)


def test_refuses_a_least_bitrate_above_the_largest() -> None:
    """Wrong settings are told when the server starts."""
    with pytest.raises(SettingsError, match=r"webrtc\.min_bitrate_bps 5 is above webrtc\.max_bitrate_bps 4"):
        Bitrates(start_bps=4, min_bps=5, max_bps=4)
