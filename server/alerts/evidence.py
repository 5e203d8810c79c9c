"""Evidence: the files of alerts, one folder each. Everything here blocks: never on the event loop."""

import errno
import os
import shutil
import time
from collections.abc import Collection
from pathlib import Path
from typing import NamedTuple

from server.media.whole_file import whole_file

SNAPSHOT, ANNOTATED, DETECTIONS, CLIP = "snapshot.jpg", "annotated.jpg", "detections.json", "clip.mp4"

# A file that is being written changes all the time: one that stands still for so long has lost its writer.
ORPHANED_S = 600.0


class Swept(NamedTuple):
    """What belonged to no alert: how many files and folders were removed, and how many folders are kept for now."""

    removed: int
    kept: int


class AlertFiles:
    """The files below one folder; any thread but the event loop's. Each appears under its name when it is whole."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def open(self) -> None:
        """Makes the folder, readable to its owner alone; raises OSError when it cannot be made or written."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.folder.chmod(0o700)
        if not os.access(self.folder, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(self.folder))

    def snapshot(self, alert_id: str) -> Path:
        """The best frame as it was."""
        return self.folder / alert_id / SNAPSHOT

    def annotated(self, alert_id: str) -> Path:
        """The same with boxes and labels."""
        return self.folder / alert_id / ANNOTATED

    def detections(self, alert_id: str) -> Path:
        """All that was found around the alert, as JSON."""
        return self.folder / alert_id / DETECTIONS

    def clip(self, alert_id: str) -> Path:
        """The video around the alert."""
        return self.folder / alert_id / CLIP

    def write(self, path: Path, data: bytes) -> None:
        """Writes a whole file in place of the one before; makes the alert's folder where it is missing. Raises OSError."""
        path.parent.mkdir(mode=0o700, exist_ok=True)
        with whole_file(path) as file:
            file.write(data)

    def incoming_clip(self, alert_id: str) -> Path:
        """Where a clip lies while it is made; its folder is there then. Raises OSError."""
        path = self.folder / alert_id / f".{CLIP}"
        path.parent.mkdir(mode=0o700, exist_ok=True)
        return path

    def accept_clip(self, alert_id: str) -> int:
        """Gives a clip that is complete its name; returns how many bytes the alert takes then. Raises OSError."""
        self.incoming_clip(alert_id).replace(self.clip(alert_id))
        return self.size(alert_id)

    def size(self, alert_id: str) -> int:
        """How many bytes the files of an alert take."""
        return sum(_bytes(file) for file in (self.folder / alert_id).glob("*"))

    def remove(self, alert_id: str) -> None:
        """Removes all of an alert; does nothing where there is nothing."""
        shutil.rmtree(self.folder / alert_id, ignore_errors=True)

    def sweep(self, known: Collection[str], *, keep_s: float, now: float | None = None) -> Swept:
        """Removes halves of files, and folders that belong to none of the alerts `known` after `keep_s` only.

        An alert that nobody knows may be one of a database that will be back: an older copy, or another address by mistake.
        """
        now = time.time() if now is None else now
        ours = set(known)
        halves = [
            path for path in self.folder.glob("*/.*") if path.parent.name in ours and _changed_at(path) < now - ORPHANED_S
        ]
        for path in halves:
            path.unlink(missing_ok=True)
        unknown = [path for path in self.folder.iterdir() if path.name not in ours]
        unknown = [path for path in unknown if _changed_at(path) < now - ORPHANED_S]
        going = [path for path in unknown if _changed_at(path) < now - keep_s]
        for path in going:
            self.remove(path.name)
        return Swept(len(halves) + len(going), len(unknown) - len(going))


def _bytes(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError:  # it was removed, or took its name, meanwhile
        return 0


def _changed_at(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return time.time()
