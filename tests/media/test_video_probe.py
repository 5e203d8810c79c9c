"""Probing video files: headers and times, without a frame decoded."""

from pathlib import Path

import pytest

from server.domain.errors import Unprocessable, UnsupportedFormat
from server.media.video_probe import probe_video
from tests.video_clips import FPS, FRAMES, SIZE, cut, make_clip, make_empty, make_sound


def test_a_plain_file_says_everything(tmp_path: Path) -> None:
    """Size, duration, frames, rate."""
    info = probe_video(make_clip(tmp_path / "a.mp4", sound="aac"))
    assert (info.width_px, info.height_px, info.frames, info.fps) == (*SIZE, FRAMES, FPS)
    assert info.duration_s == pytest.approx(FRAMES / FPS, abs=0.01)
    assert info.rotation_deg == 0


@pytest.mark.parametrize(
    ("counterclockwise_deg", "rotation_deg", "size"), [(90, 270, (120, 160)), (-90, 90, (120, 160)), (180, 180, SIZE)]
)
def test_a_turned_picture_is_as_large_as_it_is_shown(
    tmp_path: Path, counterclockwise_deg: int, rotation_deg: int, size: tuple[int, int]
) -> None:
    """Sides change places for quarters."""
    info = probe_video(make_clip(tmp_path / "a.mp4", rotation_deg=counterclockwise_deg))
    assert (info.width_px, info.height_px, info.rotation_deg) == (*size, rotation_deg)


@pytest.mark.parametrize("name", ["a.mkv", "a.ts", "a.avi", "a.mov", "a.flv", "a.h264"])
def test_containers_without_a_number_of_frames_are_estimated(tmp_path: Path, name: str) -> None:
    """From duration and rate, or by counting packets."""
    info = probe_video(make_clip(tmp_path / name))
    assert info.frames == pytest.approx(FRAMES, abs=2)
    assert info.duration_s == pytest.approx(FRAMES / FPS, abs=0.15)


def test_a_recording_without_a_duration_is_counted(tmp_path: Path) -> None:
    """As browsers write them: live WebM."""
    info = probe_video(make_clip(tmp_path / "a.webm", codec="libvpx", container={"live": "1"}))
    assert info.duration_s == pytest.approx(FRAMES / FPS, abs=0.1)
    assert info.frames == pytest.approx(FRAMES, abs=1)


@pytest.mark.parametrize(
    ("name", "data"),
    [("a.mp4", b"Dear all,"), ("a.mp4", b""), ("a.png", b"\x89PNG\r\n\x1a\n"), ("a.m3u8", b"#EXTM3U\na.mp4\n")],
)
def test_what_is_no_video_is_refused(tmp_path: Path, name: str, data: bytes) -> None:
    """By what is in it, not by its name; a list of other files is no video either."""
    (tmp_path / name).write_bytes(data)
    with pytest.raises(UnsupportedFormat, match=f"{name} is not a video"):
        probe_video(tmp_path / name)


def test_sound_alone_is_told(tmp_path: Path) -> None:
    """It has sound but no picture."""
    with pytest.raises(Unprocessable, match="sound but no picture"):
        probe_video(make_sound(tmp_path / "a.m4a"))


def test_a_file_without_frames_is_told(tmp_path: Path) -> None:
    """The header promises a picture."""
    with pytest.raises(Unprocessable, match="after 0 frames"):
        probe_video(make_empty(tmp_path / "a.mp4"))


def test_a_file_without_its_index_is_told(tmp_path: Path) -> None:
    """MP4 keeps it at the end unless told otherwise, and this one broke off."""
    with pytest.raises(Unprocessable, match="damaged or ends too early"):
        probe_video(cut(make_clip(tmp_path / "a.mp4"), share=0.4))


def test_every_cut_and_every_changed_byte_is_an_answer_or_an_error_of_ours(tmp_path: Path) -> None:
    """Whatever a file holds, nothing else is raised."""
    whole = make_clip(tmp_path / "a.mp4", container={"movflags": "+faststart"}).read_bytes()
    broken = tmp_path / "broken.mp4"
    for position in range(0, 1200, 13):
        for data in (whole[:position], whole[:position] + b"\xff\xff\xff\xff" + whole[position + 4 :]):
            broken.write_bytes(data)
            try:
                probe_video(broken)
            except (UnsupportedFormat, Unprocessable):
                continue
