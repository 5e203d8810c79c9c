"""Round trip of a picture through the real server and model: both codecs, and bf16 and float32, interleaved."""

from contextlib import ExitStack
from typing import Any

from benchmarks.load.publisher import finish_publisher, start_publisher
from benchmarks.report.results import machine, summary, write_result
from tests.server_process import ServerProcess


def run(*, rounds: int = 3, seconds: float = 15.0) -> None:
    """640x480 at 30 frames a second from one client, to a server as it comes and to two that compute as they are told."""
    cases = {"h264": "auto", "vp8": "auto", "h264 bf16": "bf16", "h264 float32": "f32"}
    if not machine()["bf16"]:
        del cases["h264 bf16"]
    reports: dict[str, list[dict[str, Any]]] = {name: [] for name in cases}
    with ExitStack() as started:
        servers = {which: started.enter_context(ServerProcess("--precision", which)) for which in set(cases.values())}
        for _ in range(rounds):
            for name, collected in reports.items():
                publisher = start_publisher(servers[cases[name]], "--codec", name.split()[0], seconds=seconds)
                collected.append(finish_publisher(publisher))
    write_result("roundtrip", {name: _figures(collected, seconds) for name, collected in reports.items()})


def _figures(reports: list[dict[str, Any]], seconds: float) -> dict[str, Any]:
    return {
        "rounds": len(reports),
        "round_trip_p50_ms": summary([report["round_trip_ms"]["p50"] for report in reports]),
        "round_trip_p95_ms": summary([report["round_trip_ms"]["p95"] for report in reports]),
        "returned_fps": summary([report["returned"] / seconds for report in reports]),
        "detected_fps": summary([report["message_count"] / seconds for report in reports]),
        "longest_gap_ms": summary([report["longest_gap_ms"] for report in reports]),
    }
