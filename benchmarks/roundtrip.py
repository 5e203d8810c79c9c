"""Round trip of a picture through the real server and model: both codecs, and float32, interleaved."""

from contextlib import ExitStack
from typing import Any

from benchmarks.publisher import finish_publisher, start_publisher
from benchmarks.report import summary, write_result
from tests.server_process import ServerProcess


def run(*, rounds: int = 3, seconds: float = 15.0) -> None:
    """640x480 at 30 frames a second from one client, to a server as it comes and to one that computes in float32."""
    reports: dict[str, list[dict[str, Any]]] = {"h264": [], "vp8": [], "h264 float32": []}
    with ExitStack() as servers:
        usual = servers.enter_context(ServerProcess())
        float32 = servers.enter_context(ServerProcess("--precision", "f32"))
        for _ in range(rounds):
            for name, collected in reports.items():
                server = float32 if name.endswith("float32") else usual
                publisher = start_publisher(server, "--codec", name.split()[0], seconds=seconds)
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
