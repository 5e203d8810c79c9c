"""Limits that the process which checks a video sets for itself, before it opens a file that a stranger made.

Linux has all of them; elsewhere those that are missing are left out.
"""

import ctypes
import os
import resource
import signal
import sys
from pathlib import Path

from server.jobs.messages import Limits

_PR_SET_PDEATHSIG = 1  # prctl(2)
_OOM_SCORE = Path("/proc/self/oom_score_adj")
# When the machine runs out of memory the system ends this process and not the server.
_FIRST_TO_END = "800"
# Between the signal that tells of the limit and the one that ends the process.
_CPU_GRACE_S = 10


def apply_limits(limits: Limits) -> None:
    """Sets them, and has this process end with its parent; ends at once where that is gone already."""
    _die_with_parent(limits.parent)
    os.nice(limits.nice)
    # The data segment counts what is written to. The address space would also count what libraries only reserve, which is
    # several gigabytes here.
    _lower(resource.RLIMIT_DATA, limits.memory_bytes)
    _lower(resource.RLIMIT_CPU, limits.cpu_s, hard=limits.cpu_s + _CPU_GRACE_S)
    _lower(resource.RLIMIT_FSIZE, limits.file_bytes)
    # A model and a video take some thirty, a graphics processor as many again.
    _lower(resource.RLIMIT_NOFILE, limits.open_files)
    # Nobody looks at a memory image, and it would hold pictures of a stranger.
    _lower(resource.RLIMIT_CORE, 0)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # a write that fails says more than a signal
    try:
        _OOM_SCORE.write_text(_FIRST_TO_END, encoding="ascii")
    except OSError:  # not Linux, or a container that forbids it
        pass


def _die_with_parent(parent: int) -> None:
    """The end of the pipe tells the same, but not while a library holds this process up."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


def _lower(kind: int, value: int, *, hard: int | None = None) -> None:
    """Lowers a limit; one that is lower already stays."""
    _, most = resource.getrlimit(kind)
    wanted = value if hard is None else hard
    ceiling = wanted if most == resource.RLIM_INFINITY else min(wanted, most)
    resource.setrlimit(kind, (min(value, ceiling), ceiling))
