"""Clip files: which videos are to be checked, and when in them a firearm is raised."""

import csv
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path

from server.domain.errors import InvalidRequest
from server.media.picture_files import VIDEO_SUFFIXES
from server.media.video_probe import probe_video


def find_clips(sources: Sequence[str]) -> list[Path]:
    """The videos of files and folders, each once, those of a folder sorted by name; InvalidRequest where there are none."""
    found = dict.fromkeys(path for source in sources for path in _named_by(Path(source)))
    if not found:
        raise InvalidRequest(f"{' '.join(sources)}: there are no videos")
    if len({path.name for path in found}) < len(found):
        raise InvalidRequest(f"{' '.join(sources)}: two videos have the same name, so that figures could not be told apart")
    return list(found)


def check_headers(clips: Sequence[Path]) -> None:
    """Raises InvalidRequest for a clip that is no video or cannot be read. Blocks.

    An evaluation takes minutes, and its figures would be lost if that came out in the middle.
    """
    for path in clips:
        try:
            probe_video(path)
        except InvalidRequest as exc:
            raise InvalidRequest(f"{path}: {exc}") from exc
        except OSError as exc:
            raise InvalidRequest(f"{path}: {exc.strerror or exc}") from exc


def _named_by(source: Path) -> Iterator[Path]:
    if source.is_dir():
        yield from sorted(path for path in source.rglob("*") if path.suffix.lower() in VIDEO_SUFFIXES)
    elif source.is_file():
        yield source
    else:
        raise InvalidRequest(f"{source}: there is no such file or folder")


def read_raised(path: Path, *, clips: Sequence[Path]) -> dict[str, float]:
    """When the firearm is raised in each clip that shows one, in seconds, by file name; the other clips show none. Blocks.

    Either TOML, `"hall.mp4" = 2.4`, or a CSV with the columns `clip` and `start_s`. Raises InvalidRequest when it cannot be
    read, and when it names a clip that is not there: that one's figures would silently be missing.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
        raised = _from_csv(text) if path.suffix.lower() == ".csv" else tomllib.loads(text)
        named = {str(name): float(start_s) for name, start_s in raised.items()}
    except (OSError, UnicodeDecodeError, KeyError, TypeError, ValueError) as exc:
        raise InvalidRequest(f"{path}: does not say when firearms are raised: {exc}") from exc
    if unknown := sorted(set(named) - {clip.name for clip in clips}):
        raise InvalidRequest(f"{path}: names {', '.join(unknown)}, which is not among the clips")
    return named


def _from_csv(text: str) -> dict[str, str]:
    return {row["clip"]: row["start_s"] for row in csv.DictReader(text.splitlines())}
