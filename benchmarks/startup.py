"""From start to ready, without and with the remembered tuning, and the memory of an idle server with its model loaded."""

import tempfile
import time

from benchmarks.report import summary, write_result
from tests.server_process import ServerProcess


def run(*, rounds: int = 5, settle_s: float = 2.0) -> None:
    """Starts the server twice a round with one data folder: the second time it need not time the detector."""
    first, again = list[tuple[float, float]](), list[tuple[float, float]]()
    for _ in range(rounds):
        with tempfile.TemporaryDirectory(prefix="sightline-") as folder:
            first.append(_start(folder, settle_s=settle_s))
            again.append(_start(folder, settle_s=settle_s))
    figures = {
        "rounds": rounds,
        "ready_s, first start of a model": summary([ready_s for ready_s, _ in first]),
        "ready_s": summary([ready_s for ready_s, _ in again]),
        "resident_mib": summary([mib for _, mib in [*first, *again]]),
    }
    write_result("startup", figures)


def _start(folder: str, *, settle_s: float) -> tuple[float, float]:
    """Seconds until it is ready, and its memory a while later, in MiB."""
    started = time.monotonic()
    with ServerProcess(environ={"SIGHTLINE_SERVER__DATA_DIR": folder}) as server:
        ready_s = time.monotonic() - started
        time.sleep(settle_s)
        return ready_s, server.resident_mib
