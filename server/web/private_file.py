"""Private files: readable to their owner alone, and put in their place whole."""

import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def replace_private(file: Path, content: bytes) -> None:
    """Puts a file with this content in the place of the one there; a crash leaves one or the other. Raises OSError."""
    # mkstemp makes it readable to its owner alone.
    descriptor, temporary = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}-")
    try:
        with os.fdopen(descriptor, "wb") as opened:
            _give_to_owner_of(file.parent, descriptor)
            opened.write(content)
            opened.flush()
            os.fsync(descriptor)
        Path(temporary).replace(file)
    finally:
        Path(temporary).unlink(missing_ok=True)  # there only where something failed


@contextmanager
def turn(lock: Path) -> Iterator[None]:
    """Inside the block no other process has the same lock file; waits for it. Raises OSError."""
    # No link is followed: root may write here, in a folder that belongs to somebody else.
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        _give_to_owner_of(lock.parent, descriptor)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _give_to_owner_of(folder: Path, descriptor: int) -> None:
    """What root writes in the server's folder the server must be able to read and write."""
    if os.geteuid() == 0:
        found = folder.stat()
        os.fchown(descriptor, found.st_uid, found.st_gid)
