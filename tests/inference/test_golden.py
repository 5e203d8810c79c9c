"""What is found agrees with the golden detections, which Ultralytics' own predict made from the same weights and pictures."""

import av
import numpy as np
import pytest
from av.video.reformatter import ColorRange, Colorspace

from server.domain.detection import DetectOptions
from server.domain.frame import Frame, PixelLayout
from server.domain.protocols import Detector
from server.inference.compute import Precision
from server.media.i420 import to_i420
from tests.golden.cases import (
    BF16,
    F32,
    I420,
    IOU,
    LISTED,
    MODELS,
    PACKAGE,
    VIDEO_THRESHOLD,
    Bgr,
    GoldenCase,
    GoldenDetection,
    Tolerance,
    disagreements,
    load_picture,
    read_golden,
)
from tests.inference.conftest import LoadModel


def marks_of(case: GoldenCase) -> list[pytest.MarkDecorator]:
    """What the case needs: Ultralytics to export another model than the delivered one, or for the pictures of its package."""
    other_model = case.model != "firearm"
    marks = [pytest.mark.shared] if other_model else []
    return [*marks, pytest.mark.extra] if other_model or case.picture in PACKAGE else marks


CASES = [pytest.param(case, id=f"{case.model}-{case.picture}", marks=marks_of(case)) for case in read_golden().cases]


def picture_of(case: GoldenCase) -> Bgr:
    """The picture of a case; skips where only Ultralytics' package has it."""
    bgr = load_picture(case.picture)
    if bgr is None:
        pytest.skip(f"{case.picture} comes with the ultralytics extra, which is not installed")
    return bgr


def make_video_frame(bgr: Bgr, *, matrix: int, color_range: int) -> av.VideoFrame:
    """A yuv420p frame of the picture, by the definition of its matrix and range; swscale would darken it by several levels."""
    red, blue = {Colorspace.ITU601: (0.299, 0.114), Colorspace.ITU709: (0.2126, 0.0722)}[Colorspace(matrix)]
    black, luma_steps, chroma_steps = (0, 255, 255) if color_range == ColorRange.JPEG else (16, 219, 224)
    b, g, r = np.moveaxis(bgr[: bgr.shape[0] & ~1, : bgr.shape[1] & ~1] / 255, 2, 0)
    luma = red * r + (1 - red - blue) * g + blue * b
    height, width = luma.shape
    planes = [black + luma_steps * luma]
    for colour, weight in ((b, blue), (r, red)):
        difference = (colour - luma) / (2 * (1 - weight))
        planes.append(128 + chroma_steps * difference.reshape(height // 2, 2, width // 2, 2).mean(axis=(1, 3)))
    pixels = np.concatenate([plane.reshape(-1, width) for plane in planes])
    frame = av.VideoFrame.from_ndarray(np.clip(np.rint(pixels), 0, 255).astype(np.uint8), format="yuv420p")
    frame.colorspace, frame.color_range = matrix, color_range
    return frame


def find(detector: Detector, frame: Frame) -> list[GoldenDetection]:
    """What the detector finds, in the form of the golden file."""
    found = detector.create_request().detect(frame, DetectOptions(confidence=LISTED, iou=IOU)).detections
    return [GoldenDetection(one.class_id, one.confidence, one.xyxy) for one in found]


def test_the_golden_file_covers_every_model_and_picture() -> None:
    """It names the version that made it, and no case is forgotten."""
    golden = read_golden()

    assert golden.ultralytics.startswith("8.")
    assert {(case.model, case.picture) for case in golden.cases} == {
        (name, picture) for name, model in MODELS.items() for picture in model.pictures
    }
    assert all(case.imgsz == MODELS[case.model].imgsz for case in golden.cases)
    assert sum(len(case.detections) for case in golden.cases) > 20


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize(("precision", "within"), [("f32", F32), ("bf16", BF16)], ids=["f32", "bf16"])
def test_bgr_pictures_agree(case: GoldenCase, precision: Precision, within: Tolerance, load_model: LoadModel) -> None:
    """At float32 nearly exactly, at bf16 closely."""
    picture = picture_of(case)
    detector = load_model(case.model, precision)

    assert detector.info.precision == precision
    assert disagreements(find(detector, Frame(picture, PixelLayout.BGR)), case.detections, within=within) == []


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("matrix", [Colorspace.ITU601, Colorspace.ITU709], ids=["bt601", "bt709"])
@pytest.mark.parametrize("color_range", [ColorRange.MPEG, ColorRange.JPEG], ids=["limited", "full"])
def test_video_frames_agree(case: GoldenCase, matrix: int, color_range: int, load_model: LoadModel) -> None:
    """A picture that comes as video, in any range and matrix, is seen as the picture itself."""
    video = make_video_frame(picture_of(case), matrix=matrix, color_range=color_range)
    detector = load_model(case.model, "f32")

    found = find(detector, Frame(to_i420(video), PixelLayout.I420))

    assert disagreements(found, case.detections, within=I420, threshold=VIDEO_THRESHOLD) == []
