"""The number of threads follows what the process may use, not what the machine has."""

import os
from pathlib import Path

import pytest

from server.inference.processors import available_processors

ALL = len(os.sched_getaffinity(0))


@pytest.mark.parametrize(
    ("content", "count"),
    [("max 100000\n", ALL), ("25000 100000\n", 1), ("100000 100000\n", 1), ("6400000 100000\n", ALL), ("nonsense", ALL)],
)
def test_a_containers_limit_is_kept(tmp_path: Path, content: str, count: int) -> None:
    """A quota is rounded up to whole processors, and never raises what affinity allows."""
    (tmp_path / "cpu.max").write_text(content)

    assert available_processors(limit_file=tmp_path / "cpu.max") == count


def test_without_a_limit_all_processors_are_taken(tmp_path: Path) -> None:
    """A machine without control groups is no error."""
    assert available_processors(limit_file=tmp_path / "missing") == ALL
