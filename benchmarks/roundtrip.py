"""Round trip of a picture through the real server and model, for both codecs, interleaved."""

from typing import Any

from benchmarks.publisher import finish_publisher, start_publisher
from benchmarks.report import summary, write_result
from tests.server_process import ServerProcess


def run(*, rounds: int = 3, seconds: float = 15.0) -> None:
    """640x480 at 30 frames a second from one client, H.264 and VP8 in turn."""
    reports: dict[str, list[dict[str, Any]]] = {"h264": [], "vp8": []}
    with ServerProcess() as server:
        for _ in range(rounds):
            for codec, collected in reports.items():
                publisher = start_publisher(server, "--codec", codec, seconds=seconds)
                collected.append(finish_publisher(publisher))
    write_result("roundtrip", {codec: _figures(collected, seconds) for codec, collected in reports.items()})


def _figures(reports: list[dict[str, Any]], seconds: float) -> dict[str, Any]:
    return {
        "rounds": len(reports),
        "round_trip_p50_ms": summary([report["round_trip_ms"]["p50"] for report in reports]),
        "round_trip_p95_ms": summary([report["round_trip_ms"]["p95"] for report in reports]),
        "returned_fps": summary([report["returned"] / seconds for report in reports]),
        "detected_fps": summary([report["message_count"] / seconds for report in reports]),
        "longest_gap_ms": summary([report["longest_gap_ms"] for report in reports]),
    }
