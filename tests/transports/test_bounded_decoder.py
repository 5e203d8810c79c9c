"""Live pictures of a size that nobody has: refused before a decoder makes room for them, and no trouble for others."""

import asyncio
import logging
import struct
import sys
from typing import Any

import av
import pytest
from aiortc.codecs import get_decoder
from aiortc.jitterbuffer import JitterFrame
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack
from aiortc.rtcrtpparameters import RTCRtpCodecParameters

from server.transports.aiortc_changes import AiortcChanges, apply
from server.transports.bounded_decoder import BoundedDecoder, vp8_size
from server.transports.peer_session import WebrtcLimits
from tests.marked_video import TIME_BASE, marked_picture
from tests.transports.packets import VP8_DELTA_FRAME
from tests.transports.rig import Client, eventually, run_rig

VIDEO = {name: RTCRtpCodecParameters(mimeType=f"video/{name}", clockRate=90000, payloadType=97) for name in ("VP8", "H264")}


def vp8_claiming(width: int, height: int) -> bytes:
    """A VP8 key frame (RFC 6386, 9.1) of a few hundred bytes that claims any size."""
    tag = 1 << 4 | 300 << 5  # key frame, version 0, shown, 300 bytes of first partition
    return struct.pack("<I", tag)[:3] + b"\x9d\x01\x2a" + struct.pack("<HH", width, height) + b"x" * 300 + b"y" * 100


def encode(codec: str, *, width: int, height: int) -> list[bytes]:
    """Some real frames."""
    encoder = av.CodecContext.create(codec, "w")
    assert isinstance(encoder, av.VideoCodecContext)
    encoder.width, encoder.height, encoder.pix_fmt, encoder.time_base = width, height, "yuv420p", TIME_BASE
    pictures = [av.VideoFrame.from_ndarray(marked_picture(n, width=width, height=height), "yuv420p") for n in range(3)]
    for number, picture in enumerate(pictures):
        picture.pts, picture.time_base = number * 3000, TIME_BASE
    return [bytes(packet) for picture in [*pictures, None] for packet in encoder.encode(picture)]


@pytest.mark.parametrize(("name", "codec"), [("VP8", "libvpx"), ("H264", "libx264")])
def test_a_picture_above_the_limit_is_not_decoded(name: str, codec: str) -> None:
    """One of exactly the limit is."""
    encoded = encode(codec, width=512, height=64)
    frames = [JitterFrame(data=data, timestamp=number * 3000) for number, data in enumerate(encoded)]
    decoder = BoundedDecoder(get_decoder(VIDEO[name]), max_pixels=512 * 64)
    assert [frame for one in frames for frame in decoder.decode(one)]
    strict = BoundedDecoder(get_decoder(VIDEO[name]), max_pixels=512 * 64 - 1)
    with pytest.raises(av.FFmpegError):
        _ = [strict.decode(frame) for frame in frames]


def test_the_size_of_a_key_frame_is_read() -> None:
    """Without the two bits beside each that say how to scale it; no other frame has one."""
    assert vp8_size(vp8_claiming(16383 | 0x4000, 8 | 0xC000)) == (16383, 8)
    assert [vp8_size(frame) for frame in (VP8_DELTA_FRAME, b"", b"\x00" * 9, b"\x00" * 20)] == [(0, 0)] * 4


def test_it_has_a_switch() -> None:
    """Without it aiortc's decoders are as they were; sound is never concerned."""
    before = _get_decoder()
    undo = apply(AiortcChanges(max_pixels=None))
    assert _get_decoder() is before
    undo()
    undo = apply(AiortcChanges(max_pixels=100))
    opus = RTCRtpCodecParameters(mimeType="audio/opus", clockRate=48000, channels=2, payloadType=96)
    assert isinstance(_get_decoder()(VIDEO["H264"]), BoundedDecoder)
    assert not isinstance(_get_decoder()(opus), BoundedDecoder)
    undo()
    assert _get_decoder() is before


def _get_decoder() -> Any:
    """What aiortc's receivers ask for a decoder."""
    return vars(sys.modules["aiortc.rtcrtpreceiver"])["get_decoder"]


class ClaimingTrack(MediaStreamTrack):
    """Sends VP8 key frames that claim 16383x16383, and garbage between them."""

    kind = "video"

    def __init__(self) -> None:
        super().__init__()
        self._count = 0

    async def recv(self) -> Any:
        """Returns the next packet after a thirtieth of a second."""
        if self.readyState != "live":
            raise MediaStreamError
        await asyncio.sleep(1 / 30)
        data = vp8_claiming(16383, 16383) if self._count % 3 == 0 else bytes([self._count * 7 % 256 | 1]) * 300
        packet = av.Packet(data)
        packet.pts, packet.time_base = self._count * 3000, TIME_BASE
        self._count += 1
        return packet


async def test_what_cannot_be_decoded_ends_its_own_session_only(caplog: pytest.LogCaptureFixture) -> None:
    """Another session goes on getting its pictures and results all the while, and the log is not filled."""
    caplog.set_level(logging.INFO, "server")
    undo = apply(AiortcChanges(max_pixels=4 * 3840 * 2160))
    try:
        async with run_rig(limits=WebrtcLimits(media_timeout_s=0.6)) as rig:
            good, bad = Client(), Client(codec="vp8", track=ClaimingTrack())
            kept = await rig.connect(good)
            await eventually(lambda: good.messages and good.numbers)
            ended = await rig.connect(bad)
            await eventually(lambda: ended.closed, within_s=8)
            pictures, results = len(good.numbers), len(good.messages)
            await eventually(lambda: len(good.numbers) > pictures + 5 and len(good.messages) > results + 5)
            assert not kept.closed
            assert ended.stream.stats().received == 0
            await bad.close()
            await good.close()
    finally:
        undo()
    assert "no picture could be decoded for 1.8 s" in caplog.text
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert len([record for record in caplog.records if "failed to decode" in record.getMessage()]) <= 1
