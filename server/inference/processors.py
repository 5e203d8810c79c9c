"""Processors: how many this process may really use."""

import math
import os
from pathlib import Path

_CGROUP_V2 = Path("/sys/fs/cgroup/cpu.max")
"""`quota period` in microseconds, or `max period`; https://docs.kernel.org/admin-guide/cgroup-v2.html, CPU interface files."""


def available_processors(*, limit_file: Path = _CGROUP_V2) -> int:
    """Returns the number of processors that affinity and the container's limit leave to this process, at least 1.

    A container with two of a host's sixty processors still sees sixty: as many threads would only wait for each other.
    """
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(allowed, _limit(limit_file)))


def _limit(limit_file: Path) -> int:
    """The container's limit in whole processors, a very large number where there is none."""
    try:
        quota, period = limit_file.read_text(encoding="ascii").split()
        return math.ceil(int(quota) / int(period))
    except (OSError, ValueError):
        return 1 << 16
