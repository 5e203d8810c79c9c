"""Export: from the `.pt` weights of a training run to the form that is served, an OpenVINO folder with a `model.toml`."""

import hashlib
import json
import shutil
import tempfile
import warnings
from pathlib import Path

from server.domain.errors import ModelError
from server.domain.model import ModelInfo
from server.inference.card import CARD_NAME, read_card
from server.inference.loader import load_detector
from server.inference.ultralytics import load_weights, version

FORMAT = "1"
"""Rises when what is written into the folder changes, so that older exports are made anew."""


def export_model(weights: Path, *, imgsz: int | None = None, out: Path | None = None) -> Path:
    """Returns the folder with the served form of a `.pt` file; makes it, beside the file or as `out`, unless it is there.

    The model takes inputs of any size; `imgsz` is its default one, else that of its training. Its weights are stored as 16-bit
    floats, which halves the files. A folder that was made from the same weights, told by their sha256, is returned as it is.
    Raises ModelError when the file is not one of Ultralytics' detection models or Ultralytics is not installed.
    """
    folder = out or weights.with_name(f"{weights.stem}_sightline")
    origin = {"weights_sha256": _digest(weights), "imgsz": str(imgsz or "trained"), "format": FORMAT}
    if _is_made_of(folder, origin):
        return folder
    try:
        with tempfile.TemporaryDirectory(prefix=".sightline-export-", dir=folder.parent) as room:
            made = _make(weights, room=Path(room), imgsz=imgsz, origin=origin)
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
    """Whether the folder holds an undamaged export of these weights in today's form."""
    if not (folder / CARD_NAME).is_file():
        return False
    try:
        made_of = read_card(folder).origin
    except ModelError:
        return False
    return all(made_of.get(key) == value for key, value in origin.items())


def _make(weights: Path, *, room: Path, imgsz: int | None, origin: dict[str, str]) -> Path:
    """Exports a copy of the weights in `room`, because Ultralytics writes beside the file; returns a folder ready to serve."""
    copy = room / weights.name
    shutil.copyfile(weights, copy)
    model = load_weights(copy, named=weights)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PyTorch announces the end of the tracer that OpenVINO's converter still uses
        try:
            exported = Path(model.export(format="openvino", dynamic=True, half=True, **({"imgsz": imgsz} if imgsz else {})))
        except (RuntimeError, TypeError, ValueError, AssertionError, ImportError) as exc:
            raise ModelError(f"{weights}: Ultralytics cannot export this model: {exc}") from exc
    info = load_detector(exported, name=weights.stem, imgsz=imgsz).info
    return _gather(exported, into=room / "served", info=info, origin=origin | {"ultralytics": version()})


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
