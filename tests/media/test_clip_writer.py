"""Clips: what was held becomes a file that plays, copied where it can be."""

import io
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from server.domain.encoded import EncodedPacket, VideoCodec
from server.domain.errors import Unprocessable
from server.media.clip_writer import write_clip
from server.media.h264_stream import START_CODE, parameter_sets, to_annex_b
from server.media.packet_file import pack, read_packets

FPS, FRAMES = 10, 25


def _encoded(codec: str, *, width: int = 160, height: int = 120, options: dict[str, str] | None = None) -> list[EncodedPacket]:
    """Moving pictures as an encoder sends them, a key frame each second."""
    names = {"h264": "libx264", "vp8": "libvpx", "mjpeg": "mjpeg", "hevc": "libx265"}
    buffer = io.BytesIO()
    packets: list[EncodedPacket] = []
    with av.open(buffer, "w", format="matroska") as container:
        stream: Any = container.add_stream(names[codec], rate=FPS, options={"g": str(FPS), **(options or {})})
        stream.width, stream.height = width, height
        stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        for number in range(FRAMES + 1):
            pixels = np.full((height, width, 3), 60, np.uint8)
            pixels[:, number * 4 : number * 4 + 20] = 220
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24") if number < FRAMES else None
            for packet in stream.encode(frame):
                container.mux(packet)
    buffer.seek(0)
    with av.open(buffer, "r") as container:
        video: Any = container.streams.video[0]
        held = VideoCodec(codec, video.codec_context.extradata or b"", width, height)
        for packet in container.demux(video):
            if packet.size:
                time_s = float((packet.pts or 0) * (packet.time_base or 0))
                packets.append(EncodedPacket(bytes(packet), held, bool(packet.is_keyframe), 100 + time_s, time_s))
    return packets


def _decoded(file: Path) -> tuple[str, list[float]]:
    """The codec of a file and the times of its pictures."""
    with av.open(str(file), "r") as container:
        stream = container.streams.video[0]
        return stream.codec_context.name, [float(frame.time or 0) for frame in container.decode(stream)]


@pytest.mark.parametrize("options", [{"bf": "0"}, {"bf": "2", "b-adapt": "0"}])
def test_h264_is_copied(tmp_path: Path, options: dict[str, str]) -> None:
    """Each picture arrives at its own time, B-frames included, and nothing is encoded again."""
    packets = _encoded("h264", options=options)
    made = write_clip(packets, tmp_path / "clip.mp4")
    codec, times = _decoded(tmp_path / "clip.mp4")
    assert (codec, len(times)) == ("h264", FRAMES)
    assert np.diff(times) == pytest.approx([1 / FPS] * (FRAMES - 1), abs=0.002)
    assert made.first_received_at == packets[0].received_at
    assert made.duration_s == pytest.approx(FRAMES / FPS, abs=0.11)
    assert (tmp_path / "clip.mp4").stat().st_size < 1.3 * sum(len(packet.data) for packet in packets) + 3000


@pytest.mark.parametrize("codec", ["vp8", "mjpeg"])
def test_all_else_is_encoded_anew(tmp_path: Path, codec: str) -> None:
    """Browsers play H.264 in MP4."""
    write_clip(_encoded(codec), tmp_path / "clip.mp4")
    name, times = _decoded(tmp_path / "clip.mp4")
    assert (name, len(times)) == ("h264", FRAMES)


def test_a_size_that_changes_in_the_middle_is_encoded_anew(tmp_path: Path) -> None:
    """A browser scales its camera: one file has one size."""
    small = [_later(packet, 2.5) for packet in _annex_b(_encoded("h264", width=80, height=64))]
    write_clip(_annex_b(_encoded("h264")) + small, tmp_path / "clip.mp4")
    with av.open(str(tmp_path / "clip.mp4"), "r") as container:
        sizes = {(frame.width, frame.height) for frame in container.decode(container.streams.video[0])}
    assert sizes == {(160, 120)}


def test_pictures_of_one_time_and_a_slow_camera(tmp_path: Path) -> None:
    """A picture every five seconds, two of them at once: each is there, in its order."""
    packets = [
        replace(packet, time_s=(number // 2) * 5.0, received_at=(number // 2) * 5.0)
        for number, packet in enumerate(_encoded("mjpeg")[:6])
    ]
    write_clip(packets, tmp_path / "clip.mp4")
    _, times = _decoded(tmp_path / "clip.mp4")
    assert len(times) == 6
    assert times == sorted(times)


def test_what_does_not_begin_with_a_key_frame_is_refused(tmp_path: Path) -> None:
    """Nothing could be shown of it."""
    with pytest.raises(Unprocessable, match="key frame"):
        write_clip(_encoded("h264")[1:], tmp_path / "clip.mp4")


@pytest.mark.parametrize("codec", ["h264", "vp8", "mjpeg"])
def test_damaged_video_is_a_clip_or_a_refusal(tmp_path: Path, codec: str) -> None:
    """Whatever a stranger sends: nothing else is raised."""
    chance = random.Random(5)
    packets = _encoded(codec)
    for _ in range(25):
        damaged = [replace(packet, data=_damaged(packet.data, chance)) for packet in packets]
        try:
            write_clip(damaged, tmp_path / "clip.mp4")
        except Unprocessable:
            continue


def test_packets_travel_through_a_file_unchanged(tmp_path: Path) -> None:
    """What the server writes the process reads."""
    packets = _encoded("h264")
    (tmp_path / "packets").write_bytes(pack(packets))
    read = read_packets(tmp_path / "packets")
    assert [(one.data, one.keyframe, one.received_at, one.time_s) for one in read] == [
        (one.data, one.keyframe, one.received_at, one.time_s) for one in packets
    ]
    assert {(one.codec.name, one.codec.extradata) for one in read} == {("h264", packets[0].codec.extradata)}
    (tmp_path / "packets").write_bytes(b"\x93nothing")
    with pytest.raises(Unprocessable):
        read_packets(tmp_path / "packets")


def _damaged(data: bytes, chance: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(max(1, len(changed) // 50)):
        changed[chance.randrange(len(changed))] = chance.randrange(256)
    return bytes(changed[: chance.randrange(1, len(changed) + 1)])


def _later(packet: EncodedPacket, seconds: float) -> EncodedPacket:
    return replace(packet, received_at=packet.received_at + seconds, time_s=packet.time_s + seconds)


def _annex_b(packets: list[EncodedPacket]) -> list[EncodedPacket]:
    """The same as a WebRTC sender has it: start codes, and parameter sets before each key frame."""
    sets = b"".join(START_CODE + unit for unit in parameter_sets(packets))
    plain = VideoCodec("h264")
    return [replace(packet, data=(sets if packet.keyframe else b"") + to_annex_b(packet), codec=plain) for packet in packets]
