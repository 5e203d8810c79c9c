"""Viewers: ten WHEP players that share an encoder or have one each, and two MJPEG readers, one of them stalled."""

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.load.publisher import finish_publisher, start_publisher, streams
from benchmarks.report.results import summary, write_result
from tests.server_process import REPOSITORY, ServerProcess

WHEP_VIEWERS = 10
# Connecting ten peers costs more than serving them; after this long all is steady.
SETTLE_S = 8.0
ALONE_S = 8.0
SHARED = {"one encoder for all": "1", "an encoder for each": "0"}


def run(*, rounds: int = 3, seconds: float = 60.0) -> None:
    """One publisher of 640x480 at 30 frames a second, first alone, then with all viewers; both ways in turn."""
    results: dict[str, list[dict[str, Any]]] = {name: [] for name in SHARED}
    for _ in range(rounds):
        for name, shared in SHARED.items():
            results[name].append(_measure({"SIGHTLINE_WEBRTC__SHARED_ENCODING": shared}, seconds=seconds))
    write_result("viewers", {"rounds": rounds, "seconds": seconds, **{name: _figures(each) for name, each in results.items()}})


def _measure(environ: Mapping[str, str], *, seconds: float) -> dict[str, Any]:
    """One server: what each viewer got, the stream as the server tells it, processors and memory."""
    with ServerProcess(environ=environ) as server:
        publisher = start_publisher(server, seconds=2 * SETTLE_S + ALONE_S + seconds + 8)
        time.sleep(SETTLE_S)
        alone = _sample(server, seconds=ALONE_S)
        watchers = _start_watchers(server, seconds=SETTLE_S + seconds + 2)
        time.sleep(SETTLE_S)
        watched = _sample(server, seconds=seconds)
        output, _ = watchers.communicate(timeout=60)
        report = finish_publisher(publisher)
    return {
        "alone": alone,
        "watched": watched,
        "seen": json.loads(output.splitlines()[-1]),
        "report": report,
        "seconds": seconds,
    }


def _start_watchers(server: ServerProcess, *, seconds: float) -> subprocess.Popen[str]:
    stream_id = streams(server)[0]["id"]
    count = str(WHEP_VIEWERS)
    command = [sys.executable, "-m", "benchmarks.load.watchers", server.url, stream_id]
    return subprocess.Popen(
        [*command, "--whep", count, "--seconds", str(seconds)], cwd=REPOSITORY, stdout=subprocess.PIPE, text=True
    )


def _sample(server: ServerProcess, *, seconds: float) -> dict[str, Any]:
    """The stream once a second, the processors that the server took, and its memory in the first and last tenth."""
    rows: list[dict[str, Any]] = []
    started, processor_s = time.monotonic(), server.processor_s
    while time.monotonic() - started < seconds:
        time.sleep(1.0)
        rows += [{"resident_mib": server.resident_mib, **stream} for stream in streams(server)]
    tenth = max(1, len(rows) // 10)
    return {
        "processors": (server.processor_s - processor_s) / (time.monotonic() - started),
        "box_age_p95_ms": statistics.median(row["box_age_ms"]["p95"] for row in rows if row["box_age_ms"]["p95"] is not None),
        "processed_fps": statistics.median(row["processed_fps"] for row in rows),
        "first_mib": statistics.mean(row["resident_mib"] for row in rows[:tenth]),
        "last_mib": statistics.mean(row["resident_mib"] for row in rows[-tenth:]),
    }


def _figures(rounds: Sequence[dict[str, Any]]) -> dict[str, Any]:
    watched_s = rounds[0]["seconds"] + SETTLE_S + 2
    pictures = [count for one in rounds for count in one["seen"]["whep_pictures"]]
    figures: dict[str, Any] = {
        "fps of each WHEP viewer": summary([count / watched_s for count in pictures]),
        "fps of the MJPEG reader": summary([one["seen"]["mjpeg_pictures"] / watched_s for one in rounds]),
    }
    for label, key in [
        ("server's processors", "processors"),
        ("publisher's box age p95, ms", "box_age_p95_ms"),
        ("detections a second", "processed_fps"),
    ]:
        for when in ("alone", "watched"):
            figures[f"{label}, {when}"] = summary([one[when][key] for one in rounds])
    for label, when, key in [
        ("alone", "alone", "last_mib"),
        ("at first", "watched", "first_mib"),
        ("at last", "watched", "last_mib"),
    ]:
        figures[f"resident MiB, {label}"] = summary([one[when][key] for one in rounds])
    figures["publisher's round trip p95, ms"] = summary([one["report"]["round_trip_ms"]["p95"] for one in rounds])
    return figures
