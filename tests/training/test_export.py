"""`.pt` weights become a folder that is served, once."""

import importlib.util
import re
import shutil
from pathlib import Path

import cv2
import pytest

from server.domain.detection import DetectOptions
from server.domain.errors import InvalidRequest, ModelError
from server.domain.frame import Frame, PixelLayout
from server.inference.loader import load_detector
from server.training.export import export_model, export_onnx
from server.training.int8 import float_parts
from tests.scenes import draw_firearm, draw_room

HAS_EXTRA = importlib.util.find_spec("ultralytics") is not None
needs_extra = pytest.mark.skipif(not HAS_EXTRA, reason="the ultralytics extra is not installed")

needs_nncf = pytest.mark.skipif(importlib.util.find_spec("nncf") is None, reason="the int8 extra is not installed")


@pytest.fixture
def weights(shared_dir: Path, tmp_path: Path) -> Path:
    """A copy of the weights of the delivered model."""
    return Path(shutil.copyfile(shared_dir / "pretrained" / "firearm-320.pt", tmp_path / "best.pt"))


@pytest.mark.extra
@pytest.mark.shared
@needs_extra
class TestExport:
    """With Ultralytics at hand."""

    def test_an_export_is_served(self, weights: Path) -> None:
        """The folder beside the weights has all that the server asks for, and finds the firearm."""
        folder = export_model(weights)

        detector = load_detector(folder)
        shot = draw_firearm()
        found = (
            detector.create_request()
            .detect(Frame(shot.bgr, PixelLayout.BGR), DetectOptions(confidence=0.4, iou=0.7))
            .detections
        )

        assert folder == weights.with_name("best_sightline")
        assert sorted(file.name for file in folder.iterdir()) == ["best.bin", "best.xml", "model.toml"]
        assert (detector.info.name, detector.info.labels, detector.info.imgsz) == ("best", ("firearm",), 320)
        assert len(found) == 1
        assert sorted(file.name for file in weights.parent.iterdir()) == ["best.pt", "best_sightline"]

    def test_the_same_weights_are_exported_once(self, weights: Path) -> None:
        """A second call returns the folder as it is; other wishes and damaged files make it anew."""
        made = (export_model(weights) / "best.bin").stat().st_mtime_ns

        assert (export_model(weights) / "best.bin").stat().st_mtime_ns == made

        folder = export_model(weights, imgsz=416)
        assert (folder / "best.bin").stat().st_mtime_ns != made
        assert load_detector(folder).info.imgsz == 416

        (folder / "best.bin").write_bytes(b"damaged")
        assert load_detector(export_model(weights, imgsz=416)).info.imgsz == 416

    def test_an_onnx_file_is_served(self, weights: Path) -> None:
        """It takes inputs of any size, knows its classes, and is all that is left beside the weights."""
        made = export_onnx(weights)

        detector = load_detector(made)
        shot = draw_firearm((640, 400))
        request = detector.create_request()
        for imgsz in (320, 416):
            options = DetectOptions(confidence=0.4, iou=0.7, imgsz=imgsz)
            assert len(request.detect(Frame(shot.bgr, PixelLayout.BGR), options).detections) == 1
        assert (detector.info.labels, detector.info.imgsz) == (("firearm",), 320)
        assert sorted(file.name for file in weights.parent.iterdir()) == ["best.pt", "best_sightline.onnx"]

    @needs_nncf
    @pytest.mark.timeout(600)
    def test_an_int8_export_is_served(self, weights: Path, tmp_path: Path) -> None:
        """A quarter of the size of floats, and it still finds the firearm; the same pictures make it once."""
        pictures = [tmp_path / f"{name}.png" for name in "abc"]
        for path, scene in zip(pictures, (draw_firearm(), draw_room(), draw_firearm((640, 400))), strict=True):
            cv2.imwrite(str(path), scene.bgr)
        folder = export_model(weights, calibration=pictures)

        shot = draw_firearm()
        request = load_detector(folder).create_request()
        found = request.detect(Frame(shot.bgr, PixelLayout.BGR), DetectOptions(confidence=0.3, iou=0.7)).detections
        assert folder == weights.with_name("best_sightline_int8")
        assert len(found) == 1
        assert (folder / "best.bin").stat().st_size < 0.6 * weights.stat().st_size

        made = (folder / "best.bin").stat().st_mtime_ns
        assert (export_model(weights, calibration=pictures) / "best.bin").stat().st_mtime_ns == made
        with pytest.raises(InvalidRequest, match="none of its pictures"):
            export_model(weights, calibration=[tmp_path / "gone.png"])

    def test_damaged_weights_are_refused(self, tmp_path: Path) -> None:
        """One line names the file, and nothing is left beside it."""
        (tmp_path / "best.pt").write_bytes(b"hello")

        with pytest.raises(ModelError, match=r"best\.pt: cannot be read: it is damaged"):
            export_model(tmp_path / "best.pt")

        assert [file.name for file in tmp_path.iterdir()] == ["best.pt"]

    @pytest.mark.parametrize("task", ["segment", "classify", "pose", "obb"])
    def test_weights_for_another_task_are_refused(self, tmp_path: Path, task: str) -> None:
        """Only detection models are served."""
        from ultralytics import YOLO  # noqa: PLC0415 - the extra

        suffix = {"segment": "-seg", "classify": "-cls", "pose": "-pose", "obb": "-obb"}[task]
        YOLO(f"yolov8n{suffix}.yaml").save(tmp_path / "best.pt")

        with pytest.raises(ModelError, match=rf"best\.pt: it is a model for the task '{task}'"):
            export_model(tmp_path / "best.pt")

    @pytest.mark.parametrize(
        "settings",
        [
            {"format": "onnx", "imgsz": 320},
            {"format": "onnx", "imgsz": (192, 320)},
            {"format": "onnx", "dynamic": True},
            {"format": "onnx", "imgsz": 320, "nms": True},
            {"format": "openvino", "imgsz": 320},
            {"format": "openvino", "dynamic": True, "half": True},
        ],
        ids=["onnx", "onnx-rectangular", "onnx-dynamic", "onnx-nms", "openvino", "openvino-dynamic-half"],
    )
    @pytest.mark.filterwarnings("ignore")  # they come from PyTorch's tracer, inside Ultralytics' own export
    def test_exports_that_ultralytics_makes_are_served(self, weights: Path, settings: dict[str, object]) -> None:
        """Every form that a user may bring finds the firearm."""
        from server.inference.ultralytics import load_weights  # noqa: PLC0415 - the extra

        exported = Path(load_weights(weights).export(**settings))

        detector = load_detector(exported)
        shot = draw_firearm((640, 400))
        found = (
            detector.create_request()
            .detect(Frame(shot.bgr, PixelLayout.BGR), DetectOptions(confidence=0.4, iou=0.7))
            .detections
        )

        assert detector.info.labels == ("firearm",)
        assert [round(abs(a - b)) < 25 for a, b in zip(next(iter(found)).xyxy, shot.boxes[0], strict=True)] == [True] * 4


