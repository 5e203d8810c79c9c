"""Processor time of a video file on its way through the line, by what it is spent on; prints a JSON object.

`python -m benchmarks.meters.video_profile SOURCE MODEL OUT --precision auto`
"""

import argparse
import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.meters.thread_times import kinds_and_seconds
from benchmarks.meters.video_runs import add_arguments, line, open_pool
from benchmarks.servers.named_server import name_thread

WORKS = ("decode", "detect", "draw", "encode")
"""`decode` copies, too; `draw` tracks and writes rows; `encode` writes the file. Detection includes all on the way to it."""

# Threads of the engine have the name of the one that loaded the model; those of the encoder that of the line's own thread.
_BY_NAME = {"decode": "decode", "detector": "detect", "python": "detect", "draw": "draw", "encode": "encode"}
# What a thread does after it was looked at for the last time is not counted.
_LOOK_EVERY_S = 0.02


def main() -> None:
    """Takes one file through the line."""
    parser = argparse.ArgumentParser(description=__doc__)
    add_arguments(parser)
    arguments = parser.parse_args()
    threading.setprofile(name_thread)
    pool = open_pool(arguments)
    Path(f"/proc/self/task/{os.getpid()}/comm").write_text("encode", encoding="utf-8")
    with _watched() as spent:
        told = line(arguments.source, pool, arguments.out)
    pool.close()
    print(json.dumps({work: round(1000 * seconds / told["frames"], 2) for work, seconds in spent.items()}))


@contextmanager
def _watched() -> Iterator[dict[str, float]]:
    """Seconds of processor time by WORKS of what runs inside the block, complete after it; threads may end meanwhile."""
    spent = dict.fromkeys(WORKS, 0.0)
    before = kinds_and_seconds(os.getpid())
    seen = dict(before)
    over = threading.Event()

    def look() -> None:
        while not over.wait(_LOOK_EVERY_S):
            seen.update(kinds_and_seconds(os.getpid()))

    watching = threading.Thread(target=look, name="watching")
    watching.start()
    try:
        yield spent
    finally:
        over.set()
        watching.join()
        seen.update(kinds_and_seconds(os.getpid()))
        for thread, (kind, seconds) in seen.items():
            if kind in _BY_NAME:
                spent[_BY_NAME[kind]] += seconds - before.get(thread, ("", 0.0))[1]


if __name__ == "__main__":
    main()
