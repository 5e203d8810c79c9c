"""Limits of the process that checks: each is met by a real process."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PREPARE = """
import os, sys
from server.jobs.limits import apply_limits
from server.jobs.messages import Limits
apply_limits(Limits(nice=5, memory_bytes={memory}, cpu_s=1, file_bytes=1000, parent={parent}))
"""

WRITE = """
import tempfile
with tempfile.TemporaryFile() as file:
    file.write(bytes(5000))
    file.flush()
"""


def run(code: str, *, memory: int = 2**30, parent: str = "os.getppid()") -> subprocess.CompletedProcess[str]:
    """What a process under limits says and how it ends."""
    program = PREPARE.format(memory=memory, parent=parent) + code
    return subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)


def test_memory_ends() -> None:
    """The process is told, instead of taking that of the live streams."""
    ended = run("bytearray(400_000_000)", memory=200_000_000)
    assert ended.stderr.rstrip().endswith("MemoryError")


def test_what_is_only_reserved_is_no_memory() -> None:
    """Libraries reserve address space that they never use; the limit must not count it."""
    ended = run("import mmap; mmap.mmap(-1, 2**32, prot=mmap.PROT_READ); print('fine')", memory=200_000_000)
    assert ended.stdout == "fine\n"


def test_a_file_ends() -> None:
    """Writing fails with an error that says why, and without a signal."""
    ended = run(WRITE)
    assert "File too large" in ended.stderr
    assert ended.returncode == 1


def test_processor_time_ends() -> None:
    """By the signal that the runner knows."""
    assert run("while True: pass").returncode == -signal.SIGXCPU


def test_priority_is_low_and_no_memory_image_is_left() -> None:
    """Both are seen from inside."""
    ended = run("import resource; print(os.nice(0), resource.getrlimit(resource.RLIMIT_CORE))")
    assert ended.stdout == f"{os.nice(0) + 5} (0, 0)\n"


def test_a_process_without_its_parent_ends_at_once() -> None:
    """The server may be gone before the child looks."""
    ended = run("print('still here')", parent="1 << 22")
    assert (ended.returncode, ended.stdout) == (1, "")


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no signal of a parent's death")
def test_the_process_ends_with_a_server_that_is_killed() -> None:
    """Even while a library holds it up, so that it cannot see the end of its pipe."""
    busy = PREPARE.format(memory=2**30, parent="os.getppid()").replace("cpu_s=1", "cpu_s=60")
    busy += "import signal; print(os.getpid(), flush=True); signal.pause()"
    middle = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {busy!r}])"
    server = subprocess.Popen([sys.executable, "-c", middle], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    child = int(server.stdout.readline())
    server.kill()
    server.wait()
    server.stdout.close()
    deadline = time.monotonic() + 20
    while is_alive(child) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not is_alive(child)


def is_alive(pid: int) -> bool:
    """Whether the process is there and not just waiting to be forgotten."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in ("Z", "X")
    except OSError:
        return False
