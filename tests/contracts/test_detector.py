"""What every detector does, the fake one of the tests included."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from server.domain.detection import DetectionResult, DetectOptions
from server.domain.frame import Frame, PixelLayout
from server.domain.protocols import Detector
from server.inference.compute import Compute
from server.inference.loader import load_detector
from tests.fakes import BLUE, RED, FakeDetector

Picture = npt.NDArray[np.uint8]


@pytest.fixture(scope="module", params=["fake", "delivered"])
def detector(request: pytest.FixtureRequest) -> Detector:
    """Each detector in turn."""
    if request.param == "fake":
        return FakeDetector()
    folder: Path = request.getfixturevalue("delivered_model_dir")
    return load_detector(folder, compute=Compute(threads=1))


@pytest.fixture(scope="module")
def picture(detector: Detector, request: pytest.FixtureRequest) -> Picture:
    """A picture in which the detector sees something of its first class."""
    if isinstance(detector, FakeDetector):
        drawn = np.full((240, 320, 3), 128, np.uint8)
        drawn[60:120, 80:160] = RED
        drawn[150:200, 200:280] = BLUE
        return drawn
    shared: Path = request.getfixturevalue("shared_dir")
    frames = cv2.VideoCapture(str(shared / "data/clips/becayesoft_police_aiming_640x360.mp4"))
    best, most = np.zeros((360, 640, 3), np.uint8), -1.0
    for _ in range(24):
        for _ in range(10):
            frames.grab()
        read, frame = frames.retrieve()
        if read:
            found = detect(detector, np.asarray(frame, np.uint8), DetectOptions(0.05, iou=0.7)).detections
            if len(found) and found.confidence[0] > most:
                best, most = np.asarray(frame, np.uint8), float(found.confidence[0])
    return best


def detect(detector: Detector, picture: Picture, options: DetectOptions) -> DetectionResult:
    """Detects in a BGR picture."""
    return detector.create_request().detect(Frame(picture, PixelLayout.BGR), options)


def to_i420(picture: Picture) -> Frame:
    """The picture as the live path has it."""
    return Frame(np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2YUV_I420), np.uint8), PixelLayout.I420)


def test_describes_itself(detector: Detector) -> None:
    """Names, defaults and engine are known."""
    info = detector.info
    assert info.labels
    assert info.name
    assert 0 < info.confidence < 1
    assert info.imgsz % 32 == 0
    assert all(info.runtime)


def test_finds_something(detector: Detector, picture: Picture) -> None:
    """Boxes lie in the picture, confidences fall and are at least what was asked, classes have names."""
    found = detect(detector, picture, DetectOptions(0.1, iou=0.7)).detections
    assert len(found) > 0
    assert [array.dtype.name for array in (found.xyxy, found.confidence, found.class_id)] == ["float32", "float32", "int32"]
    height, width = picture.shape[:2]
    assert (found.xyxy >= 0).all()
    assert (found.xyxy <= [width, height, width, height]).all()
    assert (found.xyxy[:, :2] < found.xyxy[:, 2:]).all()
    assert (np.diff(found.confidence) <= 0).all()
    assert (found.confidence >= 0.1).all()
    assert set(found.class_id.tolist()) <= set(range(len(detector.info.labels)))


def test_finds_nothing_in_an_empty_picture(detector: Detector) -> None:
    """A grey picture gives no detections, in arrays of the right shape."""
    found = detect(detector, np.full((240, 320, 3), 128, np.uint8), DetectOptions(0.5, iou=0.7)).detections
    assert found.xyxy.shape == (0, 4)
    assert len(found) == 0


def test_keeps_only_what_is_sure_enough(detector: Detector, picture: Picture) -> None:
    """Nothing is as sure as 1."""
    assert len(detect(detector, picture, DetectOptions(1.0, iou=0.7)).detections) == 0


def test_keeps_only_wanted_classes(detector: Detector, picture: Picture) -> None:
    """An empty set of classes gives nothing, that of the first class only its own."""
    assert len(detect(detector, picture, DetectOptions(0.1, iou=0.7, classes=frozenset())).detections) == 0
    found = detect(detector, picture, DetectOptions(0.1, iou=0.7, classes=frozenset({0}))).detections
    assert set(found.class_id.tolist()) == {0}


def test_reads_both_layouts(detector: Detector, picture: Picture) -> None:
    """The live path's layout gives the same first box within a few pixels."""
    bgr = detect(detector, picture, DetectOptions(0.1, iou=0.7)).detections
    i420 = detector.create_request().detect(to_i420(picture), DetectOptions(0.1, iou=0.7)).detections
    assert np.abs(bgr.xyxy[0] - i420.xyxy[0]).max() <= 6


@pytest.mark.parametrize("made", [lambda picture: picture, lambda picture: to_i420(picture).pixels])
def test_leaves_the_frame_alone(detector: Detector, picture: Picture, made: Callable[[Picture], Picture]) -> None:
    """A frame is never changed."""
    pixels = made(picture)
    layout = PixelLayout.BGR if pixels.ndim == 3 else PixelLayout.I420
    before = pixels.copy()
    detector.create_request().detect(Frame(pixels, layout), DetectOptions(0.1, iou=0.7))
    assert np.array_equal(pixels, before)


def test_says_how_long_it_took(detector: Detector, picture: Picture) -> None:
    """Each step has a time; waiting is the pool's to say."""
    timing = detect(detector, picture, DetectOptions(0.1, iou=0.7)).timing
    assert timing.queue_ms == 0
    assert timing.inference_ms > 0
