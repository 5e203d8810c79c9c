"""Processors: how many this process may really use, and what they can."""

import math
import os
import platform
from dataclasses import dataclass
from pathlib import Path

_CGROUP_V2 = Path("/sys/fs/cgroup/cpu.max")
"""`quota period` in microseconds, or `max period`; https://docs.kernel.org/admin-guide/cgroup-v2.html, CPU interface files."""

_CGROUP_V1 = Path("/sys/fs/cgroup/cpu")
"""`cpu.cfs_quota_us`, -1 where there is no limit, and `cpu.cfs_period_us`, where control groups are still of the first version;
https://docs.kernel.org/scheduler/sched-bwc.html."""

_CPUINFO = Path("/proc/cpuinfo")

# The names under which Linux lists what makes detection quick, on x86 and on ARM, and what people call them.
INSTRUCTIONS = {
    "avx2": "AVX2",
    "avx512f": "AVX-512",
    "avx_vnni": "VNNI",
    "avx512_vnni": "AVX-512 VNNI",
    "avx512_bf16": "AVX-512 bf16",
    "amx_bf16": "AMX bf16",
    "amx_int8": "AMX int8",
    "asimd": "NEON",
    "asimddp": "NEON dot product",
    "bf16": "NEON bf16",
}


_INT8 = frozenset({"avx_vnni", "avx512_vnni", "amx_int8"})


@dataclass(frozen=True, slots=True)
class Processor:
    """One processor of the machine: what it calls itself, which of `INSTRUCTIONS` it has, by Linux' names, and whose it is."""

    name: str
    instructions: tuple[str, ...]
    vendor: str = ""


def processor(*, cpuinfo: Path = _CPUINFO) -> Processor:
    """The processor of this machine, as far as the system tells. Reads a file."""
    try:
        lines = cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    # The first line of a name is that of the first processor.
    fields = {name.strip(): value.strip() for name, _, value in (line.partition(":") for line in reversed(lines))}
    flags = set(fields.get("flags", fields.get("Features", "")).split())
    numbers = [f"{name} {fields[name]}" for name in ("cpu family", "model") if name in fields]
    name = " ".join([fields.get("model name") or platform.machine(), *numbers])
    return Processor(name, tuple(flag for flag in INSTRUCTIONS if flag in flags), fields.get("vendor_id", ""))


def multiplies_int8(which: Processor) -> bool:
    """Whether the processor has instructions that make 8-bit integers quicker than all else; measured with AVX-512 VNNI."""
    return not _INT8.isdisjoint(which.instructions)


def computes_bf16_quickly(which: Processor) -> bool:
    """Whether bf16, where the engine has it, takes less time than float32.

    Intel made its processors for it with AMX, which a virtual machine may hide. What is left is slow: a frame took 1.7 times as
    long as at float32 (Xeon, family 6 model 207), with AMD's AVX-512 bf16 half as long (EPYC, family 25 model 17).
    """
    return which.vendor != "GenuineIntel" or "amx_bf16" in which.instructions


def available_processors(*, limit_file: Path = _CGROUP_V2, limit_folder: Path = _CGROUP_V1) -> int:
    """Returns the number of processors that affinity and the container's limit leave to this process, at least 1.

    A container with two of a host's sixty processors still sees sixty: as many threads would only wait for each other.
    """
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota = processor_quota(limit_file=limit_file, limit_folder=limit_folder)
    return max(1, min(allowed, math.ceil(quota or allowed)))


def processor_quota(*, limit_file: Path = _CGROUP_V2, limit_folder: Path = _CGROUP_V1) -> float | None:
    """The container's limit in processors, None where there is none. Reads files."""
    try:
        if limit_file.exists():
            quota, period = limit_file.read_text(encoding="ascii").split()
        else:
            quota, period = ((limit_folder / f"cpu.cfs_{name}_us").read_text(encoding="ascii") for name in ("quota", "period"))
        processors = int(quota) / int(period)
    except (OSError, ValueError, ZeroDivisionError):
        return None
    return processors if processors > 0 else None
