"""Labelled pictures: one split of a data set in YOLO layout, as `data.yaml` names it, with the boxes of each picture."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt

from server.domain.detection import Box
from server.domain.errors import InvalidRequest
from server.media.picture_files import PICTURE_SUFFIXES

UNKNOWN_SOURCE = "unknown"


@dataclass(frozen=True, slots=True, eq=False)
class LabelledPicture:
    """A picture and what is in it.

    `boxes` is `(n, 4) float64`, x1, y1, x2, y2 as fractions of width and height; `class_id` `(n,) int32`. `source` names
    where the picture comes from.
    """

    path: Path
    boxes: npt.NDArray[np.float64]
    class_id: npt.NDArray[np.int32]
    source: str = UNKNOWN_SOURCE

    @property
    def name(self) -> str:
        """The file's name."""
        return self.path.name


@dataclass(frozen=True, slots=True, eq=False)
class LabelledSplit:
    """The pictures of one split, sorted by name, and the class names by id."""

    name: str
    labels: tuple[str, ...]
    pictures: tuple[LabelledPicture, ...]


def read_split(data: Path, *, split: str, manifest: Path | None = None) -> LabelledSplit:
    """Reads the pictures that `data.yaml` names for a split: a folder, a text file of paths, or a list of those. Blocks.

    `manifest` is a CSV with the columns `file` and `source`, and `split` where a name occurs in several. A picture without a
    label file shows nothing, as with Ultralytics. Raises InvalidRequest for what is missing or malformed.
    """
    described = read_data(data)
    sources = {} if manifest is None else _read_manifest(manifest, split=split)
    paths = sorted(picture_paths(described, data=data, split=split), key=lambda path: (path.name, path))
    if not paths:
        raise InvalidRequest(f"{data}: its split {split!r} has no pictures")
    labels = class_names(described, data)
    pictures = tuple(
        LabelledPicture(path, *_read_label(path, classes=len(labels)), sources.get(path.name, UNKNOWN_SOURCE)) for path in paths
    )
    return LabelledSplit(split, labels, pictures)


def read_data(data: Path) -> dict[str, Any]:
    """Reads a data.yaml; raises InvalidRequest when it cannot be read."""
    yaml = _yaml()
    try:
        described = yaml.safe_load(data.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as exc:
        raise InvalidRequest(f"{data}: cannot be read: {exc}") from exc
    if not isinstance(described, dict):
        raise InvalidRequest(f"{data}: is not the description of a data set")
    return described


def write_data(data: Path, described: dict[str, Any]) -> None:
    """Writes a data.yaml."""
    data.write_text(_yaml().safe_dump(described, sort_keys=False), encoding="utf-8")


def _yaml() -> ModuleType:
    try:
        import yaml  # noqa: PLC0415 - comes with the extras of training and evaluation
    except ImportError as exc:
        raise InvalidRequest("data sets need the extra evaluate: make install EXTRAS=evaluate") from exc
    return yaml


def data_root(data: Path, described: dict[str, Any]) -> Path:
    """The folder that the paths of a data.yaml count from."""
    return (data.parent / str(described.get("path") or "")).resolve()


def pictures_in(folder: Path) -> list[Path]:
    """All pictures in a folder and in those below it, by path."""
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in PICTURE_SUFFIXES)


def class_names(described: dict[str, Any], data: Path) -> tuple[str, ...]:
    """The class names by id; InvalidRequest where `names` leaves one out."""
    names = described.get("names")
    if isinstance(names, list):
        return tuple(map(str, names))
    if isinstance(names, dict) and sorted(names) == list(range(len(names))):
        return tuple(str(names[number]) for number in range(len(names)))
    raise InvalidRequest(f"{data}: `names` must give each class, counted from 0, a name")


def picture_paths(described: dict[str, Any], *, data: Path, split: str) -> Iterator[Path]:
    """The pictures of a split, in no order; those of a text file, there or not. Blocks; raises InvalidRequest."""
    named = described.get(split)
    if not named:
        raise InvalidRequest(f"{data}: has no split {split!r}")
    root = data_root(data, described)
    for one in named if isinstance(named, list) else [named]:
        yield from _named_by(root / str(one), data=data)


def _named_by(place: Path, *, data: Path) -> Iterator[Path]:
    if place.is_dir():
        yield from pictures_in(place)
    elif place.is_file():
        lines = place.read_text(encoding="utf-8", errors="replace").split("\n")
        yield from (place.parent / line.strip() for line in lines if line.strip())
    else:
        raise InvalidRequest(f"{data}: names {place}, which is not there")


def _read_label(picture: Path, *, classes: int) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int32]]:
    """Boxes and class ids of a picture."""
    label = label_path(picture)
    rows = [(number, *read_row(line, where=f"{label}, line {number}")) for number, line in label_lines(label)]
    if unnamed := [(number, class_id) for number, class_id, _ in rows if not 0 <= class_id < classes]:
        raise InvalidRequest(f"{label}, line {unnamed[0][0]}: class {unnamed[0][1]} has no name in data.yaml")
    boxes = np.array([box for *_, box in rows], np.float64).reshape(-1, 4)
    return boxes, np.array([class_id for _, class_id, _ in rows], np.int32)


def label_path(picture: Path) -> Path:
    """The text file that stands for the picture in `labels` instead of `images`."""
    parts = list(picture.parts)
    for number in range(len(parts) - 2, -1, -1):
        if parts[number] == "images":
            parts[number] = "labels"
            break
    return Path(*parts).with_suffix(".txt")


def label_lines(label: Path) -> Iterator[tuple[int, str]]:
    """The lines that are not empty, with their numbers; none where there is no such file. Blocks."""
    text = label.read_text(encoding="utf-8", errors="replace") if label.is_file() else ""
    return ((number, line) for number, line in enumerate(text.splitlines(), start=1) if line.strip())


def read_row(line: str, *, where: str) -> tuple[int, Box]:
    """Class id and corners of `class x_centre y_centre width height`, or of `class` and the points of an outline.

    Raises InvalidRequest, whose message begins with `where`.
    """
    try:
        class_id, *values = (float(value) for value in line.split())
    except ValueError as exc:
        raise InvalidRequest(f"{where}: is not numbers: {line!r}") from exc
    if not np.isfinite([class_id, *values]).all():
        raise InvalidRequest(f"{where}: is not numbers: {line!r}")
    if class_id != int(class_id):
        raise InvalidRequest(f"{where}: a class is a whole number: {line!r}")
    if len(values) == 4:
        x, y, width, height = values
        return int(class_id), (x - width / 2, y - height / 2, x + width / 2, y + height / 2)
    if len(values) >= 6 and len(values) % 2 == 0:
        xs, ys = values[0::2], values[1::2]
        return int(class_id), (min(xs), min(ys), max(xs), max(ys))
    raise InvalidRequest(f"{where}: has {1 + len(values)} numbers, a box has 5: {line!r}")


def _read_manifest(manifest: Path, *, split: str) -> dict[str, str]:
    """The source of each file."""
    try:
        with manifest.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as exc:
        raise InvalidRequest(f"{manifest}: cannot be read: {exc}") from exc
    if not rows or not {"file", "source"} <= set(rows[0]):
        raise InvalidRequest(f"{manifest}: needs the columns file and source")
    return {Path(row["file"]).name: row["source"] for row in rows if row.get("split") in (None, "", split)}
