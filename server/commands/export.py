"""`sightline export`: turns `.pt` weights into what is served, and prints where it is."""

import argparse
from collections.abc import Sequence
from pathlib import Path

import msgspec

from server.commands.exit_codes import OK
from server.domain.errors import InvalidRequest
from server.inference.letterbox import InputSize
from server.training.export import export_model, export_onnx
from server.training.labelled_pictures import picture_paths, read_description


def run(arguments: argparse.Namespace) -> int:
    """Exports, prints the path and returns the exit code; raises InvalidRequest and ModelError."""
    weights, imgsz = Path(arguments.weights), _imgsz(arguments.imgsz)
    out = Path(arguments.out) if arguments.out else None
    if arguments.format == "onnx":
        made = export_onnx(weights, imgsz=imgsz, out=out)
    else:
        made = export_model(weights, imgsz=imgsz, out=out, calibration=_calibration(arguments))
    print(made)  # noqa: T201 - the result, for the shell
    return OK


def _calibration(arguments: argparse.Namespace) -> Sequence[Path] | None:
    """The pictures to calibrate with, in a fixed order; None where nothing is calibrated."""
    if arguments.format != "int8":
        return None
    if not arguments.calibration:
        raise InvalidRequest("--format int8 needs --calibration, a data.yaml whose split train shows what the model will see")
    data = Path(arguments.calibration)
    pictures = sorted(set(picture_paths(read_description(data), data=data, split="train")))
    if not pictures:
        raise InvalidRequest(f"{data}: its split 'train' has no pictures")
    return pictures


def _imgsz(asked: int | None) -> int | None:
    try:
        return msgspec.convert(asked, InputSize | None)
    except msgspec.ValidationError as exc:
        raise InvalidRequest(f"--imgsz: {asked}: {str(exc).lower()}") from exc
