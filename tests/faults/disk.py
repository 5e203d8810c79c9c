"""A disk that can be filled: a small one of its own where that can be mounted, else a limit on the server's files."""

import errno
import os
import resource
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SIZE_BYTES = 24 * 1024 * 1024


class Disk:
    """The disk below `folder`; `mounted` tells whether it is one of its own."""

    def __init__(self, folder: Path, *, mounted: bool) -> None:
        self.folder = folder
        self.mounted = mounted
        self._filler = folder / "filler"

    @contextmanager
    def full(self, pid: int) -> Iterator[None]:
        """Not a byte more can be written by the process inside the block."""
        if not self.mounted:
            before = resource.prlimit(pid, resource.RLIMIT_FSIZE, (1, resource.RLIM_INFINITY))
            try:
                yield
            finally:
                resource.prlimit(pid, resource.RLIMIT_FSIZE, before)
            return
        self.fill()
        try:
            yield
        finally:
            self._filler.unlink()

    def fill(self, *, leave_bytes: int = 0) -> None:
        """Takes the room that there is."""
        with self._filler.open("ab", buffering=0) as file:
            try:
                while True:
                    file.write(bytes(4096))
            except OSError as exc:
                if exc.errno != errno.ENOSPC:
                    raise
            if leave_bytes:
                file.truncate(max(0, file.tell() - leave_bytes))


@contextmanager
def small_disk(folder: Path) -> Iterator[Disk]:
    """A disk of SIZE_BYTES at the folder."""
    folder.mkdir()
    mounted = os.geteuid() == 0 and _run("mount", "-t", "tmpfs", "-o", f"size={SIZE_BYTES}", "tmpfs", str(folder))
    try:
        yield Disk(folder, mounted=mounted)
    finally:
        if mounted:
            _run("umount", "--lazy", str(folder))


def _run(*command: str) -> bool:
    try:
        return subprocess.run(command, capture_output=True, check=False, timeout=10).returncode == 0
    except OSError:
        return False
