"""The files of jobs: one folder each, with the upload and what came of it. Everything here blocks: never on the event loop."""

import errno
import os
import shutil
import time
from collections.abc import Collection
from pathlib import Path
from typing import NamedTuple

from server.media.whole_file import sync_to_disk

INCOMING = "incoming"
SOURCE = "source"
RESULTS = "results"
ANNOTATED, JSON, CSV, POSTER = "annotated.mp4", "detections.json", "detections.csv", "poster.jpg"
# An upload that is under way is written to all the time: one that stands still for so long has lost its server.
ORPHANED_S = 600.0


class Orphans(NamedTuple):
    """How much belonged to no job: what was removed, and the folders of jobs that are kept for now."""

    removed: int
    kept: int


class JobFiles:
    """The files below one folder; any thread but the event loop's."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def open(self) -> None:
        """Makes the folder, readable to its owner alone; raises OSError when it cannot be made or written."""
        self.incoming("x").parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.folder.chmod(0o700)
        if not os.access(self.folder, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(self.folder))

    def incoming(self, job_id: str) -> Path:
        """Where an upload lies while it arrives."""
        return self.folder / INCOMING / job_id

    def source(self, job_id: str) -> Path:
        """Where it lies then."""
        return self.folder / job_id / SOURCE

    def results(self, job_id: str) -> Path:
        """The folder of what came of it."""
        return self.folder / job_id / RESULTS

    def accept(self, job_id: str) -> None:
        """Moves an upload that is complete to its place; it is there even after a power cut."""
        source = self.source(job_id)
        source.parent.mkdir(mode=0o700)
        sync_to_disk(self.incoming(job_id))
        self.incoming(job_id).replace(source)
        sync_to_disk(source.parent)
        sync_to_disk(self.folder)

    def clear_results(self, job_id: str) -> None:
        """Removes what an earlier attempt has left, and makes the folder anew."""
        shutil.rmtree(self.results(job_id), ignore_errors=True)
        self.results(job_id).mkdir(parents=True)

    def remove(self, job_id: str) -> None:
        """Removes all of it; does nothing where there is nothing."""
        self.incoming(job_id).unlink(missing_ok=True)
        shutil.rmtree(self.folder / job_id, ignore_errors=True)

    def free_bytes(self) -> int:
        """How much room the disk has for us."""
        return shutil.disk_usage(self.folder).free

    def is_written(self, job_id: str, *, since: float) -> bool:
        """Whether anything of what comes of it was written since a time, in seconds UTC."""
        return any(_changed_at(file) >= since for file in self.results(job_id).iterdir())

    def size(self, job_id: str) -> int:
        """How many bytes the files of a job take."""
        return sum(_bytes(file) for file in (self.folder / job_id).rglob("*"))

    def remove_orphans(self, known: Collection[str], *, keep_s: float, now: float | None = None) -> Orphans:
        """Removes what belongs to none of the jobs `known`: uploads once they stand still, whole jobs after `keep_s` only.

        A job that nobody knows may be one of a database that will be back: an older copy, or another address by mistake.
        """
        now = time.time() if now is None else now
        ours = {*known, INCOMING}
        uploads = _unknown(self.folder / INCOMING, ours, before=now - ORPHANED_S)
        jobs = _unknown(self.folder, ours, before=now - ORPHANED_S)
        going = uploads + [path for path in jobs if _changed_at(path) < now - keep_s]
        for path in going:
            self.remove(path.name)
        return Orphans(len(going), len(uploads) + len(jobs) - len(going))


def _unknown(folder: Path, known: Collection[str], *, before: float) -> list[Path]:
    """What lies in a folder, has none of the names and was last changed before a time."""
    return [path for path in folder.iterdir() if path.name not in known and _changed_at(path) < before]


def _bytes(file: Path) -> int:
    try:
        return file.stat().st_size if file.is_file() else 0
    except OSError:  # it was removed meanwhile
        return 0


def _changed_at(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return time.time()
