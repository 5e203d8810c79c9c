"""What is found agrees with what Ultralytics' own predict finds at this moment, with the version that is installed."""

import importlib.util
from functools import cache

import cv2
import numpy as np
import pytest

from server.domain.detection import DetectOptions
from server.domain.frame import Frame, PixelLayout
from server.inference.compute import Precision
from server.inference.loader import load_detector
from tests.golden.cases import (
    BF16,
    F32,
    IOU,
    LISTED,
    MODELS,
    GoldenDetection,
    Tolerance,
    disagreements,
    load_picture,
    read_golden,
)
from tests.inference.conftest import LoadModel

pytestmark = [
    pytest.mark.extra,
    pytest.mark.skipif(importlib.util.find_spec("ultralytics") is None, reason="the ultralytics extra is not installed"),
]

CASES = [
    pytest.param(name, picture, marks=[] if name == "firearm" else [pytest.mark.shared])
    for name, model in MODELS.items()
    for picture in model.pictures
]


@cache
def predicted(name: str, picture: str) -> tuple[GoldenDetection, ...]:
    """What Ultralytics finds, once for all tests."""
    if not MODELS[name].weights.is_file():
        pytest.skip("the weights in ../shared are not here")
    from server.inference.ultralytics import load_weights  # noqa: PLC0415 - the extra
    from tests.golden.make import predict  # noqa: PLC0415 - likewise

    return tuple(predict(load_weights(MODELS[name].weights), picture, imgsz=MODELS[name].imgsz))


@pytest.mark.parametrize(("name", "picture"), CASES)
@pytest.mark.parametrize(("precision", "within"), [("f32", F32), ("bf16", BF16)], ids=["f32", "bf16"])
def test_ultralytics_finds_the_same(
    name: str, picture: str, precision: Precision, within: Tolerance, load_model: LoadModel
) -> None:
    """The same weights and the same picture, side by side."""
    bgr = load_picture(picture)
    assert bgr is not None
    request = load_model(name, precision).create_request()

    found = request.detect(Frame(bgr, PixelLayout.BGR), DetectOptions(confidence=LISTED, iou=IOU)).detections
    listed = [GoldenDetection(one.class_id, one.confidence, one.xyxy) for one in found]

    assert disagreements(listed, predicted(name, picture), within=within) == []


@pytest.mark.parametrize(("name", "picture"), CASES)
def test_the_golden_file_is_what_ultralytics_finds(name: str, picture: str) -> None:
    """A new version of Ultralytics that sees something else is noticed."""
    golden = next(case for case in read_golden().cases if (case.model, case.picture) == (name, picture))

    now = predicted(name, picture)

    assert disagreements(now, golden.detections, within=Tolerance(0.5, 0.005)) == []


@pytest.mark.parametrize("layout", list(PixelLayout))
def test_the_ultralytics_backend_finds_the_same(layout: PixelLayout) -> None:
    """`.pt` weights that are served directly find the firearm in pictures and in planes."""
    bgr = load_picture("firearm-640x480")
    assert bgr is not None
    pixels = bgr if layout is PixelLayout.BGR else np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2YUV_I420), np.uint8)
    detector = load_detector(MODELS["firearm"].weights)

    result = detector.create_request().detect(Frame(pixels, layout), DetectOptions(confidence=0.4, iou=0.7))

    assert detector.info.labels == ("firearm",)
    assert detector.info.runtime[0] == "ultralytics"
    assert (detector.info.imgsz, detector.info.precision) == (640, "f32")
    assert len(result.detections) == 1
    assert result.timing.inference_ms > 0
