"""Tests of videos whose headers say less than there is."""

import struct
from pathlib import Path

import pytest

from server.domain.errors import TooLarge, Unprocessable
from server.media.video_file import MAX_PIXELS
from server.media.video_probe import probe_video
from server.media.video_reader import VideoReader
from tests.transports.test_bounded_decoder import vp8_claiming
from tests.video_clips import make_clip


def test_a_video_that_is_longer_than_its_header_says_is_refused_where_it_goes_on(tmp_path: Path) -> None:
    """Its header lets it in; what was read up to the limit came, and nothing behind it."""
    clip = make_clip(tmp_path / "clip.mp4", frames=20, fps=10)
    clip.write_bytes(_shortened(clip.read_bytes(), seconds=0.5))
    assert probe_video(clip).duration_s == pytest.approx(0.5, abs=0.01)
    reader = VideoReader(clip, max_duration_s=1.05)
    times: list[float] = []
    with pytest.raises(TooLarge, match=r"goes on after 1\.05 s, .*\(videos\.max_duration_s\)"):
        times.extend(timed.frame.pts_s for timed in reader.frames())
    assert len(list(VideoReader(clip, max_duration_s=2.0).frames())) == 20


def _shortened(movie: bytes, *, seconds: float) -> bytes:
    """The movie with another duration in its headers (ISO/IEC 14496-12, `mvhd`, `mdhd`, version 0)."""
    changed = bytearray(movie)
    for name in (b"mvhd", b"mdhd"):
        place = changed.index(name) + 4
        (time_scale,) = struct.unpack_from(">I", changed, place + 12)
        struct.pack_into(">I", changed, place + 16, round(seconds * time_scale))
    # The edit list and the track's header say it too; without them the media's own counts.
    place = changed.index(b"elst")
    changed[place : place + 4] = b"free"
    return bytes(changed)


def test_a_picture_that_is_larger_than_its_header_says_is_not_decoded(tmp_path: Path) -> None:
    """The container says 640x480, the frame 16383x16383: FFmpeg makes no room for it."""
    assert MAX_PIXELS < 16383 * 16383
    frame = vp8_claiming(16383, 16383)
    header = struct.pack("<4sHH4sHHIIII", b"DKIF", 0, 32, b"VP80", 640, 480, 30, 1, 3, 0)
    frames = b"".join(struct.pack("<IQ", len(frame), number) + frame for number in range(3))
    video = tmp_path / "video.ivf"
    video.write_bytes(header + frames)
    reader = VideoReader(video)
    with pytest.raises(Unprocessable, match="0 frames"):
        next(reader.frames())
    assert reader.skipped == 3
