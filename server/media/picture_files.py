"""Picture files: which pictures files, folders and patterns name, and under which names their results stand."""

import glob
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from server.domain.errors import InvalidRequest, UnsupportedFormat

# Only these are taken from a folder; a file that is named itself is opened whatever it is called.
PICTURE_SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".png", ".webp", ".bmp", ".dib", ".tif", ".tiff", ".gif"}
)
VIDEO_SUFFIXES = frozenset(
    {".mp4", ".m4v", ".mov", ".avi", ".mkv", ".webm", ".mpg", ".mpeg", ".ts", ".mts", ".wmv", ".flv", ".3gp", ".ogv", ".m3u8"}
)


@dataclass(frozen=True, slots=True)
class PictureFile:
    """A picture to check; `name` is its path below the source that named it, unlike that of any other picture."""

    path: Path
    name: str


@dataclass(frozen=True, slots=True)
class FoundPictures:
    """The pictures in the order of their sources, sorted within each folder, and how many videos lay beside them."""

    files: tuple[PictureFile, ...]
    videos: int


def find_pictures(sources: Sequence[str], *, recursive: bool, left_out: Path) -> FoundPictures:
    """The pictures of files, folders and patterns (`*`, `?`, `**`), each once; none below the folder `left_out`. Blocks.

    Raises InvalidRequest for a source that is not there, and when there are no pictures at all, UnsupportedFormat for a video
    or an address.
    """
    output = left_out.resolve()
    found: dict[Path, str] = {}
    videos = 0
    for source in sources:
        for path, name in _named_by(source, recursive=recursive):
            resolved = path.resolve()
            if resolved.is_relative_to(output):
                continue
            if path.suffix.lower() in VIDEO_SUFFIXES:
                videos += 1
            else:
                found.setdefault(resolved, name)
    if not found:
        hint = "" if recursive else "; --recursive looks into the folders below, too"
        raise InvalidRequest(f"{' '.join(sources)}: there are no pictures{hint}")
    return FoundPictures(tuple(_unlike_names(found)), videos)


def _named_by(source: str, *, recursive: bool) -> Iterator[tuple[Path, str]]:
    """What a source names, with the path below it."""
    path = Path(source)
    if "://" in source:
        raise UnsupportedFormat(f"{source}: cameras and addresses are not checked yet, only pictures and folders of pictures")
    if path.is_dir():
        yield from _in_folder(path, recursive=recursive)
    elif path.exists():
        if path.suffix.lower() in VIDEO_SUFFIXES:
            raise UnsupportedFormat(f"{source}: videos are not checked yet, only pictures and folders of pictures")
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


def _unlike_names(found: dict[Path, str]) -> Iterator[PictureFile]:
    """Two folders may hold pictures of one name: the second gets a number."""
    taken: set[str] = set()
    for path, wanted in found.items():
        name, number = wanted, 1
        while name in taken:
            number += 1
            name = str(Path(wanted).with_stem(f"{Path(wanted).stem}-{number}").as_posix())
        taken.add(name)
        yield PictureFile(path, name)
