"""`python -m tests.faults.shifted_clock FILE serve ...`: the real server, whose wall clock is as many seconds off as FILE says.

libfaketime would need no entry point of ours, but Debian's makes `time.sleep` of Python 3.11 fail; and there is no time
namespace for the wall's clock. The monotonic clock stays as it is, as it does on a machine whose clock is set.
"""

import struct
import sys
import time
from datetime import UTC, datetime
from mmap import ACCESS_READ, mmap
from pathlib import Path

FORM = struct.Struct("d")


def set_offset(file: Path, offset_s: float) -> None:
    """Sets the clock of the server that reads the file."""
    with file.open("r+b" if file.exists() else "w+b") as opened:
        opened.write(FORM.pack(offset_s))


def main(file: str, *arguments: str) -> int:
    """Shifts the clock before anything of the server is imported, and sweeps often, as nobody waits for a minute here."""
    with open(file, "rb") as opened:  # noqa: PTH123 - it stays open for as long as the map
        offset = mmap(opened.fileno(), FORM.size, access=ACCESS_READ)
    unshifted = time.time
    time.time = lambda: unshifted() + float(FORM.unpack_from(offset)[0])
    import aiortc.clock  # noqa: PLC0415 - after the clock is shifted

    aiortc.clock.current_datetime = lambda: datetime.fromtimestamp(time.time(), UTC)
    import server.alerts.retention  # noqa: PLC0415 - likewise
    import server.jobs.retention  # noqa: PLC0415 - likewise
    from server.cli import main as serve  # noqa: PLC0415 - likewise

    server.alerts.retention.INTERVAL_S = server.jobs.retention.INTERVAL_S = 0.3
    return serve(list(arguments))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
