"""The number of threads follows what the process may use, not what the machine has."""

import os
from pathlib import Path

import pytest

from server.inference.processors import (
    Processor,
    available_processors,
    computes_bf16_quickly,
    processor,
    processor_quota,
)

ALL = len(os.sched_getaffinity(0))


@pytest.mark.parametrize(
    ("content", "count"),
    [("max 100000\n", ALL), ("25000 100000\n", 1), ("100000 100000\n", 1), ("6400000 100000\n", ALL), ("nonsense", ALL)],
)
def test_a_containers_limit_is_kept(tmp_path: Path, content: str, count: int) -> None:
    """A quota is rounded up to whole processors, and never raises what affinity allows."""
    (tmp_path / "cpu.max").write_text(content)

    assert available_processors(limit_file=tmp_path / "cpu.max") == count


@pytest.mark.parametrize(("quota", "limit"), [("25000", 0.25), ("150000", 1.5), ("-1", None), ("nonsense", None)])
def test_the_first_version_of_control_groups_is_understood(tmp_path: Path, quota: str, limit: float | None) -> None:
    """Machines that have it keep quota and period in two files; -1 is no limit."""
    (tmp_path / "cpu.cfs_quota_us").write_text(f"{quota}\n")
    (tmp_path / "cpu.cfs_period_us").write_text("100000\n")

    assert processor_quota(limit_file=tmp_path / "missing", limit_folder=tmp_path) == limit


def test_without_a_limit_all_processors_are_taken(tmp_path: Path) -> None:
    """A machine without control groups is no error."""
    assert available_processors(limit_file=tmp_path / "missing", limit_folder=tmp_path) == ALL


def test_a_processor_is_named_with_what_makes_detection_quick(tmp_path: Path) -> None:
    """Of the many flags, those that matter; the first processor speaks for all."""
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text(
        "vendor_id\t: GenuineIntel\ncpu family\t: 6\nmodel name\t: First\nflags\t\t: sse avx2 avx512_vnni\n\n"
        "model name\t: Second\nflags\t\t: sse\n"
    )

    assert processor(cpuinfo=cpuinfo) == Processor("First cpu family 6", ("avx2", "avx512_vnni"), "GenuineIntel")


def test_bf16_of_intel_without_amx_is_left_alone() -> None:
    """Having it is not being quick at it; AMD's and ARM's is quick without."""
    assert not computes_bf16_quickly(Processor("CPU", ("avx512_bf16",), "GenuineIntel"))
    assert computes_bf16_quickly(Processor("CPU", ("avx512_bf16", "amx_bf16"), "GenuineIntel"))
    assert computes_bf16_quickly(Processor("CPU", ("avx512_bf16",), "AuthenticAMD"))
    assert computes_bf16_quickly(Processor("CPU", ("asimd", "bf16")))


def test_arm_has_other_words(tmp_path: Path) -> None:
    """There the flags are called features, and there is no name."""
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text("Features\t: fp asimd bf16\n")

    assert processor(cpuinfo=cpuinfo).instructions == ("asimd", "bf16")


def test_a_system_that_tells_nothing_is_no_error(tmp_path: Path) -> None:
    """Such as one without /proc."""
    assert processor(cpuinfo=tmp_path / "missing").instructions == ()
