"""Export: from the `.pt` weights of a training run to a form that is served, a folder with a `model.toml`."""

import hashlib
import json
import shutil
import tempfile
import tomllib
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from server.domain.errors import InvalidRequest, ModelError
from server.domain.model import ModelInfo
from server.inference.card import CARD_NAME, read_card
from server.inference.loader import load_detector
from server.inference.ultralytics import load_weights, version
from server.training import quantize

FORMAT = "1"
"""Rises when what is written into the folder changes, so that older exports are made anew."""

Form = Literal["openvino", "onnx", "int8"]

_FOLDERS: dict[Form, str] = {"openvino": "{}_sightline", "onnx": "{}_onnx_sightline", "int8": "{}_int8_sightline"}
_FILES: dict[Form, tuple[str, ...]] = {"openvino": (".xml", ".bin"), "onnx": (".onnx",), "int8": (".xml", ".bin")}
# Of ONNX the weights stay 32-bit floats: other programs than ours read it, too. NNCF measures what is not rounded yet.
_ULTRALYTICS: dict[Form, dict[str, Any]] = {
    "openvino": {"format": "openvino", "half": True},
    "onnx": {"format": "onnx"},
    "int8": {"format": "openvino"},
}

# What the origin of every export has, and that of no other model: only such a folder is replaced.
_OURS = frozenset({"weights_sha256", "format"})


@dataclass(frozen=True, slots=True)
class _Order:
    """What is to be made: of which weights, in which form, for which input size (None: that of its training)."""

    weights: Path
    form: Form
    imgsz: int | None
    pictures: tuple[Path, ...]

    def origin(self) -> dict[str, str]:
        """What tells a folder that was made so from others."""
        origin = {"weights_sha256": _digest(self.weights), "imgsz": str(self.imgsz or "trained"), "format": FORMAT}
        if self.form != "openvino":
            origin["form"] = self.form
        if self.pictures:
            origin |= {"calibration_pictures": str(len(self.pictures)), "calibration_sha256": quantize.digest(self.pictures)}
        return origin


def export_model(
    weights: Path,
    *,
    form: Form = "openvino",
    calibration: Path | None = None,
    imgsz: int | None = None,
    out: Path | None = None,
) -> Path:
    """Returns the folder with a served form of a `.pt` file; makes it, beside the file or as `out`, unless it is there. Blocks.

    The model takes inputs of any size; `imgsz` is its default one, else that of its training. `openvino` stores weights as
    16-bit floats, which halves the files; `onnx` is for other programs as well; `int8` needs `calibration`, a `data.yaml` or a
    folder of pictures. A folder that was made from the same weights and pictures, told by their sha256, is returned as it is.
    Raises ModelError when the file is not one of Ultralytics' detection models or a library is not installed, InvalidRequest
    for pictures that are missing or damaged and for a folder of something else, which is never replaced.
    """
    if (form == "int8") != (calibration is not None):
        raise InvalidRequest("calibration pictures go with INT8, which needs some: --format int8 --calibration data.yaml")
    pictures = tuple(quantize.calibration_pictures(calibration)) if calibration else ()
    order = _Order(weights, form, imgsz, pictures)
    folder = out or weights.with_name(_FOLDERS[form].format(weights.stem))
    origin = order.origin()
    if _is_made_of(folder, origin):
        return folder
    _check_replaceable(folder)
    try:
        with tempfile.TemporaryDirectory(prefix=".sightline-export-", dir=folder.parent) as room:
            made = _make(order, room=Path(room), origin=origin)
            _put(made, folder)
    except OSError as exc:
        raise ModelError(f"{folder}: the export cannot be written: {exc.strerror or exc}") from exc
    return folder


def _digest(path: Path) -> str:
    """The sha256 of a file in hexadecimal."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as exc:
        raise ModelError(f"{path}: the weights cannot be read: {exc.strerror}") from exc


def _is_made_of(folder: Path, origin: dict[str, str]) -> bool:
    """Whether the folder holds an undamaged export of this origin."""
    if not (folder / CARD_NAME).is_file():
        return False
    try:
        made_of = read_card(folder).origin
    except ModelError:
        return False
    told = {key: made_of.get(key) for key in ("weights_sha256", "imgsz", "format", "form", "calibration_sha256")}
    return told == {key: origin.get(key) for key in told}


def _check_replaceable(folder: Path) -> None:
    """Raises InvalidRequest for a place that holds anything but an earlier export, which may be damaged, or nothing."""
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return
    try:
        origin = tomllib.loads((folder / CARD_NAME).read_text(encoding="utf-8")).get("origin")
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
        origin = None
    if not isinstance(origin, dict) or not origin.keys() >= _OURS:
        raise InvalidRequest(f"{folder}: is there and is no export that may be replaced; name another folder: --out")


def _make(order: _Order, *, room: Path, origin: dict[str, str]) -> Path:
    """Exports a copy of the weights in `room`, because Ultralytics writes beside the file; returns a folder ready to serve."""
    exported = _export(order, room=room)
    made_by = {"ultralytics": version()}
    info = load_detector(exported, name=order.weights.stem, imgsz=order.imgsz).info
    if order.form == "int8":
        (xml,) = exported.glob("*.xml")
        quantize.quantize(xml, pictures=order.pictures, imgsz=info.imgsz)
        made_by["nncf"] = quantize.version()
        load_detector(exported)  # one that cannot run says so here
    return _gather(exported, into=room / "served", info=info, form=order.form, origin=origin | made_by)


def _export(order: _Order, *, room: Path) -> Path:
    """What Ultralytics makes of a copy of the weights in `room`: an OpenVINO folder or an ONNX file."""
    copy = room / order.weights.name
    shutil.copyfile(order.weights, copy)
    model = load_weights(copy, named=order.weights)
    settings = _ULTRALYTICS[order.form] | ({"imgsz": order.imgsz} if order.imgsz else {})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PyTorch announces the end of the tracer that both exports still use
        try:
            return Path(model.export(dynamic=True, **settings))
        except (RuntimeError, TypeError, ValueError, AssertionError, ImportError) as exc:
            raise ModelError(f"{order.weights}: Ultralytics cannot export this model: {exc}") from exc


def _gather(exported: Path, *, into: Path, info: ModelInfo, form: Form, origin: dict[str, str]) -> Path:
    """Moves what is served into a folder of its own and writes its card."""
    into.mkdir()
    sums = {}
    for suffix in _FILES[form]:
        (source,) = [exported] if exported.suffix == suffix else exported.glob(f"*{suffix}")
        target = source.rename(into / f"{info.name}{suffix}")
        sums[target.name] = _digest(target)
    (into / CARD_NAME).write_text(_card_text(info, sums=sums, origin=origin), encoding="utf-8")
    return into


def _card_text(info: ModelInfo, *, sums: dict[str, str], origin: dict[str, str]) -> str:
    """The `model.toml` of an export; a string in JSON is one in TOML too."""
    lines = [
        f"name = {json.dumps(info.name)}",
        f"weights = {json.dumps(next(iter(sums)))}",
        f"classes = {json.dumps(list(info.labels))}",
        f"imgsz = {info.imgsz}",
        "\n[sha256]",
        *(f"{json.dumps(name)} = {json.dumps(digest)}" for name, digest in sums.items()),
        "\n[origin]",
        *(f"{key} = {json.dumps(value)}" for key, value in origin.items()),
    ]
    return "\n".join(lines) + "\n"


def _put(made: Path, folder: Path) -> None:
    """Puts the finished folder in its place at once, so that nobody finds half of one."""
    if folder.is_dir():
        folder.rename(made.with_name("replaced"))
    made.rename(folder)
