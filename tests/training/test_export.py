"""`.pt` weights become a folder that is served, once."""

import importlib.util
import shutil
from collections.abc import Sequence
from pathlib import Path

import cv2
import pytest

from server.domain.detection import Detections, DetectOptions
from server.domain.errors import InvalidRequest, ModelError
from server.domain.frame import Frame, PixelLayout
from server.inference.loader import load_detector
from server.training.export import export_model
from tests.scenes import draw_firearm, draw_frame

HAS_EXTRA = importlib.util.find_spec("ultralytics") is not None
needs_extra = pytest.mark.skipif(not HAS_EXTRA, reason="the ultralytics extra is not installed")
needs_nncf = pytest.mark.skipif(
    importlib.util.find_spec("nncf") is None, reason="NNCF, of the ultralytics extra, is not installed"
)


def draw_pictures(folder: Path, *, times_s: Sequence[float]) -> Path:
    """A folder with pictures of the drawn table."""
    folder.mkdir()
    for number, time_s in enumerate(times_s):
        cv2.imwrite(str(folder / f"{number}.png"), draw_frame(time_s, (320, 240)).bgr)
    return folder


def detect_drawn_firearm(model: Path) -> Detections:
    """What a model finds on the drawn table."""
    frame = Frame(draw_firearm().bgr, PixelLayout.BGR)
    return load_detector(model).create_request().detect(frame, DetectOptions(confidence=0.4, iou=0.7)).detections


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

    @pytest.mark.filterwarnings("ignore")  # they come from PyTorch's tracer, inside Ultralytics' own export
    def test_onnx_is_served_from_a_folder_of_its_own(self, weights: Path) -> None:
        """It has one file and a card, is made once, and finds what the OpenVINO form finds."""
        folder = export_model(weights, form="onnx")
        made = (folder / "best.onnx").stat().st_mtime_ns

        assert folder == weights.with_name("best_onnx_sightline")
        assert sorted(file.name for file in folder.iterdir()) == ["best.onnx", "model.toml"]
        assert (export_model(weights, form="onnx") / "best.onnx").stat().st_mtime_ns == made
        assert len(detect_drawn_firearm(folder)) == 1

    @needs_nncf
    @pytest.mark.filterwarnings("ignore")  # likewise, and from NNCF
    def test_int8_is_calibrated_and_served(self, weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        """It is smaller, finds the firearm where the float form does, and is made anew for other pictures only."""
        pictures = draw_pictures(tmp_path / "drawn", times_s=[0.0, 1.0, 2.0, 3.0])
        folder = export_model(weights, form="int8", calibration=pictures, imgsz=320)
        made = (folder / "best.bin").stat().st_mtime_ns
        found, in_float = detect_drawn_firearm(folder), detect_drawn_firearm(export_model(weights))

        assert capsys.readouterr().out == ""
        assert folder == weights.with_name("best_int8_sightline")
        assert b'"FakeQuantize"' in (folder / "best.xml").read_bytes()
        assert len(found) == len(in_float) == 1
        assert found.xyxy[0] == pytest.approx(in_float.xyxy[0], abs=12)
        assert (export_model(weights, form="int8", calibration=pictures, imgsz=320) / "best.bin").stat().st_mtime_ns == made

        (pictures / "3.png").unlink()
        assert (export_model(weights, form="int8", calibration=pictures, imgsz=320) / "best.bin").stat().st_mtime_ns != made

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


def test_int8_needs_pictures_and_nothing_else_takes_them(tmp_path: Path) -> None:
    """Both mistakes get the line to type."""
    for wishes in ({"form": "int8"}, {"form": "onnx", "calibration": tmp_path}):
        with pytest.raises(InvalidRequest, match=r"--format int8 --calibration data\.yaml"):
            export_model(tmp_path / "best.pt", **wishes)


def test_calibrating_with_an_empty_folder_is_refused(tmp_path: Path) -> None:
    """The folder is named."""
    with pytest.raises(InvalidRequest, match="has no pictures to calibrate with"):
        export_model(tmp_path / "best.pt", form="int8", calibration=tmp_path)


@pytest.mark.parametrize("card", [None, "name = 'mine'\n[origin]\ntrained_with = 'care'\n", "not = toml = at all"])
def test_a_folder_of_something_else_is_never_replaced(tmp_path: Path, card: str | None) -> None:
    """`--out models` names the folder of all models, and each file in it stays."""
    (tmp_path / "best.pt").write_bytes(b"hello")
    models = tmp_path / "models"
    models.mkdir()
    (models / "years.bin").write_bytes(b"of work")
    if card is not None:
        (models / "model.toml").write_text(card)

    with pytest.raises(InvalidRequest, match=r"models: is there and is no export that may be replaced"):
        export_model(tmp_path / "best.pt", out=models)

    assert (models / "years.bin").read_bytes() == b"of work"


def test_a_file_is_never_replaced_by_an_export(tmp_path: Path) -> None:
    """Nor is one that the place names."""
    (tmp_path / "best.pt").write_bytes(b"hello")

    with pytest.raises(InvalidRequest, match=r"best\.pt: is there"):
        export_model(tmp_path / "best.pt", out=tmp_path / "best.pt")


@pytest.mark.skipif(HAS_EXTRA, reason="the ultralytics extra is installed")
def test_without_the_extra_it_says_what_to_type(tmp_path: Path) -> None:
    """The two ways to get it are named."""
    (tmp_path / "best.pt").write_bytes(b"hello")

    with pytest.raises(ModelError, match=r"make run MODEL=.*make extra"):
        export_model(tmp_path / "best.pt")
