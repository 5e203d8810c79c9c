"""Video files end to end: `sightline detect` beside `yolo predict save=True`, and beside the detector alone."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.report import summary, write_result
from benchmarks.video_runs import CONFIDENCE, IMGSZ, IOU
from tests.server_process import REPOSITORY

SHARED = REPOSITORY.parent / "shared"
CLIPS = ("sofwerx_hall_aiming_720p.mp4", "roboflow_night_street_people_426x240.mp4")
WEIGHTS = "yolov8n-coco.pt"
ULTRALYTICS = REPOSITORY / ".venv-ultralytics" / "bin"


def run(*, rounds: int = 5) -> None:
    """Takes both clips through each of them in turn, several times; nothing without the clips or the second environment."""
    if not (SHARED / "data" / "clips").is_dir() or not (ULTRALYTICS / "yolo").exists():
        print("video: needs the clips and weights in ../shared, and `make extra`; left out", flush=True)
        return
    with tempfile.TemporaryDirectory(prefix="sightline-") as folder:
        work = Path(folder)
        weights = work / WEIGHTS
        weights.write_bytes((SHARED / "pretrained" / WEIGHTS).read_bytes())
        export = [str(ULTRALYTICS / "python"), "-m", "server", "export", str(weights)]
        model = subprocess.run(export, cwd=REPOSITORY, capture_output=True, text=True, check=True).stdout.strip()
        measured = {clip: _measure(clip, model=model, weights=weights, work=work, rounds=rounds) for clip in CLIPS}
    write_result("video", {"rounds": rounds, "imgsz": IMGSZ, "conf": CONFIDENCE, "iou": IOU, **measured})


def _measure(clip: str, *, model: str, weights: Path, work: Path, rounds: int) -> dict[str, Any]:
    source = SHARED / "data" / "clips" / clip
    fps: dict[str, list[float]] = {"detector_alone": [], "sightline": [], "sightline float32": [], "yolo predict": []}
    whole: dict[str, list[float]] = {"sightline": [], "yolo predict": []}
    for _ in range(rounds):
        fps["detector_alone"].append(_detector_alone(source, model=model))
        for name, flags in (("sightline", ()), ("sightline float32", ("--precision", "f32"))):
            inner, wall_s, frames = _sightline(source, *flags, model=model, out=work / "sightline")
            fps[name].append(inner)
            if name in whole:
                whole[name].append(frames / wall_s)
        inner, wall_s = _yolo(source, weights=weights, out=work / "yolo", frames=frames)
        fps["yolo predict"].append(inner)
        whole["yolo predict"].append(frames / wall_s)
    shares = [ours / bare for ours, bare in zip(fps["sightline"], fps["detector_alone"], strict=True)]
    times = [ours / theirs for ours, theirs in zip(fps["sightline"], fps["yolo predict"], strict=True)]
    return {
        "frames": frames,
        **{f"{name}, frames/s": summary(values) for name, values in fps.items()},
        **{f"{name}, frames/s of the whole command": summary(values) for name, values in whole.items()},
        "sightline over detector_alone": summary(shares),
        "sightline over yolo predict": summary(times),
    }


def _sightline(source: Path, *flags: str, model: str, out: Path) -> tuple[float, float, int]:
    """Frames a second without start and loading, seconds of the whole command, and how many frames there were."""
    command = [sys.executable, "-m", "benchmarks.video_runs", "line", str(source), model, str(out), *flags]
    started = time.monotonic()
    told = _json(command)
    return told["fps"], time.monotonic() - started, told["frames"]


def _yolo(source: Path, *, weights: Path, out: Path, frames: int) -> tuple[float, float]:
    """The same of `yolo predict save=True`, which starts its watch with its first frame."""
    command = [str(ULTRALYTICS / "python"), "-m", "benchmarks.video_runs", "yolo", str(source), str(weights), str(out)]
    started = time.monotonic()
    told = _json(command, {"YOLO_CONFIG_DIR": str(out.parent)})
    if told["frames"] != frames:
        raise RuntimeError(f"yolo saw {told['frames']} frames, not {frames}")
    return told["fps"], time.monotonic() - started


def _detector_alone(source: Path, *, model: str) -> float:
    """Detections a second with all frames decoded beforehand."""
    return float(_json([sys.executable, "-m", "benchmarks.video_runs", "detector", str(source), model, "-"])["fps"])


def _json(command: list[str], environ: Mapping[str, str] | None = None) -> dict[str, Any]:
    """What a run of its own prints on its last line."""
    environment = {**os.environ, **(environ or {})}
    done = subprocess.run(command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr[-2000:]}")
    told: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return told
