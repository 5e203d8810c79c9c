"""From start to ready, without and with the remembered tuning, and the memory of an idle server with its model loaded."""

import tempfile
import time
from pathlib import Path

from benchmarks.report.results import summary, write_result
from server.inference.throughput_cache import FILE_NAME
from tests.server_process import ServerProcess

# On a machine that does other work what was measured is not remembered.
TRIES = 5


def run(*, rounds: int = 5, settle_s: float = 2.0) -> None:
    """Starts the server again and again with one data folder: once it has timed the detector it need not do so again."""
    first, again = list[tuple[float, float]](), list[tuple[float, float]]()
    for _ in range(rounds):
        with tempfile.TemporaryDirectory(prefix="sightline-") as folder:
            for _ in range(TRIES):
                first.append(_start(folder, settle_s=settle_s))
                if (Path(folder) / FILE_NAME).exists():
                    again.append(_start(folder, settle_s=settle_s))
                    break
    if not again:
        print("startup: the machine is too busy; nothing was remembered", flush=True)
        return
    figures = {
        "rounds": rounds,
        "ready_s, first start of a model": summary([ready_s for ready_s, _ in first]),
        "ready_s": summary([ready_s for ready_s, _ in again]),
        "resident_mib, first start of a model": summary([mib for _, mib in first]),
        "resident_mib": summary([mib for _, mib in again]),
    }
    write_result("startup", figures)


def _start(folder: str, *, settle_s: float) -> tuple[float, float]:
    """Seconds until it is ready, and its memory a while later, in MiB."""
    started = time.monotonic()
    with ServerProcess(environ={"SIGHTLINE_SERVER__DATA_DIR": folder}) as server:
        ready_s = time.monotonic() - started
        time.sleep(settle_s)
        return ready_s, server.resident_mib
