"""Few heaps, looked at in a process of its own: the setting holds for all of a process."""

import subprocess
import sys

import pytest

# Eight threads that allocate at once, each of which would get a heap of its own; then glibc's own list of heaps.
PROGRAM = """
import ctypes, sys, threading
from server.web.heap import use_few_arenas
if sys.argv[1] == "few":
    assert use_few_arenas()
libc = ctypes.CDLL(None)
libc.malloc.restype = libc.fdopen.restype = ctypes.c_void_p
together = threading.Barrier(8)
def work():
    together.wait()
    for _ in range(1000):
        libc.malloc(ctypes.c_size_t(5000))
    together.wait()
threads = [threading.Thread(target=work) for _ in range(8)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
file = ctypes.c_void_p(libc.fdopen(1, b"w"))
libc.malloc_info(0, file)
libc.fflush(file)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the heap of another C library")
def test_threads_share_two_heaps() -> None:
    """What one thread has freed another uses; without it there are more."""
    few, many = (_heaps(mode) for mode in ("few", "many"))
    assert few <= 2 < many


def _heaps(mode: str) -> int:
    run = subprocess.run([sys.executable, "-c", PROGRAM, mode], capture_output=True, text=True, check=True)
    return run.stdout.count("<heap nr=")
