"""Makes the golden detections again: `make golden`, with Ultralytics itself, in the environment that has it."""

import sys
from typing import Any

from server.inference.ultralytics import load_weights, version
from tests.golden.cases import (
    IOU,
    LISTED,
    MODELS,
    PRETRAINED,
    Golden,
    GoldenCase,
    GoldenDetection,
    load_picture,
    write_golden,
)


def predict(model: Any, picture: str, *, imgsz: int) -> list[GoldenDetection]:
    """Returns what Ultralytics' own predict sees in a picture, at float32 on the processor."""
    boxes = model.predict(load_picture(picture), conf=LISTED, iou=IOU, imgsz=imgsz, rect=True, device="cpu", verbose=False)[
        0
    ].boxes
    rows = zip(boxes.cls.tolist(), boxes.conf.tolist(), boxes.xyxy.tolist(), strict=True)
    return [
        GoldenDetection(int(class_id), round(confidence, 4), (round(x1, 2), round(y1, 2), round(x2, 2), round(y2, 2)))
        for class_id, confidence, (x1, y1, x2, y2) in rows
    ]


def make() -> Golden:
    """Returns the golden detections of all models and pictures."""
    cases = []
    for name, (weights, imgsz, pictures) in MODELS.items():
        model = load_weights(weights)
        cases += [GoldenCase(name, picture, imgsz, predict(model, picture, imgsz=imgsz)) for picture in pictures]
    import torch  # noqa: PLC0415 - load_weights says what is missing where the extra is not installed

    return Golden(version(), str(torch.__version__), IOU, cases)


if __name__ == "__main__":
    if not PRETRAINED.is_dir():
        sys.exit(f"The weights that golden detections are made with are not here: {PRETRAINED}")
    write_golden(make())
