"""INT8: an OpenVINO model that computes in 8 bits, calibrated with pictures as they are served; the only door to nncf."""

import logging
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from server.domain.errors import InvalidRequest, ModelError
from server.domain.frame import Frame, PixelLayout
from server.inference.canvas import InputCanvas
from server.inference.letterbox import Letterbox
from server.media.picture import decode, probe

CALIBRATION_PICTURES = 300
"""What nncf takes by default; more change the ranges of activations little."""

_MAX_PIXELS = 100_000_000
"""Of a calibration picture; larger ones are left out."""


def quantize(model: Path, *, into: Path, pictures: Sequence[Path], imgsz: int) -> None:
    """Writes the 8-bit form of an `.xml` model to `into`, calibrated with the pictures. Blocks for a minute or so.

    The last layers of the head stay in float: their numbers are coordinates and confidences, for which 255 steps are too few.
    Raises ModelError when nncf is missing or cannot take the model, InvalidRequest when no picture can be read.
    """
    nncf = _nncf()
    import openvino  # noqa: PLC0415 - after _nncf, which keeps it from reporting its use

    loaded = openvino.Core().read_model(model)
    inputs = list(_inputs(pictures, imgsz=imgsz))
    if not inputs:
        raise InvalidRequest("--calibration: none of its pictures can be read")
    scope = nncf.IgnoredScope(patterns=float_parts(op.get_friendly_name() for op in loaded.get_ops()))
    try:
        with redirect_stdout(sys.stderr):  # its progress: standard output is for the path of the export
            quantized = nncf.quantize(
                loaded,
                nncf.Dataset(inputs, _fractions),
                subset_size=len(inputs),
                preset=nncf.QuantizationPreset.MIXED,  # SiLU is not symmetric about zero
                ignored_scope=scope,
            )
    except (RuntimeError, ValueError, nncf.ValidationError) as exc:
        raise ModelError(f"{model}: nncf cannot quantize this model: {exc}") from exc
    openvino.save_model(quantized, into, compress_to_fp16=True)


def float_parts(names: Iterable[str]) -> list[str]:
    """Patterns for the operations of the head, the last module of Ultralytics' models, behind its inner convolutions."""
    modules = [int(found[1]) for name in names if (found := re.match(r"__module\.model\.(\d+)\b", name))]
    if not modules:
        raise ModelError("its operations do not have the names that Ultralytics' export gives them: export the .pt")
    return [rf"__module\.model\.{max(modules)}(/|\.dfl|\.cv\d\.\d\.2/).*"]


def _nncf() -> Any:
    # Loaded first: it keeps OpenVINO and what builds on it from reporting their use to their makers.
    import server.inference.openvino  # noqa: F401, PLC0415

    try:
        import nncf  # noqa: PLC0415 - an extra
    except ImportError as exc:
        raise ModelError("--format int8 needs nncf: pip install 'sightline[int8]'") from exc
    nncf.set_log_level(logging.ERROR)
    return nncf


def _inputs(pictures: Sequence[Path], *, imgsz: int) -> Iterator[npt.NDArray[np.uint8]]:
    """Canvases `(1, h, w, 3) uint8`, BGR, painted as those of served pictures; what cannot be read is left out."""
    step = max(1, len(pictures) // CALIBRATION_PICTURES)
    for path in pictures[::step][:CALIBRATION_PICTURES]:
        try:
            content = path.read_bytes()
            pixels = decode(content, probe(content, max_pixels=_MAX_PIXELS))
        except (OSError, InvalidRequest):
            continue
        frame = Frame(pixels, PixelLayout.BGR)
        canvas = InputCanvas(Letterbox.fit(width=frame.width, height=frame.height, imgsz=imgsz))
        canvas.paint(frame)
        yield canvas.pixels


def _fractions(canvas: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """What the graph of a served model makes of a canvas: `(1, 3, h, w) float32`, RGB, 0 to 1."""
    return np.ascontiguousarray(canvas[..., ::-1].transpose(0, 3, 1, 2), np.float32) / np.float32(255)
