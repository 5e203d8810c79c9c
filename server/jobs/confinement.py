"""Confinement: what the process that opens strangers' files takes from itself before it opens one.

It needs no network, no other program, no other process, and no file but those of its order and of the system. What Linux
offers for that is used; where it offers less, the limits (limits.py) and FFmpeg's own lists of formats and protocols
(media/video_file.py) are left.
"""

import ctypes
import struct
import tempfile
from dataclasses import dataclass
from pathlib import Path

from server.jobs.landlock import Files, give_up_files, gives_up_files
from server.jobs.messages import CheckOrder, ClipOrder, Order
from server.jobs.seccomp import give_up_calls, gives_up_calls, libc

# capset(2), version 3: two times effective, permitted and inheritable, 32 capabilities each.
_CAPABILITY_VERSION = 0x20080522
# Reading and writing what belongs to others (CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH): root's folders may be anybody's.
_KEPT_CAPABILITIES = 1 << 1 | 1 << 2


@dataclass(frozen=True, slots=True)
class Confined:
    """What this system has taken, or would take, from the process; `temporary` is to be removed before its last report."""

    calls: bool
    files: bool
    temporary: Path | None = None

    @property
    def missing(self) -> str:
        """What it does not take, for a log line; empty where there is nothing."""
        return " and ".join(name for name, taken in (("sockets", self.calls), ("files", self.files)) if not taken)


def offered() -> Confined:
    """What this system offers; changes nothing."""
    return Confined(calls=gives_up_calls(), files=gives_up_files())


def confine(order: Order) -> Confined:
    """Takes from this process what the order does not need, for good. To be called while it has one thread."""
    _give_up_capabilities()
    kept = _files(order)
    files, calls = give_up_files(kept), give_up_calls()
    temporary = _temporary_files_in(Path(order.out)) if files and isinstance(order, CheckOrder) else None
    return Confined(calls=calls, files=files, temporary=temporary)


def _files(order: Order) -> Files:
    hidden = [Path(path) for path in order.limits.hidden]
    source = Path(order.source)
    if isinstance(order, CheckOrder):
        # The folder of the job is opened to have its names outlive a power cut.
        out = Path(order.out)
        return Files(hidden, read=[source, out.parent, Path(order.model.path)], write=[out])
    return Files(hidden, read=[source], write=[Path(order.out).parent] if isinstance(order, ClipOrder) else [])


def _temporary_files_in(folder: Path) -> Path:
    """A folder for temporary files in the only one that can be written: PyTorch wants a place for them when it is imported."""
    tempfile.tempdir = tempfile.mkdtemp(dir=folder, prefix=".")
    return Path(tempfile.tempdir)


def _give_up_capabilities() -> None:
    """Keeps of root's powers those over files alone; another user has none anyway."""
    if not hasattr(libc(), "capset"):
        return
    header, held = struct.pack("Ii", _CAPABILITY_VERSION, 0), ctypes.create_string_buffer(24)
    if libc().capget(header, held) == 0:
        _, permitted, _, *_ = struct.unpack("6I", held.raw)
        kept = permitted & _KEPT_CAPABILITIES
        libc().capset(header, struct.pack("6I", kept, kept, 0, 0, 0, 0))
