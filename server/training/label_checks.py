"""Label checks: what is wrong in the label file of a picture; nothing stops at the first fault."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from server.domain.detection import Box
from server.domain.errors import InvalidRequest
from server.training.labelled_pictures import label_lines, label_path, read_row

# Kinds of faults. Ultralytics leaves a picture out, with its good boxes, for each of the first four.
MALFORMED = "malformed line"
UNKNOWN_CLASS = "class without a name"
OUTSIDE = "box outside the picture"
EMPTY = "box without width or height"
OVERHANGING = "box that reaches over the edge"
REPEATED = "box given twice"
NO_FILE = "picture without a label file"

_TOLERANCE = 0.01
"""Of the picture's side: rounding, and what Ultralytics tolerates."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault of one of the kinds, and where it is."""

    kind: str
    where: str


@dataclass(frozen=True, slots=True, eq=False)
class CheckedLabel:
    """The good boxes of a picture as fractions, `(n, 4) float64`, their class ids `(n,) int32`, and what is wrong."""

    boxes: npt.NDArray[np.float64]
    class_id: npt.NDArray[np.int32]
    faults: tuple[Fault, ...]


def check_label(picture: Path, *, classes: int) -> CheckedLabel:
    """Reads and checks the labels of a picture. Blocks; any thread."""
    label = label_path(picture)
    good: dict[tuple[int, Box], None] = {}
    faults = [] if label.is_file() else [Fault(NO_FILE, str(picture))]
    for number, line in label_lines(label):
        where = f"{label}, line {number}"
        try:
            class_id, box = read_row(line, where=where)
        except InvalidRequest as exc:
            faults.append(Fault(MALFORMED, str(exc)))
            continue
        found = [Fault(kind, where) for kind in _faults(class_id, box, classes=classes)]
        key = (class_id, _rounded(box))
        if key in good:
            found.append(Fault(REPEATED, where))
        elif not found or found[0].kind == OVERHANGING:
            good[key] = None
        faults += found
    boxes = np.array([box for _, box in good], np.float64).reshape(-1, 4)
    return CheckedLabel(boxes, np.array([class_id for class_id, _ in good], np.int32), tuple(faults))


def _faults(class_id: int, box: Box, *, classes: int) -> Iterator[str]:
    x1, y1, x2, y2 = box
    centre_and_size = ((x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1)
    if not 0 <= class_id < classes:
        yield UNKNOWN_CLASS
    if x2 <= x1 or y2 <= y1:
        yield EMPTY
    elif not all(-_TOLERANCE <= value <= 1 + _TOLERANCE for value in centre_and_size):
        yield OUTSIDE
    elif min(box) < -_TOLERANCE or max(box) > 1 + _TOLERANCE:
        yield OVERHANGING


def _rounded(box: Box) -> Box:
    """Equal for boxes that differ by nobody's intention."""
    x1, y1, x2, y2 = (round(value, 4) for value in box)
    return x1, y1, x2, y2
