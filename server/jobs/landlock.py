"""Files that the process which opens strangers' files gives up: it keeps what it reads and writes by order, and the system's.

Landlock (landlock(7)): rules that a process makes for itself and its descendants and can never take back. It needs no
privilege. A thread's rules hold for the threads that it starts, so they are made before there are others.
"""

import ctypes
import os
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from server.jobs.seccomp import libc, no_new_privileges

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446  # the same on all architectures
_GET_VERSION, _PATH_BENEATH = 1, 1

_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR, _TRUNCATE, _IOCTL = 1 << 0, 1 << 1, 1 << 2, 1 << 3, 1 << 14, 1 << 15
_READ = _EXECUTE | _READ_FILE | _READ_DIR
_READ_ONE = _EXECUTE | _READ_FILE
# Of the folder of the results: read, write, cut, make and remove files and folders, and rename within it.
_REMOVE_FOLDER, _REMOVE_FILE, _MAKE_FOLDER, _MAKE_FILE = 1 << 4, 1 << 5, 1 << 7, 1 << 8
_CHANGE = _READ | _WRITE_FILE | _TRUNCATE | _REMOVE_FOLDER | _REMOVE_FILE | _MAKE_FOLDER | _MAKE_FILE
# Devices that detection may be computed on, and those that are none.
_DEVICES = ("null", "zero", "nvidia*", "nvidia-caps/*", "dri/*", "kfd", "accel/*")
# All rights to files that each version of Landlock knows; what it does not know it cannot forbid.
_RIGHTS = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 4: (1 << 15) - 1}
_RIGHTS_NOW = (1 << 16) - 1
# TCP from version 4 on, abstract sockets and signals to other processes from version 6 on.
_NETWORK, _SCOPED = 0b11, 0b11


@dataclass(frozen=True, slots=True)
class Files:
    """What is kept: everything but `hidden` may be read, of what is hidden `read`, and the folders `write` be written."""

    hidden: Sequence[Path]
    read: Sequence[Path]
    write: Sequence[Path]


def gives_up_files() -> bool:
    """Whether this system can do it."""
    return _version() > 0


def give_up_files(files: Files) -> bool:
    """Gives up all other files, and signals to other processes, for good; False where the system cannot do it."""
    version = _version()
    if version < 1 or not no_new_privileges():
        return False
    rights = _RIGHTS.get(version, _RIGHTS_NOW)
    ruleset = _create_ruleset(rights, version=version)
    if ruleset < 0:
        return False
    try:
        for path in _around([path.resolve() for path in files.hidden]):
            _allow(ruleset, path, _READ & rights)
        for path in files.read:
            _allow(ruleset, path, _READ & rights)
        for path in files.write:
            _allow(ruleset, path, _CHANGE & rights)
        for name in _DEVICES:
            for path in Path("/dev").glob(name):
                _allow(ruleset, path, (_READ_FILE | _WRITE_FILE | _IOCTL) & rights)
        return int(libc().syscall(ctypes.c_long(_RESTRICT_SELF), ruleset, 0)) == 0
    finally:
        os.close(ruleset)


def _version() -> int:
    return int(libc().syscall(ctypes.c_long(_CREATE_RULESET), None, ctypes.c_size_t(0), _GET_VERSION))


def _create_ruleset(rights: int, *, version: int) -> int:
    fields = [rights, *([_NETWORK] if version >= 4 else []), *([_SCOPED] if version >= 6 else [])]
    attributes = struct.pack(f"{len(fields)}Q", *fields)
    return int(libc().syscall(ctypes.c_long(_CREATE_RULESET), attributes, ctypes.c_size_t(len(attributes)), 0))


def _around(hidden: Sequence[Path], folder: Path = Path("/")) -> Iterator[Path]:
    """All files and folders outside of what is hidden, as few as name them all; never a link, which could lead into it."""
    for entry in _entries(folder):
        path = Path(entry.path)
        if path in hidden or entry.is_symlink():
            continue
        if any(one.is_relative_to(path) for one in hidden):
            yield from _around(hidden, path)
        else:
            yield path


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except OSError:  # what cannot be listed cannot be read either
        return []


def _allow(ruleset: int, path: Path, rights: int) -> None:
    """Adds a rule; what is not there, or not to be opened, needs none."""
    try:
        descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        allowed = rights if path.is_dir() else rights & (_READ_ONE | _WRITE_FILE | _TRUNCATE | _IOCTL)
        rule = struct.pack("=Qi", allowed, descriptor)
        libc().syscall(ctypes.c_long(_ADD_RULE), ruleset, _PATH_BENEATH, rule, 0)
    finally:
        os.close(descriptor)
