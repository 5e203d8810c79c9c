"""One measured run of a video benchmark, as a process of its own: `line` or `detector`; prints a JSON object."""

import argparse
import json
import time
from pathlib import Path
from typing import Any

from server.domain.detection import DetectOptions
from server.inference.compute import Compute
from server.inference.loader import load_detector
from server.inference.pool import DetectorPool
from server.media.video_probe import probe_video
from server.media.video_reader import VideoReader
from server.pipeline.annotator import BoxAnnotator
from server.pipeline.video_line import VideoLine

CONFIDENCE, IOU, IMGSZ, WORKERS = 0.25, 0.7, 640, 2


def line(source: Path, pool: DetectorPool, out: Path) -> dict[str, Any]:
    """Everything that `sightline detect` does with a video."""
    options = DetectOptions(confidence=CONFIDENCE, iou=IOU)
    result = VideoLine(pool=pool, options=options, annotator=BoxAnnotator(pool.info.labels)).run(source, out)
    return {"frames": result.frames, "fps": result.frames / result.seconds}


def detector_alone(source: Path, pool: DetectorPool) -> dict[str, Any]:
    """The detector alone, as many frames at once as it takes."""
    frames = [timed.frame for timed in VideoReader(source).frames()]
    options = DetectOptions(confidence=0.1, iou=IOU)
    started = time.monotonic()
    for answer in [pool.submit(frame, options) for frame in frames]:
        answer.result()
    return {"frames": len(frames), "fps": len(frames) / (time.monotonic() - started)}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What every run takes."""
    parser.add_argument("source", type=Path)
    parser.add_argument("model", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--precision", choices=["auto", "int8", "bf16", "f32"], default="auto")


def open_pool(arguments: argparse.Namespace) -> DetectorPool:
    """The pool as `sightline detect` has it, for frames of the video's size."""
    video = probe_video(arguments.source)
    compute = Compute(arguments.precision, streams=WORKERS, frame=(video.width_px, video.height_px))
    return DetectorPool(load_detector(arguments.model, imgsz=IMGSZ, compute=compute), workers=WORKERS)


def main() -> None:
    """Runs what the first argument names."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["line", "detector"])
    add_arguments(parser)
    arguments = parser.parse_args()
    pool = open_pool(arguments)
    told = line(arguments.source, pool, arguments.out) if arguments.what == "line" else detector_alone(arguments.source, pool)
    pool.close()
    print(json.dumps({**told, "precision": pool.info.precision}))


if __name__ == "__main__":
    main()
