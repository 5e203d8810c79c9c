"""Jobs: the age of a live stream's boxes without and with a video file being checked, in turns; and how quick that check is."""

import json
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any

from benchmarks.load.publisher import finish_publisher, start_publisher, streams
from benchmarks.report.results import summary, write_result
from tests.e2e.marked_clip import write_marked_clip
from tests.server_process import ServerProcess

# The server's own percentiles are over the newest 150 pictures, five seconds of them.
SETTLE_S = 7.0
CLIP_FRAMES = 4000
PRIORITIES = {"nice 19": "19", "nice 0": "0"}


def run(*, rounds: int = 3, phase_s: float = 10.0) -> None:
    """One publisher of 640x480 at 30 frames a second; a 720p clip is checked in every other phase, at two priorities."""
    with tempfile.TemporaryDirectory() as folder:
        clip = write_marked_clip(Path(folder) / "long.mp4", frames=CLIP_FRAMES, width=1280, height=720)
        figures = {name: _measure(clip, nice=nice, rounds=rounds, phase_s=phase_s) for name, nice in PRIORITIES.items()}
    write_result("jobs", {"rounds": rounds, "phase_s": phase_s, **figures})


def _measure(clip: Path, *, nice: str, rounds: int, phase_s: float) -> dict[str, Any]:
    alone: list[dict[str, Any]] = []
    beside: list[dict[str, Any]] = []
    speeds: list[float] = []
    with ServerProcess(environ={"SIGHTLINE_VIDEOS__NICE": nice}) as server:
        path = f"api/videos/{_call(server, 'api/videos?name=long.mp4', body=clip.read_bytes())['id']}"
        unwatched = _speed(server, path, seconds=SETTLE_S + phase_s)
        publisher = start_publisher(server, seconds=2 * rounds * (SETTLE_S + phase_s) + 20)
        time.sleep(5)
        for _ in range(rounds):
            alone += _sample(server, seconds=phase_s)
            _call(server, f"{path}/restart", body=b"")
            beside += _sample(server, seconds=phase_s)
            speeds.append(_stop(server, path))
        report = finish_publisher(publisher)
    return {
        "box_age_p50_ms": {"alone": _ages(alone, "p50"), "with a job": _ages(beside, "p50")},
        "box_age_p95_ms": {"alone": _ages(alone, "p95"), "with a job": _ages(beside, "p95")},
        "processed_fps": {"alone": _rates(alone), "with a job": _rates(beside)},
        "job_fps": {"beside the stream": summary(speeds), "alone": round(unwatched, 1)},
        "publisher_round_trip_ms": report["round_trip_ms"],
    }


def _speed(server: ServerProcess, path: str, *, seconds: float) -> float:
    """How quick the check is when nothing else is to do."""
    time.sleep(seconds)
    return _stop(server, path)


def _stop(server: ServerProcess, path: str) -> float:
    """Cancels the check and returns how many frames a second it managed."""
    video = _call(server, path)
    assert video["state"] == "running", video
    _call(server, f"{path}/cancel", body=b"")
    return float(video["fps"])


def _sample(server: ServerProcess, *, seconds: float) -> list[dict[str, Any]]:
    """One row a second, once what was before is out of the percentiles."""
    time.sleep(SETTLE_S)
    rows: list[dict[str, Any]] = []
    ends_at = time.monotonic() + seconds
    while time.monotonic() < ends_at:
        time.sleep(1.0)
        rows += streams(server)
    return rows


def _call(server: ServerProcess, path: str, *, body: bytes | None = None) -> dict[str, Any]:
    request = urllib.request.Request(f"{server.url}{path}", data=body, headers={"Content-Type": "video/mp4"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        found: dict[str, Any] = json.load(answer)
    return found


def _ages(rows: list[dict[str, Any]], percentile: str) -> dict[str, float]:
    return summary([row["box_age_ms"][percentile] for row in rows if row["box_age_ms"][percentile] is not None])


def _rates(rows: list[dict[str, Any]]) -> dict[str, float]:
    return summary([row["processed_fps"] for row in rows])
