"""`sightline export`: makes of `.pt` weights what is served, and prints where it is."""

import argparse
from pathlib import Path

from server.commands.exit_codes import OK
from server.domain.errors import InvalidRequest
from server.inference.letterbox import STRIDE_PX
from server.inference.openvino import MAX_SIDE_PX
from server.training.export import export_model


def run(arguments: argparse.Namespace) -> int:
    """Exports; standard output has the folder alone, so that a script can go on with it."""
    imgsz = arguments.imgsz
    if imgsz is not None and (imgsz % STRIDE_PX or not STRIDE_PX <= imgsz <= MAX_SIDE_PX):
        raise InvalidRequest(f"--imgsz {imgsz}: is not a multiple of {STRIDE_PX} up to {MAX_SIDE_PX}")
    folder = export_model(
        Path(arguments.weights),
        form=arguments.format,
        calibration=Path(arguments.calibration) if arguments.calibration else None,
        imgsz=imgsz,
        out=Path(arguments.out) if arguments.out else None,
    )
    print(folder)  # noqa: T201 - the result, for the shell
    return OK
