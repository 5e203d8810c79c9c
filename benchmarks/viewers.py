"""Viewers: ten WHEP players and two MJPEG readers, one of them stalled; the publisher's boxes stay fresh, memory flat."""

import json
import subprocess
import sys
import time
from typing import Any

from benchmarks.publisher import finish_publisher, start_publisher, streams
from benchmarks.report import summary, write_result
from tests.server_process import REPOSITORY, ServerProcess

WHEP_VIEWERS = 10
# Connecting ten peers costs more than serving them; after this long all is steady.
SETTLE_S = 10.0


def run(*, minutes: float = 5.0, alone_s: float = 20.0) -> None:
    """One publisher of 640x480 at 30 frames a second, first alone, then with all viewers for `minutes`."""
    watched_s = minutes * 60
    with ServerProcess() as server:
        publisher = start_publisher(server, seconds=SETTLE_S + alone_s + watched_s + 15)
        alone = _sample(server, seconds=SETTLE_S + alone_s)
        watchers = _start_watchers(server, seconds=watched_s)
        watched = _sample(server, seconds=watched_s - 2)
        output, _ = watchers.communicate(timeout=60)
        report = finish_publisher(publisher)
    seen = json.loads(output.splitlines()[-1])
    write_result("viewers", _figures(alone, watched, seen=seen, report=report, watched_s=watched_s))


def _start_watchers(server: ServerProcess, *, seconds: float) -> subprocess.Popen[str]:
    stream_id = streams(server)[0]["id"]
    count = str(WHEP_VIEWERS)
    command = [sys.executable, "-m", "benchmarks.watchers", server.url, stream_id, "--whep", count, "--seconds", str(seconds)]
    return subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True)


def _sample(server: ServerProcess, *, seconds: float) -> list[dict[str, Any]]:
    """One row a second after everything is connected: the stream as the server tells it, and the process' memory."""
    rows: list[dict[str, Any]] = []
    started = time.monotonic()
    while (elapsed_s := time.monotonic() - started) < seconds:
        time.sleep(1.0)
        if elapsed_s >= SETTLE_S:
            rows += [{"resident_mib": server.resident_mib, **stream} for stream in streams(server)]
    return rows


def _figures(
    alone: list[dict[str, Any]],
    watched: list[dict[str, Any]],
    *,
    seen: dict[str, Any],
    report: dict[str, Any],
    watched_s: float,
) -> dict[str, Any]:
    tenth = max(1, len(watched) // 10)
    return {
        "minutes": round(watched_s / 60, 2),
        "publisher_box_age_p95_ms": {"alone": _box_age(alone), "with viewers": _box_age(watched)},
        "processed_fps": {
            "alone": summary([row["processed_fps"] for row in alone]),
            "with viewers": summary([row["processed_fps"] for row in watched]),
        },
        "whep_fps_each": round(seen["whep_pictures"] / watched_s / WHEP_VIEWERS, 1),
        "mjpeg_fps": round(seen["mjpeg_pictures"] / watched_s, 1),
        "stalled_readers": seen["stalls"],
        "resident_mib": {
            "alone": _memory(alone),
            "first tenth": _memory(watched[:tenth]),
            "last tenth": _memory(watched[-tenth:]),
        },
        "publisher_round_trip_ms": report["round_trip_ms"],
    }


def _box_age(rows: list[dict[str, Any]]) -> dict[str, float]:
    """The server's own p95 at the publisher, which it takes over the newest 150 pictures."""
    return summary([row["box_age_ms"]["p95"] for row in rows if row["box_age_ms"]["p95"] is not None])


def _memory(rows: list[dict[str, Any]]) -> float:
    return round(float(sum(row["resident_mib"] for row in rows)) / len(rows), 1)
