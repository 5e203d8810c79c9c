"""Picture and video files: which of them files, folders and patterns name, and under which names their results stand."""

import glob
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from server.domain.errors import InvalidRequest, UnsupportedFormat
from server.media.picture import begins_like_a_picture

# Only these are taken from a folder; a file that is named itself is opened whatever it is called.
PICTURE_SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".png", ".webp", ".bmp", ".dib", ".tif", ".tiff", ".gif"}
)
VIDEO_SUFFIXES = frozenset(
    {
        *(".mp4", ".m4v", ".mov", ".qt", ".mkv", ".webm", ".avi", ".ts", ".mts", ".m2ts", ".mpg", ".mpeg", ".vob"),
        *(".wmv", ".asf", ".flv", ".f4v", ".3gp", ".3g2", ".ogv", ".mxf", ".dav", ".y4m"),
        *(".h264", ".h265", ".264", ".265", ".hevc"),
    }
)

# What stands in the folder of results beside those of the videos.
_RESERVED = frozenset({"annotated"})


@dataclass(frozen=True, slots=True)
class PictureFile:
    """A picture or a video to check; `name` is its path below the source that named it, unlike that of any other one.

    Videos are unlike each other without their endings, too: each has a folder of results.
    """

    path: Path
    name: str


@dataclass(frozen=True, slots=True)
class FoundFiles:
    """Pictures and videos, each in the order of their sources, sorted within each folder."""

    pictures: tuple[PictureFile, ...]
    videos: tuple[PictureFile, ...]


def find_files(sources: Sequence[str], *, recursive: bool, left_out: Path) -> FoundFiles:
    """The pictures and videos of files, folders and patterns (`*`, `?`, `**`), each once; none below `left_out`. Blocks.

    Raises InvalidRequest for a source that is not there, and when there is nothing at all, UnsupportedFormat for an address.
    """
    output = left_out.resolve()
    pictures: dict[Path, str] = {}
    videos: dict[Path, str] = {}
    for source in sources:
        for path, name in _named_by(source, recursive=recursive):
            resolved = path.resolve()
            if not resolved.is_relative_to(output):
                found = videos if _is_video(path) else pictures
                found.setdefault(resolved, name)
    if not pictures and not videos:
        hint = "" if recursive else "; --recursive looks into the folders below, too"
        raise InvalidRequest(f"{' '.join(sources)}: there are no pictures and no videos{hint}")
    return FoundFiles(
        tuple(_unlike_names(pictures, str, taken=set())), tuple(_unlike_names(videos, without_ending, taken=set(_RESERVED)))
    )


def without_ending(name: str) -> str:
    """A name without what stands behind its last dot."""
    return Path(name).with_suffix("").as_posix()


def _is_video(path: Path) -> bool:
    """By its name, and where that says nothing by how it begins: more kinds of videos are taken than have names here."""
    suffix = path.suffix.lower()
    if suffix in VIDEO_SUFFIXES | PICTURE_SUFFIXES or not path.is_file():
        return suffix in VIDEO_SUFFIXES
    try:
        with path.open("rb") as file:
            return not begins_like_a_picture(file.read(12))
    except OSError:  # whoever checks it says so
        return False


def _named_by(source: str, *, recursive: bool) -> Iterator[tuple[Path, str]]:
    """What a source names, with the path below it."""
    path = Path(source)
    if "://" in source:
        raise UnsupportedFormat(f"{source}: cameras and addresses are not checked by this command, only files and folders")
    if path.is_dir():
        yield from _in_folder(path, recursive=recursive)
    elif path.exists():
        yield path, path.name
    elif glob.has_magic(source):
        yield from _matching(source, recursive=recursive)
    else:
        raise InvalidRequest(f"{source}: there is no such file or folder")


def _in_folder(folder: Path, *, recursive: bool) -> Iterator[tuple[Path, str]]:
    for parent, folders, names in os.walk(folder):
        # In place: this is what os.walk goes into.
        folders[:] = sorted(name for name in folders if not name.startswith(".")) if recursive else []
        for name in sorted(names):
            path = Path(parent) / name
            if not name.startswith(".") and path.suffix.lower() in PICTURE_SUFFIXES | VIDEO_SUFFIXES:
                yield path, path.relative_to(folder).as_posix()


def _matching(pattern: str, *, recursive: bool) -> Iterator[tuple[Path, str]]:
    matches = [Path(match) for match in sorted(glob.glob(pattern, recursive=True))]  # noqa: PTH207 - Path.glob takes no absolute pattern
    if not matches:
        raise InvalidRequest(f"{pattern}: nothing matches")
    for path in matches:
        if path.is_dir():
            yield from ((inside, f"{path.name}/{name}") for inside, name in _in_folder(path, recursive=recursive))
        elif path.suffix.lower() in PICTURE_SUFFIXES | VIDEO_SUFFIXES:
            yield path, path.name


def _unlike_names(found: dict[Path, str], key: Callable[[str], str], *, taken: set[str]) -> Iterator[PictureFile]:
    """Two folders may hold files of one name: where the `key` is `taken`, the second gets a number."""
    for path, wanted in found.items():
        name, number = wanted, 1
        while key(name) in taken:
            number += 1
            name = str(Path(wanted).with_stem(f"{Path(wanted).stem}-{number}").as_posix())
        taken.add(key(name))
        yield PictureFile(path, name)
