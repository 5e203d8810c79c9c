"""Which pictures a command line names."""

import re
from pathlib import Path

import pytest

from server.domain.errors import InvalidRequest, UnsupportedFormat
from server.media.picture_files import VIDEO_SUFFIXES, FoundFiles, find_files
from server.resources import static_dir
from tests.web.pictures import picture_file


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with pictures, other files, and a folder below."""
    root = tmp_path / "pictures"
    for name in ("b.jpg", "a.PNG", "notes.txt", "clip.mp4", ".hidden.jpg", "below/c.webp", ".git/d.jpg"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"")
    return root


def _find(*sources: Path | str, recursive: bool = False, left_out: Path = Path("/nowhere")) -> FoundFiles:
    return find_files([str(source) for source in sources], recursive=recursive, left_out=left_out)


def _names(*sources: Path | str, recursive: bool = False, left_out: Path = Path("/nowhere")) -> list[str]:
    return [file.name for file in _find(*sources, recursive=recursive, left_out=left_out).pictures]


def test_a_folder_gives_its_pictures_in_order(folder: Path) -> None:
    """By their endings, without hidden ones; videos stand apart."""
    assert _names(folder) == ["a.PNG", "b.jpg"]
    assert [video.name for video in _find(folder).videos] == ["clip.mp4"]


def test_folders_below_are_asked_for(folder: Path) -> None:
    """Names then have their folder."""
    assert _names(folder, recursive=True) == ["a.PNG", "b.jpg", "below/c.webp"]


def test_a_file_is_taken_whatever_its_ending(folder: Path) -> None:
    """Who names a file means it; how it begins tells pictures from all that may be a video."""
    (folder / "notes.txt").write_bytes(picture_file("WEBP"))
    (folder / "recording").write_bytes(b"RIFF\0\0\0\0AVI LIST")
    found = _find(folder / "notes.txt", folder / "b.jpg", folder / "recording")
    assert [file.name for file in found.pictures] == ["notes.txt", "b.jpg"]
    assert [file.name for file in found.videos] == ["recording"]


def test_folders_give_the_videos_that_the_page_takes(tmp_path: Path) -> None:
    """One list of names for both; playlists are none: they are refused wherever they come from."""
    said = re.search(r"VIDEO_NAMES =\s+/\\\.\((.+)\)\$/i", (static_dir() / "js" / "media-kind.js").read_text())
    assert said is not None
    assert all(re.fullmatch(said[1], suffix.removeprefix(".")) for suffix in VIDEO_SUFFIXES)
    assert {".m2ts", ".mxf", ".dav", ".264"} < VIDEO_SUFFIXES
    assert len(VIDEO_SUFFIXES) == sum(1 + part.count("[45]") + part.count("?") for part in said[1].split("|"))
    for name in ("a.M2TS", "b.vob", "live.m3u8"):
        (tmp_path / name).write_bytes(b"")
    assert [video.name for video in _find(tmp_path).videos] == ["a.M2TS", "b.vob"]


def test_a_pattern_is_resolved_here(folder: Path) -> None:
    """For shells that do not, and for lists too long for them."""
    assert _names(f"{folder}/*.jpg") == ["b.jpg"]
    assert _names(f"{folder}/**/*.webp") == ["c.webp"]


def test_a_picture_named_twice_is_checked_once(folder: Path) -> None:
    """A folder and a file in it name one picture."""
    assert _names(folder, folder / "b.jpg") == ["a.PNG", "b.jpg"]


def test_pictures_of_one_name_get_names_of_their_own(folder: Path, tmp_path: Path) -> None:
    """Otherwise one result would replace the other."""
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "b.jpg").write_bytes(b"")
    assert _names(folder / "b.jpg", tmp_path / "other") == ["b.jpg", "b-2.jpg"]


def test_results_of_the_last_time_are_left_out(folder: Path) -> None:
    """The annotated pictures in the output folder are no sources."""
    assert _names(folder, recursive=True, left_out=folder / "below") == ["a.PNG", "b.jpg"]


@pytest.mark.parametrize("source", ["no/such/folder", "no/such/*.jpg"])
def test_what_is_not_there_is_refused(source: str) -> None:
    """A misspelt name is no empty result."""
    with pytest.raises(InvalidRequest, match="no/such"):
        _find(source)


def test_a_folder_without_pictures_is_refused(tmp_path: Path) -> None:
    """And says what could help."""
    with pytest.raises(InvalidRequest, match="--recursive"):
        _find(tmp_path)


@pytest.mark.parametrize("source", ["rtsp://camera/1", "https://example.org/a.jpg"])
def test_an_address_is_refused(source: str) -> None:
    """Cameras are watched by the server."""
    with pytest.raises(UnsupportedFormat, match="not checked by this command"):
        _find(source)


def test_videos_of_one_name_get_folders_of_their_own(folder: Path) -> None:
    """Without their endings they would share one, and one is where the annotated pictures stand."""
    for name in ("clip.mov", "annotated.mkv"):
        (folder / name).write_bytes(b"")
    names = [video.name for video in _find(folder, folder / "clip.mp4").videos]
    assert names == ["annotated-2.mkv", "clip.mov", "clip-2.mp4"]


def test_a_folder_with_videos_alone_is_enough(folder: Path) -> None:
    """Nobody has to bring a picture."""
    found = _find(f"{folder}/*.mp4")
    assert (found.pictures, [video.path.name for video in found.videos]) == ((), ["clip.mp4"])
