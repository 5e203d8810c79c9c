"""Processor time of a server by what it was spent on, read from Linux' counters of its threads."""

from contextlib import suppress
from pathlib import Path

WORKS = ("transport", "decode", "detect", "draw", "encode", "other")
"""`transport` is the event loop: packets, encryption, signalling, the copy from the decoder. `draw` tracks, too."""

# The engine's own threads inherit the name of the thread that loaded the model.
_BY_NAME = {"python": "transport", "video-decoder": "decode", "detector": "detect", "io": "detect", "compile": "detect"}
_BY_NAME |= {"renderer": "draw", "encoder": "encode"}


def thread_seconds(pid: int) -> dict[str, float]:
    """Seconds of processor time since its start, by WORKS; threads that have ended are not in it.

    The process is one of `benchmarks.servers.named_server`.
    """
    spent = dict.fromkeys(WORKS, 0.0)
    for thread, (kind, seconds) in kinds_and_seconds(pid).items():
        spent[_BY_NAME.get("python" if thread == pid else kind, "other")] += seconds
    return spent


def kinds_and_seconds(pid: int) -> dict[int, tuple[str, float]]:
    """Of each thread that a process has now the name without its number, and seconds of processor time since its start."""
    found = {}
    for task in Path(f"/proc/{pid}/task").iterdir():
        with suppress(FileNotFoundError, ProcessLookupError):  # a thread that ends meanwhile
            name = (task / "comm").read_text(encoding="utf-8").strip()
            found[int(task.name)] = (name.rstrip("0123456789").rstrip("_-"), _seconds(task))
    return found


def process_seconds(pid: int) -> float:
    """Seconds of processor time of all threads that a process has."""
    return sum(_seconds(task) for task in Path(f"/proc/{pid}/task").iterdir())


def machine_seconds() -> float:
    """Seconds of processor time of everything on this machine, and of what its host took away, since its start."""
    fields = Path("/proc/stat").read_text(encoding="ascii").splitlines()[0].split()[1:]
    user, nice, system, _, _, irq, soft_irq, stolen, *_ = map(int, fields)
    return (user + nice + system + irq + soft_irq + stolen) / 100


def _seconds(task: Path) -> float:
    """The first number of schedstat: nanoseconds on a processor."""
    return int((task / "schedstat").read_text(encoding="ascii").split()[0]) / 1e9
