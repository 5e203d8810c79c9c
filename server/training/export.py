"""Export: from the `.pt` weights of a training to what is served: an OpenVINO folder with a `model.toml`, or an ONNX file."""

import hashlib
import json
import shutil
import tempfile
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from server.domain.errors import ModelError
from server.domain.model import ModelInfo
from server.inference.card import CARD_NAME, read_card
from server.inference.loader import load_detector
from server.inference.ultralytics import load_weights, version
from server.media.whole_file import whole_path
from server.training.int8 import quantize

FORMAT = "1"
"""Rises when what is written into the folder changes, so that older exports are made anew."""


def export_model(
    weights: Path, *, imgsz: int | None = None, out: Path | None = None, calibration: Sequence[Path] | None = None
) -> Path:
    """Returns the folder with the served form of a `.pt` file; makes it, beside the file or as `out`, unless it is there.

    The model takes inputs of any size; `imgsz` is its default one, else that of its training. Its weights are stored as 16-bit
    floats, which halves the files; with pictures for `calibration` it computes in 8 bits. A folder that was made from the same
    weights, told by their sha256, in the same way is returned as it is. Raises ModelError when the file is not one of
    Ultralytics' detection models, or Ultralytics or nncf is not installed.
    """
    folder = out or weights.with_name(f"{weights.stem}_sightline{'' if calibration is None else '_int8'}")
    origin = {"weights_sha256": _digest(weights), "imgsz": str(imgsz or "trained"), "format": FORMAT}
    if calibration is not None:
        origin["calibration_sha256"] = _digest_of_names(calibration)
    if _is_made_of(folder, origin):
        return folder
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".sightline-export-", dir=folder.parent) as room:
            made = _make(weights, room=Path(room), imgsz=imgsz, origin=origin, calibration=calibration)
            _put(made, folder)
    except OSError as exc:
        raise ModelError(f"{folder}: the export cannot be written: {exc.strerror or exc}") from exc
    return folder


def export_onnx(weights: Path, *, imgsz: int | None = None, out: Path | None = None) -> Path:
    """Returns an ONNX file that takes inputs of any size; makes it anew, beside the `.pt` file or as `out`.

    It is for other programs, too: 32-bit floats, with Ultralytics' properties for class names and input size. Raises as
    `export_model` does.
    """
    target = out or weights.with_name(f"{weights.stem}_sightline.onnx")
    _digest(weights)  # a wrong path is the first thing that is noticed
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".sightline-export-", dir=target.parent) as room:
            exported = _export(weights, room=Path(room), imgsz=imgsz, settings={"format": "onnx"})
            load_detector(exported, name=weights.stem)
            with whole_path(target) as temporary:
                exported.rename(temporary)
    except OSError as exc:
        raise ModelError(f"{target}: the export cannot be written: {exc.strerror or exc}") from exc
    return target


def _digest(path: Path) -> str:
    """The sha256 of a file in hexadecimal."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as exc:
        raise ModelError(f"{path}: the weights cannot be read: {exc.strerror}") from exc


def _digest_of_names(pictures: Sequence[Path]) -> str:
    """The sha256 over the names of pictures: enough to tell one data set from another."""
    return hashlib.sha256("\n".join(str(path) for path in pictures).encode()).hexdigest()


def _is_made_of(folder: Path, origin: dict[str, str]) -> bool:
    """Whether the folder holds an undamaged export of these weights in today's form."""
    if not (folder / CARD_NAME).is_file():
        return False
    try:
        made_of = read_card(folder).origin
    except ModelError:
        return False
    return all(made_of.get(key) == value for key, value in origin.items())


def _make(weights: Path, *, room: Path, imgsz: int | None, origin: dict[str, str], calibration: Sequence[Path] | None) -> Path:
    """Returns a folder in `room` that is ready to serve."""
    exported = _export(weights, room=room, imgsz=imgsz, settings={"format": "openvino", "half": True})
    info = load_detector(exported, name=weights.stem, imgsz=imgsz).info
    if calibration is not None:
        (model,) = exported.glob("*.xml")
        exported = room / "int8"
        exported.mkdir()
        quantize(model, into=exported / model.name, pictures=calibration, imgsz=info.imgsz)
    return _gather(exported, into=room / "served", info=info, origin=origin | {"ultralytics": version()})


def _export(weights: Path, *, room: Path, imgsz: int | None, settings: dict[str, Any]) -> Path:
    """Exports a copy of the weights in `room`, because Ultralytics writes beside the file; returns what came of it."""
    copy = room / weights.name
    shutil.copyfile(weights, copy)
    model = load_weights(copy, named=weights)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PyTorch announces the end of the tracer that OpenVINO's converter still uses
        try:
            return Path(model.export(dynamic=True, **settings, **({"imgsz": imgsz} if imgsz else {})))
        except (RuntimeError, TypeError, ValueError, AssertionError, ImportError) as exc:
            raise ModelError(f"{weights}: Ultralytics cannot export this model: {exc}") from exc


def _gather(exported: Path, *, into: Path, info: ModelInfo, origin: dict[str, str]) -> Path:
    """Moves what is served into a folder of its own and writes its card."""
    into.mkdir()
    sums = {}
    for suffix in (".xml", ".bin"):
        (source,) = exported.glob(f"*{suffix}")
        target = source.rename(into / f"{info.name}{suffix}")
        sums[target.name] = _digest(target)
    (into / CARD_NAME).write_text(_card_text(info, sums=sums, origin=origin), encoding="utf-8")
    return into


def _card_text(info: ModelInfo, *, sums: dict[str, str], origin: dict[str, str]) -> str:
    """The `model.toml` of an export; a string in JSON is one in TOML too."""
    lines = [
        f"name = {json.dumps(info.name)}",
        f"weights = {json.dumps(f'{info.name}.xml')}",
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
