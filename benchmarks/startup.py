"""From start to ready, and the memory of an idle server with its model loaded."""

import time

from benchmarks.report import summary, write_result
from tests.server_process import ServerProcess


def run(*, rounds: int = 5, settle_s: float = 2.0) -> None:
    """Starts the server several times, one after the other."""
    ready_s, resident_mib = [], []
    for _ in range(rounds):
        started = time.monotonic()
        with ServerProcess() as server:
            ready_s.append(time.monotonic() - started)
            time.sleep(settle_s)
            resident_mib.append(server.resident_mib)
    write_result("startup", {"rounds": rounds, "ready_s": summary(ready_s), "resident_mib": summary(resident_mib)})
