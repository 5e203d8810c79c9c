"""The processes that look into videos for a server, seen from outside."""

import time
from pathlib import Path

CHILD = "server.jobs.child"


def children_of(pid: int) -> list[int]:
    """The processes that check for a server."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and is_alive(int(folder.name)):
            try:
                parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
                command = (folder / "cmdline").read_bytes().decode()
            except OSError:
                continue
            if parent == pid and CHILD in command:
                found.append(int(folder.name))
    return found


def is_alive(pid: int) -> bool:
    """Whether the process is there and not just waiting to be forgotten."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in ("Z", "X")
    except OSError:
        return False


def gone(pid: int) -> bool:
    """Whether the process is gone soon."""
    deadline = time.monotonic() + 20
    while is_alive(pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    return not is_alive(pid)
