"""Loader: from a path to a detector, whatever kind of model lies there."""

from pathlib import Path
from typing import Literal

from server.domain.errors import ModelError
from server.domain.protocols import Detector
from server.inference.card import CARD_NAME, read_card
from server.inference.compute import Compute, Precision
from server.inference.description import Description
from server.inference.openvino import load_openvino
from server.inference.processors import multiplies_int8, processor
from server.inference.ultralytics import load_ultralytics

Backend = Literal["auto", "openvino", "ultralytics"]

_DEFAULT = Compute()
_EACH_ITS_WEIGHTS: tuple[Precision, ...] = ("auto", "f32")
_FORMATS = "a folder with model.toml, an OpenVINO folder, or a .xml, .onnx or .pt file"


def load_detector(
    path: Path,
    *,
    backend: Backend = "auto",
    compute: Compute = _DEFAULT,
    name: str | None = None,
    confidence: float | None = None,
    iou: float = 0.7,
    imgsz: int | None = None,
) -> Detector:
    """Loads a folder with `model.toml`, an OpenVINO folder, or a `.xml`, `.onnx` or `.pt` file.

    `name`, `confidence` and `imgsz` win over the model's own.
    Takes up to seconds, so it is never called on the event loop. Raises ModelError, whose one line says what is wrong.
    """
    weights, known = _find(path, compute.precision)
    asked = Description(name=name, confidence=confidence, imgsz=imgsz).over(known)
    if _engine(weights, backend) == "ultralytics":
        return load_ultralytics(weights, asked=asked, iou=iou, threads=compute.threads)
    return load_openvino(weights, asked=asked, iou=iou, compute=compute)


def fingerprint(path: Path) -> str:
    """Tells a model from another that is put in its place: sizes and times of its files. Blocks; raises ModelError."""
    weights = sorted({_find(path, precision)[0] for precision in _EACH_ITS_WEIGHTS})
    files = [file for one in weights for file in (one, one.with_suffix(".bin")) if file.is_file()]
    return " ".join(f"{file.stat().st_size}:{file.stat().st_mtime_ns}" for file in files)


def _find(path: Path, precision: Precision) -> tuple[Path, Description]:
    """The weights that lie at the path, and what the place says about them; ModelError where nothing can be found."""
    try:
        return _found(path, precision)
    except OSError as exc:  # a folder that we may not look into, a name that is longer than names can be
        raise ModelError(f"{path}: cannot be looked up: {exc.strerror}") from exc


def _found(path: Path, precision: Precision) -> tuple[Path, Description]:
    if path.is_file():
        return path, Description()
    if not path.is_dir():
        raise ModelError(f"{path}: there is no such model; give {_FORMATS}")
    if (path / CARD_NAME).is_file():
        card = read_card(path)
        whole_numbers = precision == "int8" or (precision == "auto" and multiplies_int8(processor()))
        return path / (card.int8 if card.int8 and whole_numbers else card.weights), card.describe()
    found = sorted(path.glob("*.xml"))
    if len(found) != 1:
        raise ModelError(f"{path}: this folder has {len(found)} .xml files and no {CARD_NAME}; give {_FORMATS}")
    return found[0], Description(name=path.name.removesuffix("_openvino_model"))


def _engine(weights: Path, backend: Backend) -> Literal["openvino", "ultralytics"]:
    """The engine that runs the file."""
    suffix = weights.suffix.lower()
    if suffix not in (".xml", ".onnx", ".pt"):
        raise ModelError(f"{weights}: {suffix or 'a file without ending'} is not a model that is served; give {_FORMATS}")
    if suffix == ".pt":
        if backend == "openvino":
            raise ModelError(f"{weights}: OpenVINO reads no .pt files; export it first: sightline export {weights}")
        return "ultralytics"
    if backend == "ultralytics":
        raise ModelError(f"{weights}: the ultralytics backend runs .pt files; use --backend openvino for this one")
    return "openvino"
