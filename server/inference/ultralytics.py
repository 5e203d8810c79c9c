"""Ultralytics: runs `.pt` weights directly, on CUDA where there is one; the only place that serves with torch."""

import importlib.util
import os
import shutil
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from server.domain.detection import DetectionResult, Detections, DetectOptions, Timing
from server.domain.errors import ModelError
from server.domain.frame import Frame, PixelLayout
from server.domain.model import ModelInfo
from server.inference.description import DETECT, Description
from server.inference.processors import available_processors

_DEFAULT_IMGSZ = 640
_DEFAULT_CONFIDENCE = 0.25


def is_installed() -> bool:
    """Whether the extra is there; imports nothing."""
    return importlib.util.find_spec("ultralytics") is not None


class UltralyticsDetector:
    """Weights that Ultralytics runs; every request has a model of its own, because its predictor is not for two threads."""

    def __init__(self, weights: Path, *, info: ModelInfo) -> None:
        self._weights = weights
        self._info = info

    @property
    def info(self) -> ModelInfo:
        """What is known of the model."""
        return self._info

    def create_request(self) -> "UltralyticsRequest":
        """Loads the weights once more for one worker."""
        return UltralyticsRequest(load_weights(self._weights), imgsz=self._info.imgsz)


class UltralyticsRequest:
    """One worker's model."""

    def __init__(self, model: Any, *, imgsz: int) -> None:
        self._model = model
        self._imgsz = imgsz

    def detect(self, frame: Frame, options: DetectOptions) -> DetectionResult:
        """Returns what is in the frame."""
        result = self._model.predict(
            _bgr(frame),
            conf=options.confidence,
            iou=options.iou,
            imgsz=options.imgsz or self._imgsz,
            classes=None if options.classes is None else sorted(options.classes),
            rect=True,
            verbose=False,
        )[0]
        boxes = result.boxes.cpu().numpy()
        detections = Detections(boxes.xyxy.astype(np.float32), boxes.conf.astype(np.float32), boxes.cls.astype(np.int32))
        speed = result.speed
        timing = Timing(0.0, speed["preprocess"], speed["inference"], speed["postprocess"])
        return DetectionResult(detections.select(np.argsort(-detections.confidence, kind="stable")), timing)


def load_ultralytics(weights: Path, *, asked: Description, iou: float, threads: int) -> UltralyticsDetector:
    """Loads a `.pt` file; `asked` wins over what the file says about itself.

    Raises ModelError when the extra is missing, the file is damaged or not a detector. A `.pt` file is a pickle: loading one
    runs what it says, so it must come from somebody you trust.
    """
    model = load_weights(weights)
    _use_threads(threads)
    described = asked.over(_describe(model))
    info = ModelInfo(
        name=described.name or weights.stem,
        labels=described.labels or (),
        confidence=_DEFAULT_CONFIDENCE if described.confidence is None else described.confidence,
        iou=iou,
        imgsz=described.imgsz or _DEFAULT_IMGSZ,
        precision="f32",
        runtime=("ultralytics", version()),
    )
    return UltralyticsDetector(weights, info=info)


def load_weights(weights: Path, *, named: Path | None = None) -> Any:
    """Returns Ultralytics' `YOLO` for a `.pt` file with a detection model; `named` is the path that an error shows.

    Raises ModelError when the extra is missing, the file is damaged or is not a detection model.
    """
    shown = named or weights
    if not is_installed():
        raise ModelError(
            f"{shown}: .pt weights need Ultralytics: `make run MODEL={shown}` exports and serves them, "
            "or use the environment that `make extra` makes"
        )
    model = _read(weights, shown)
    if model.task != DETECT:
        raise ModelError(f"{shown}: it is a model for the task {model.task!r}; only detection models are served")
    return model


def version() -> str:
    """The version of Ultralytics that is installed."""
    from ultralytics import __version__  # noqa: PLC0415 - the extra, see _read

    return str(__version__)


def keep_settings_in(folder: Path) -> None:
    """Has Ultralytics keep settings and fonts in this folder rather than in the user's; before it is first imported.

    Each training looks for two fonts, and downloads what it does not find; one that came with matplotlib stands for both.
    Raises ModelError when the extra is missing.
    """
    if not is_installed():
        raise ModelError("training needs Ultralytics, which is in the environment that `make extra` makes")
    _stay_offline()
    os.environ["YOLO_CONFIG_DIR"] = str(folder)
    from matplotlib import get_data_path  # noqa: PLC0415 - part of the extra
    from ultralytics.utils import USER_CONFIG_DIR  # noqa: PLC0415 - the extra

    for name in ("Arial.ttf", "Arial.Unicode.ttf"):
        font = Path(USER_CONFIG_DIR) / name
        if not font.exists():
            shutil.copyfile(Path(get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf", font)


def _read(weights: Path, shown: Path) -> Any:
    """Reads a `.pt` file with Ultralytics, which must neither install anything nor call home."""
    _stay_offline()
    from ultralytics import YOLO  # noqa: PLC0415 - the extra: seconds to import, and seldom there

    try:
        return YOLO(str(weights), task=None, verbose=False)
    except _LOAD_ERRORS as exc:
        raise ModelError(f"{shown}: cannot be read: it is damaged, or not weights of an Ultralytics model") from exc


# What unpickling and rebuilding a damaged or foreign file has been seen to raise.
_LOAD_ERRORS = (OSError, TypeError, ValueError, KeyError, AttributeError, RuntimeError, ImportError, EOFError)


def _stay_offline() -> None:
    """Keeps Ultralytics from looking for updates, installing packages and printing; read when it is first imported."""
    os.environ.setdefault("YOLO_OFFLINE", "true")
    os.environ.setdefault("YOLO_AUTOINSTALL", "false")
    os.environ.setdefault("YOLO_VERBOSE", "false")


def _describe(model: Any) -> Description:
    """What the weights say about themselves."""
    labels = tuple(str(model.names[number]) for number in sorted(model.names))
    imgsz = model.overrides.get("imgsz")
    return Description(labels=labels, task=model.task, imgsz=max(imgsz) if isinstance(imgsz, list | tuple) else imgsz)


def _use_threads(threads: int) -> None:
    """Gives torch all processors: Ultralytics leaves one out, which is half of two."""
    import torch  # noqa: PLC0415 - part of the extra

    torch.set_num_threads(threads or available_processors())


def _bgr(frame: Frame) -> npt.NDArray[np.uint8]:
    """The frame as Ultralytics takes it."""
    if frame.layout is PixelLayout.BGR:
        return frame.pixels
    return np.asarray(cv2.cvtColor(frame.pixels, cv2.COLOR_YUV2BGR_I420), np.uint8)
