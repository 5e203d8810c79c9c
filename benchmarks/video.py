"""Video files end to end: `sightline detect` beside `yolo predict save=True`, an OpenCV loop, and the detector alone.

The first four seconds of each clip, the delivered weights, one input size and confidence for all. `sightline` computes as it
comes, which is with the INT8 form of the weights where the processor multiplies 8-bit integers; `bf16` and `float32` as they
say. ultralytics gives torch one thread unless told otherwise: `all cores` tells it otherwise. All of a round run one after
the other. `ms of processor time a frame` says what Sightline spends it on.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import av

from benchmarks.meters.video_runs import CONFIDENCE, IMGSZ, IOU
from benchmarks.peers.environments import EXTRA, installed, ultralytics_python
from benchmarks.report.results import summary, write_result
from server.resources import delivered_model
from tests.server_process import REPOSITORY

SHARED = REPOSITORY.parent / "shared"
CLIPS = ("sofwerx_hall_aiming_720p.mp4", "roboflow_night_street_people_426x240.mp4")
WEIGHTS = "firearm-yolov8n.pt"
FIRST_S = 4.0
OURS = {"": "auto", " bf16": "bf16", " float32": "f32"}
"""What our rows have behind their names, and the precision."""


@dataclass(frozen=True, slots=True)
class Runner:
    """A command that takes a clip through, without the clip itself, and what it needs of the environment."""

    command: tuple[str, ...]
    model: Path
    flags: tuple[str, ...] = ()
    environ: Mapping[str, str] = field(default_factory=dict)

    def run(self, source: Path, *, out: Path) -> tuple[dict[str, Any], float]:
        """What it prints on its last line, and the seconds of the whole command."""
        started = time.monotonic()
        command = [*self.command, str(source), str(self.model), str(out), *self.flags]
        environ = {**os.environ, **self.environ}
        done = subprocess.run(command, cwd=REPOSITORY, env=environ, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"{' '.join(command)}: {done.stderr[-2000:]}")
        told: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
        return told, time.monotonic() - started


def run(*, rounds: int = 5, pause_s: float = 0.0) -> None:
    """Takes both clips through each of them in turn, several times, with a pause after each.

    Measures nothing without the clips or the second environment.
    """
    if not (SHARED / "data" / "clips").is_dir() or not EXTRA.exists():
        print("video: needs the clips in ../shared, and `make extra`; left out", flush=True)
        return
    with tempfile.TemporaryDirectory(prefix="sightline-") as folder:
        work = Path(folder)
        runners = _runners(work)
        measured = {clip: _measure(clip, runners=runners, work=work, rounds=rounds, pause_s=pause_s) for clip in CLIPS}
    versions = installed(ultralytics_python(), "ultralytics-opencv-headless", "torch", "opencv-python-headless")
    peers = ", ".join(f"{name} {version}" for name, version in versions.items())
    write_result("video", {"rounds": rounds, "imgsz": IMGSZ, "conf": CONFIDENCE, "iou": IOU, "peers": peers, **measured})


def _runners(work: Path) -> dict[str, Runner]:
    """Each of them by its name; ultralytics gets a copy of the weights, as it writes beside them."""
    weights, python = work / WEIGHTS, str(ultralytics_python())
    weights.write_bytes((delivered_model() / WEIGHTS).read_bytes())
    ours = (sys.executable, "-m", "benchmarks.meters.video_runs")
    theirs = (python, "-m", "benchmarks.peers.video_files")
    flags = ("--imgsz", str(IMGSZ), "--conf", str(CONFIDENCE), "--iou", str(IOU))
    own = {"YOLO_CONFIG_DIR": str(work)}
    all_cores = (*flags, "--torch-threads", str(len(os.sched_getaffinity(0))))
    runners = {}
    for name, precision in OURS.items():
        runners[f"detector alone{name}"] = Runner((*ours, "detector"), delivered_model(), ("--precision", precision))
        runners[f"sightline{name}"] = Runner((*ours, "line"), delivered_model(), ("--precision", precision))
    return {
        **runners,
        "yolo predict": Runner((*theirs, "yolo"), weights, flags, own),
        "yolo predict, all cores": Runner((*theirs, "yolo"), weights, all_cores, own),
        "opencv loop": Runner((*theirs, "opencv"), weights, flags, own),
        "opencv loop, all cores": Runner((*theirs, "opencv"), weights, all_cores, own),
    }


def _measure(clip: str, *, runners: Mapping[str, Runner], work: Path, rounds: int, pause_s: float) -> dict[str, Any]:
    source = _beginning(SHARED / "data" / "clips" / clip, work / clip)
    fps: dict[str, list[float]] = {name: [] for name in runners}
    whole: dict[str, list[float]] = {name: [] for name in runners}
    counts, precisions = set(), {}
    for _ in range(rounds):
        for name, runner in runners.items():
            told, wall_s = runner.run(source, out=work / "out")
            counts.add(told["frames"])
            precisions[name] = told.get("precision")
            fps[name].append(told["fps"])
            whole[name].append(told["frames"] / wall_s)
            time.sleep(pause_s)
    (frames,) = counts  # all have seen the same ones
    ours = [name for name in runners if name.startswith("sightline")]
    profiles = {precision: _profile(source, precision, out=work / "out") for precision in ("auto", "f32")}
    return {
        "frames": frames,
        "precision of sightline": precisions["sightline"],
        **{f"{name}, frames/s": summary(values) for name, values in fps.items()},
        **{f"{name}, frames/s of the whole command": summary(whole[name]) for name in whole if "detector" not in name},
        **{
            f"{name}, share of the detector alone": _ratio(fps, name, name.replace("sightline", "detector alone"))
            for name in ours
        },
        **{f"{name} over {other}": _ratio(fps, name, other) for name in ours for other in runners if _is_peer(other)},
        **{
            f"ms of processor time a frame, precision {precision}, {work}": spent_ms
            for precision, spent in profiles.items()
            for work, spent_ms in spent.items()
        },
    }


def _profile(source: Path, precision: str, *, out: Path) -> dict[str, Any]:
    """Milliseconds a frame by work."""
    command = (sys.executable, "-m", "benchmarks.meters.video_profile")
    told, _ = Runner(command, delivered_model(), ("--precision", precision)).run(source, out=out)
    return told


def _beginning(source: Path, target: Path) -> Path:
    """The first seconds of a clip as they are coded; returns where they lie."""
    with av.open(str(source)) as clip, av.open(str(target), "w") as cut:
        stream = clip.streams.video[0]
        copy = cut.add_stream_from_template(stream)
        for packet in clip.demux(stream):
            if packet.size and (packet.dts or 0) * (stream.time_base or 0) < FIRST_S:
                packet.stream = copy
                cut.mux(packet)
    return target


def _is_peer(name: str) -> bool:
    return name.startswith(("yolo", "opencv"))


def _ratio(fps: Mapping[str, list[float]], name: str, other: str) -> dict[str, float]:
    """Round by round, as both met the same machine."""
    return summary([ours / theirs for ours, theirs in zip(fps[name], fps[other], strict=True)])
