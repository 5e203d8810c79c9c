"""Probes the files whose paths stand on standard input as the child of an upload does, and answers a line for each."""

import sys
from pathlib import Path

from server.domain.errors import InvalidRequest
from server.media.video_probe import probe_video


def probed(path: Path) -> str:
    """`read`, `refused`, or what failed."""
    try:
        found = probe_video(path)
    except InvalidRequest:
        return "refused"
    except Exception as exc:  # noqa: BLE001 - to find such is what this is for
        return repr(exc)
    sane = found.width_px > 0 and found.height_px > 0 and (found.duration_s is None or found.duration_s >= 0)
    return "read" if sane else repr(found)


if __name__ == "__main__":
    for line in sys.stdin:
        print(probed(Path(line.rstrip("\n"))), flush=True)  # noqa: T201 - the answer
