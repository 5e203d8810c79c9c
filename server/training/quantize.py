"""Quantise: an OpenVINO model's weights and activations as 8-bit integers, by NNCF, measured on calibration pictures.

Serving computes the same model with the same canvas; NNCF only has to see the numbers that lie in its layers then.
"""

import contextlib
import hashlib
import importlib.util
import io
import logging
import re
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt

from server.domain.errors import InvalidRequest, ModelError, SightlineError
from server.domain.frame import Frame, PixelLayout
from server.inference.canvas import InputCanvas
from server.inference.letterbox import STRIDE_PX, Letterbox
from server.inference.openvino import MAX_SIDE_PX
from server.media.picture import decode, probe
from server.training.labelled_pictures import pictures_in, read_split

CALIBRATION_PICTURES = 300
"""NNCF's own number: more pictures move the ranges of the layers no further."""

_MOST_PIXELS = 100_000_000
_BLOCK = re.compile(r"\bmodel\.(\d+)\b")


def is_installed() -> bool:
    """Whether NNCF is there; imports nothing."""
    return importlib.util.find_spec("nncf") is not None


def calibration_pictures(source: Path, *, count: int = CALIBRATION_PICTURES) -> list[Path]:
    """The pictures to calibrate with: evenly taken from a folder, or from the training split of a `data.yaml`. Blocks.

    Raises InvalidRequest where there are none.
    """
    found = pictures_in(source) if source.is_dir() else [one.path for one in read_split(source, split="train").pictures]
    if not found:
        raise InvalidRequest(f"{source}: has no pictures to calibrate with")
    return [found[number * len(found) // count] for number in range(count)] if len(found) > count else found


def digest(pictures: Sequence[Path]) -> str:
    """One sha256 for the content of all pictures, in hexadecimal. Blocks; raises InvalidRequest for one that cannot be read."""
    total = hashlib.sha256()
    for path in pictures:
        total.update(hashlib.sha256(_content(path)).digest())
    return total.hexdigest()


def quantize(xml: Path, *, pictures: Sequence[Path], imgsz: int) -> None:
    """Replaces an OpenVINO IR by its INT8 form; takes about a fifth of a second of processor time a picture at 640 px. Blocks.

    The last convolutions (box distances, class scores) and what makes boxes of them stay in float: their numbers reach from a
    thousandth to the picture's width, which 256 steps cannot tell apart. Raises ModelError, and InvalidRequest for a picture
    that cannot be read.
    """
    nncf = _nncf()
    import openvino  # noqa: PLC0415 - behind the module above, which keeps both from reporting each start to their makers

    model = openvino.Core().read_model(xml)
    side = openvino.Dimension(STRIDE_PX, MAX_SIDE_PX)
    model.reshape([1, 3, side, side])
    with contextlib.redirect_stdout(io.StringIO()):  # its progress bars; standard output is for the path of the export
        try:
            quantized = nncf.quantize(
                model,
                nncf.Dataset(pictures, lambda path: model_input(path, imgsz=imgsz)),
                preset=nncf.QuantizationPreset.MIXED,
                subset_size=len(pictures),
                ignored_scope=_head(model, nncf),
            )
        except (RuntimeError, ValueError, nncf.InternalError, nncf.ValidationError, nncf.UnsupportedModelError) as exc:
            raise ModelError(f"{xml.name}: NNCF cannot quantise this model: {exc}") from exc
    room = xml.with_name("int8")
    room.mkdir()
    openvino.save_model(quantized, room / xml.name, compress_to_fp16=True)
    del model  # it holds the .bin open
    for suffix in (".xml", ".bin"):
        (room / xml.with_suffix(suffix).name).replace(xml.with_suffix(suffix))


def version() -> str:
    """The version of NNCF that is installed."""
    return str(_nncf().__version__)


def _nncf() -> ModuleType:
    if not is_installed():
        raise ModelError("INT8 needs NNCF, which is in the environment that `make extra` makes")
    import nncf  # noqa: PLC0415 - part of the extra, seconds to import

    nncf.set_log_level(logging.ERROR)
    module: ModuleType = nncf
    return module


def _head(model: Any, nncf: ModuleType) -> object:
    """The end of the model's last block, by the names that Ultralytics' export gives its operations.

    All else of that block, a third of the model's work, loses nothing in 8 bits.
    """
    found = [int(match[1]) for operation in model.get_ops() if (match := _BLOCK.search(operation.get_friendly_name()))]
    if not found:
        raise ModelError("it has no blocks named as in Ultralytics' exports, of which the last could stay in float")
    return nncf.IgnoredScope(patterns=[rf".*\bmodel\.{max(found)}(/|\.dfl|\.cv\d\.\d\.2/).*"])


def model_input(path: Path, *, imgsz: int) -> npt.NDArray[np.float32]:
    """A picture as the served model gets it behind its conversion: `(1, 3, h, w) float32`, RGB, 0 to 1."""
    try:
        data = _content(path)
        pixels = decode(data, probe(data, max_pixels=_MOST_PIXELS))
    except SightlineError as exc:
        raise InvalidRequest(f"{path}: cannot be calibrated with: {exc}") from exc
    canvas = InputCanvas(Letterbox.fit(width=pixels.shape[1], height=pixels.shape[0], imgsz=imgsz))
    canvas.paint(Frame(pixels, PixelLayout.BGR))
    return np.ascontiguousarray(canvas.pixels[..., ::-1].transpose(0, 3, 1, 2), np.float32) / np.float32(255)


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as exc:
        raise InvalidRequest(f"{path}: cannot be read: {exc.strerror}") from exc
