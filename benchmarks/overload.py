"""Overload: frames arrive three to four times as fast as the detector can work; the age of the boxes must not grow.

The input size is pinned, or the server would make it smaller until it keeps up. `in_use_mib` is what the process has allocated
and not freed: resident memory also has what the heap keeps.
"""

import json
import statistics
import sys
import time
import urllib.request
from typing import Any

from benchmarks.load.publisher import finish_publisher, start_publisher, streams
from benchmarks.report.results import summary, write_result
from benchmarks.servers.soak_server import CENSUS
from tests.server_process import ServerProcess

# The delivered model in float32 on one thread, at an input that takes it more than three times as long as a frame lasts.
SLOW = ("--imgsz", "896", "--precision", "f32")
SLOW_ENVIRON = {"SIGHTLINE_INFERENCE__THREADS": "1", "SIGHTLINE_LIVE__IMGSZ": "896"}
COMMAND = (sys.executable, "-m", "benchmarks.servers.soak_server", "serve", "--port", "0")
SERIES_S = 10


def run(*, minutes: float = 10.0) -> None:
    """One stream of 640x480 at 30 frames a second; samples the server once a second."""
    with ServerProcess(*SLOW, environ=SLOW_ENVIRON, command=COMMAND) as server:
        publisher = start_publisher(server, seconds=minutes * 60 + 5)
        samples = _sample(server, seconds=minutes * 60)
        report = finish_publisher(publisher)
    write_result("overload", _figures(samples, report=report, minutes=minutes))


def _sample(server: ServerProcess, *, seconds: float) -> list[dict[str, Any]]:
    """One row a second: the stream's counters and the process' memory."""
    rows: list[dict[str, Any]] = []
    started = time.monotonic()
    while (elapsed_s := time.monotonic() - started) < seconds:
        time.sleep(1.0)
        memory = {"resident_mib": server.resident_mib, "in_use_mib": _in_use_mib(server)}
        rows += [{"at_s": elapsed_s, **memory, **stream} for stream in streams(server)]
    return rows


def _in_use_mib(server: ServerProcess) -> float:
    with urllib.request.urlopen(f"{server.url}{CENSUS.lstrip('/')}", timeout=30) as answer:
        return float(json.load(answer)["in_use_mib"])


def _figures(rows: list[dict[str, Any]], *, report: dict[str, Any], minutes: float) -> dict[str, Any]:
    # The first seconds belong to the connection, not to the load.
    first = [row for row in rows if 5 <= row["at_s"] < 65]
    last = [row for row in rows if row["at_s"] >= minutes * 60 - 60]
    ages = {"first minute": _box_age(first), "last minute": _box_age(last)}
    warm_mib, end_mib = first[-1]["resident_mib"], last[-1]["resident_mib"]
    in_use_mib = [statistics.median(row["in_use_mib"] for row in rows) for rows in (first[-10:], last[-10:])]
    return {
        "minutes": minutes,
        "received_over_processed": round(last[-1]["received"] / last[-1]["processed"], 2),
        "box_age_p95_ms": ages,
        "box_age_last_over_first": round(ages["last minute"]["median"] / ages["first minute"]["median"], 3),
        "resident_mib": {"after 1 minute": round(warm_mib, 1), "end": round(end_mib, 1)},
        "growth_mib": round(end_mib - warm_mib, 1),
        "in_use_mib": dict(zip(("after 1 minute", "end"), in_use_mib, strict=True)),
        "in_use_growth_mib": round(in_use_mib[1] - in_use_mib[0], 1),
        "round_trip_ms": report["round_trip_ms"],
        "returned_fps": round(report["returned"] / (minutes * 60), 1),
        "series": [_point(row) for row in rows[SERIES_S - 1 :: SERIES_S]],
    }


def _point(row: dict[str, Any]) -> dict[str, Any]:
    at_s, resident_mib = round(row["at_s"]), round(row["resident_mib"], 1)
    return {"at_s": at_s, "box_age_p95_ms": row["box_age_ms"]["p95"], "resident_mib": resident_mib}


def _box_age(rows: list[dict[str, Any]]) -> dict[str, float]:
    """The server's own p95, which it takes over the newest 150 pictures: the minute's median and worst."""
    return summary([row["box_age_ms"]["p95"] for row in rows if row["box_age_ms"]["p95"] is not None])