def test_weights_that_are_not_there_are_named(tmp_path: Path) -> None:
    """A wrong path is the first thing that is noticed."""
    with pytest.raises(ModelError, match=r"best\.pt: the weights cannot be read: No such file"):
        export_model(tmp_path / "best.pt")


@pytest.mark.skipif(HAS_EXTRA, reason="the ultralytics extra is installed")
def test_without_the_extra_it_says_what_to_type(tmp_path: Path) -> None:
    """The two ways to get it are named."""
    (tmp_path / "best.pt").write_bytes(b"hello")

    with pytest.raises(ModelError, match=r"make run MODEL=.*sightline\[ultralytics\]"):
        export_model(tmp_path / "best.pt")


def test_the_end_of_the_head_stays_in_float() -> None:
    """The last module without its inner convolutions; names of another kind are refused."""
    names = ["x", "__module.model.9.m/max_pool2d", "__module.model.22.cv2.0.1.conv/_convolution"]
    (pattern,) = float_parts([*names, "__module.model.22/aten::cat/Concat_5"])
    kept = ["__module.model.22/aten::cat", "__module.model.22.dfl.conv/x", "__module.model.22.cv3.1.2/aten::_convolution"]
    assert all(re.match(pattern, name) for name in kept)
    assert not any(
        re.match(pattern, name) for name in [*names, "__module.model.2/aten::cat", "__module.model.22.cv3.0.0.conv/x"]
    )
    with pytest.raises(ModelError, match="names"):
        float_parts(["Convolution_1"])
