"""Live video beside the aiortc server that waits for its detector inside `recv`, and beside fastrtc: age, rate, memory.

One client (aiortc, as prompt as a browser) sends numbered pictures of 640x480 at 30 a second and reads the numbers in what
comes back; the detector sleeps 60 ms everywhere, so that what is measured is the path around it. Packets are lost in both
directions, by chance, at the client. The peers are measured with VP8, which a browser's offer makes them take, ours with both
codecs. Each run has a server of its own; the runs of a round follow one another. `growth_mib` runs from the third second to
the end, `cpu_share` is of one core.
"""

import sys
import time
from collections.abc import Callable
from typing import Any

from benchmarks.load.chromium_roundtrip import watch_in_chromium
from benchmarks.load.publisher import finish_publisher, start_publisher
from benchmarks.peers.environments import installed, python_of
from benchmarks.report.results import summary, write_result
from tests.server_process import ServerProcess

DETECTOR_S = 0.06
LOSSES = (0.0, 0.02, 0.05)
CONNECTING_S = 3.0
Start = Callable[[], ServerProcess]


def run(*, rounds: int = 2, seconds: float = 60.0) -> None:
    """Rounds of all servers at each loss, and Chromium at ours."""
    servers = _servers()
    runs: dict[str, dict[str, list[dict[str, Any]]]] = {_loss(loss): {name: [] for name in servers} for loss in LOSSES}
    chromium = []
    for _ in range(rounds):
        for loss in LOSSES:
            for name, (start, codec) in servers.items():
                runs[_loss(loss)][name].append(_publish(start, codec, loss=loss, seconds=seconds))
        with servers["sightline h264"][0]() as server:
            chromium.append(watch_in_chromium(server, seconds=seconds))
    figures = {
        "rounds": rounds,
        "seconds": seconds,
        "detector_s": DETECTOR_S,
        "peers": _peers(),
        **{case: {name: _summaries(of) for name, of in by_name.items()} for case, by_name in runs.items()},
        "chromium, sightline": _chromium(chromium),
    }
    write_result("live", figures)


def _servers() -> dict[str, tuple[Start, str]]:
    """How each of them is started, and the codec that it is asked for."""
    detector = ("--detector-s", str(DETECTOR_S))
    ours = (sys.executable, "-m", "benchmarks.servers.sleeping_server", *detector)
    naive = (str(python_of("aiortc")), "-m", "benchmarks.peers.naive_aiortc", *detector)
    fastrtc = (str(python_of("fastrtc")), "-m", "benchmarks.peers.fastrtc_service", *detector)
    return {
        "sightline h264": (lambda: ServerProcess(command=ours), "h264"),
        "sightline vp8": (lambda: ServerProcess(command=ours), "vp8"),
        "aiortc, awaited in recv": (lambda: ServerProcess(command=naive), "vp8"),
        "fastrtc": (lambda: ServerProcess(command=fastrtc), "vp8"),
        "fastrtc skip_frames": (lambda: ServerProcess(command=(*fastrtc, "--skip-frames")), "vp8"),
    }


def _publish(start: Start, codec: str, *, loss: float, seconds: float) -> dict[str, Any]:
    """One run of one server."""
    with start() as server:
        publisher = start_publisher(server, "--codec", codec, "--loss", str(loss), seconds=seconds)
        time.sleep(CONNECTING_S)
        before_mib, before_s = server.resident_mib, server.processor_s
        time.sleep(seconds - CONNECTING_S)
        growth_mib, cpu_s = server.resident_mib - before_mib, server.processor_s - before_s
        report = finish_publisher(publisher)
    # Where nothing came back in time, it took at least as long as we waited.
    round_trip_ms = report["round_trip_ms"] or dict.fromkeys(("p50", "p95", "p99"), 1000 * seconds)
    met = {f"{name}_ms": value for name, value in round_trip_ms.items()}
    return {
        **met,
        "fps": report["returned"] / seconds,
        "longest_gap_ms": report["longest_gap_ms"],
        "growth_mib": growth_mib,
        "cpu_share": cpu_s / (seconds - CONNECTING_S),
    }


def _summaries(runs: list[dict[str, Any]]) -> dict[str, Any]:
    return {figure: summary([one[figure] for one in runs]) for figure in runs[0]}


def _chromium(runs: list[dict[str, Any]]) -> dict[str, Any]:
    sizes = sorted({size for one in runs for size in one.pop("sizes")})
    flat = [{**{f"{name}_ms": value for name, value in one.pop("round_trip_ms").items()}, **one} for one in runs]
    return {"sizes": ", ".join(sizes), **_summaries(flat)}


def _loss(share: float) -> str:
    return f"{share:.0%} loss each way" if share else "no loss"


def _peers() -> str:
    found = {**installed(python_of("aiortc"), "aiortc", "av"), **installed(python_of("fastrtc"), "fastrtc", "gradio")}
    return ", ".join(f"{name} {version}" for name, version in found.items())
