"""Whole files: a file appears under its name when it is complete, and never half."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

# Some file systems know no such thing, of folders above all.
_CANNOT_SYNC = {errno.EINVAL, errno.ENOTSUP}


@contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """A file to write, in a folder that is made where it is missing. Blocks; raises OSError.

    It has another name until the block ends; then it takes the place of what was there before. When the block raises nothing
    of it is left.
    """
    with whole_path(path) as temporary, temporary.open("wb") as file:
        yield file


@contextmanager
def whole_path(path: Path) -> Iterator[Path]:
    """The same for those who open the file themselves: the other name, which must be written and closed when the block ends."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        yield temporary
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def sync_to_disk(path: Path) -> None:
    """Returns when what a closed file has, or which names a folder has, would outlive a power cut. Blocks; raises OSError."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as exc:
        if exc.errno not in _CANNOT_SYNC:
            raise
    finally:
        os.close(descriptor)
