"""Video files with ultralytics: `yolo` is `yolo predict save=True`, `opencv` the loop that everybody writes.

`python -m benchmarks.peers.video_files yolo|opencv VIDEO WEIGHTS OUT --imgsz 640 --conf 0.25 --iou 0.7`, in an environment with
ultralytics. Prints a JSON object. Both are timed from after their loading and first frame to the end of
their file.
"""

import argparse
import json
import time
from pathlib import Path
from typing import Any

import cv2
import torch
from ultralytics import YOLO


def yolo(model: YOLO, source: Path, out: Path, *, settings: dict[str, Any]) -> int:
    """The call behind `yolo predict save=True`, from Python; returns how many frames there were."""
    saved = {"save": True, "exist_ok": True, "project": str(out)}
    return sum(1 for _ in model.predict(str(source), stream=True, **saved, **settings))


def opencv(model: YOLO, source: Path, out: Path, *, settings: dict[str, Any]) -> int:
    """Read, detect, draw, write, one frame after the other; returns how many there were."""
    out.mkdir(parents=True, exist_ok=True)
    video = cv2.VideoCapture(str(source))
    size = (int(video.get(cv2.CAP_PROP_FRAME_WIDTH)), int(video.get(cv2.CAP_PROP_FRAME_HEIGHT)))
    code = cv2.VideoWriter.fourcc(*"mp4v")
    writer = cv2.VideoWriter(str(out / "annotated.mp4"), code, video.get(cv2.CAP_PROP_FPS), size)
    frames = 0
    while True:
        there, picture = video.read()
        if not there:
            break
        writer.write(model.predict(picture, **settings)[0].plot())
        frames += 1
    writer.release()
    return frames


def main() -> None:
    """Runs what the first argument names."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["yolo", "opencv"])
    parser.add_argument("source", type=Path)
    parser.add_argument("weights", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--imgsz", type=int, required=True)
    parser.add_argument("--conf", type=float, required=True)
    parser.add_argument("--iou", type=float, required=True)
    parser.add_argument("--torch-threads", type=int, help="what ultralytics sets, unless given")
    arguments = parser.parse_args()
    settings: dict[str, Any] = {"imgsz": arguments.imgsz, "conf": arguments.conf, "iou": arguments.iou, "verbose": False}
    model = YOLO(str(arguments.weights))
    _, first = cv2.VideoCapture(str(arguments.source)).read()
    model.predict(first, save=False, **settings)
    if arguments.torch_threads is not None:  # ultralytics sets its own number with the first picture
        torch.set_num_threads(arguments.torch_threads)
    work = yolo if arguments.what == "yolo" else opencv
    started = time.monotonic()
    frames = work(model, arguments.source, arguments.out, settings=settings)
    print(json.dumps({"frames": frames, "fps": frames / (time.monotonic() - started)}))


if __name__ == "__main__":
    main()
