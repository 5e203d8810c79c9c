"""Result files: what was found in many pictures, as JSON, CSV or COCO, written as it comes."""

import csv
import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Literal, Protocol

import msgspec

from server.domain.detection import Detection
from server.domain.model import ModelInfo
from server.media.whole_file import whole_file
from server.pipeline.offline import CheckedFile
from server.resources import version

ResultFormat = Literal["json", "csv", "coco"]

FILE_NAMES: dict[ResultFormat, str] = {"json": "detections.json", "csv": "detections.csv", "coco": "detections.coco.json"}
CSV_COLUMNS = ("file", "width", "height", "class", "name", "confidence", "x1", "y1", "x2", "y2")


class ResultWriter(Protocol):
    """Writes one form of results; each picture comes once."""

    def add(self, checked: CheckedFile) -> None:
        """Writes what was found in one picture."""

    def finish(self, *, complete: bool) -> None:
        """Writes the end; `complete` tells that no picture is missing."""


@contextmanager
def result_file(path: Path, *, form: ResultFormat, model: ModelInfo) -> Iterator[ResultWriter]:
    """A writer whose file appears at `path` when the block ends, and not when it raises. Blocks; raises OSError."""
    writers: dict[ResultFormat, Callable[[BinaryIO, ModelInfo], ResultWriter]] = {
        "json": JsonResults,
        "csv": CsvResults,
        "coco": CocoResults,
    }
    with whole_file(path) as file:
        yield writers[form](file, model)


class JsonResults:
    """One object: `model`, `pictures` with their results in the form of `/predict`, and `complete`."""

    def __init__(self, file: BinaryIO, model: ModelInfo) -> None:
        self._file = file
        self._model = model
        self._separator = b"\n"
        described = {"name": model.name, "conf": model.confidence, "imgsz": model.imgsz, "precision": model.precision}
        head = msgspec.json.encode({"version": version(), "model": described})
        file.write(head.removesuffix(b"}") + b',"pictures":[')

    def add(self, checked: CheckedFile) -> None:
        """Writes one picture: its results, or its error."""
        self._file.write(self._separator + msgspec.json.encode(self._picture(checked)))
        self._separator = b",\n"

    def finish(self, *, complete: bool) -> None:
        """Writes the end."""
        self._file.write(b'\n],"complete":' + (b"true" if complete else b"false") + b"}\n")

    def _picture(self, checked: CheckedFile) -> dict[str, object]:
        if checked.result is None:
            return {"file": checked.file.name, "error": checked.error}
        timing = checked.result.timing
        return {
            "file": checked.file.name,
            "shape": checked.shape,
            "results": [result_fields(one, self._model) for one in checked.result.detections],
            "speed": {
                "preprocess": round(timing.preprocess_ms, 3),
                "inference": round(timing.inference_ms, 3),
                "postprocess": round(timing.postprocess_ms, 3),
            },
        }


class CsvResults:
    """One line a detection, with CSV_COLUMNS above (RFC 4180); pictures without one have no line."""

    def __init__(self, file: BinaryIO, model: ModelInfo) -> None:
        self._file = file
        self._model = model
        self._write_line(CSV_COLUMNS)

    def add(self, checked: CheckedFile) -> None:
        """Writes the lines of one picture."""
        if checked.result is None or checked.shape is None:
            return
        height, width = checked.shape
        for one in checked.result.detections:
            sides = (round(side, 1) for side in one.xyxy)
            name = class_name(one, self._model)
            self._write_line((checked.file.name, width, height, one.class_id, name, round(one.confidence, 4), *sides))

    def finish(self, *, complete: bool) -> None:
        """Nothing: a table has no end."""

    def _write_line(self, fields: tuple[object, ...]) -> None:
        line = io.StringIO(newline="")
        csv.writer(line).writerow(fields)
        self._file.write(line.getvalue().encode())


class CocoResults:
    """A COCO detection file: images, annotations with a score, categories (https://cocodataset.org/#format-data).

    COCO counts ids from 1, so a category's id is the class id plus 1. Boxes are x, y, width, height.
    """

    def __init__(self, file: BinaryIO, model: ModelInfo) -> None:
        self._file = file
        self._model = model
        self._images: list[dict[str, object]] = []
        self._annotations: list[dict[str, object]] = []

    def add(self, checked: CheckedFile) -> None:
        """Keeps one picture; one that could not be checked is left out."""
        if checked.result is None or checked.shape is None:
            return
        height, width = checked.shape
        image = len(self._images) + 1
        self._images.append({"id": image, "file_name": checked.file.name, "width": width, "height": height})
        for one in checked.result.detections:
            self._annotations.append(coco_annotation(one, image=image, number=len(self._annotations) + 1))

    def finish(self, *, complete: bool) -> None:
        """Writes all of it."""
        document = {
            "info": {"description": f"Detections of {self._model.name}", "version": version(), "complete": complete},
            "images": self._images,
            "annotations": self._annotations,
            "categories": [{"id": number + 1, "name": label} for number, label in enumerate(self._model.labels)],
        }
        self._file.write(msgspec.json.encode(document) + b"\n")


def coco_annotation(one: Detection, *, image: int, number: int) -> dict[str, object]:
    """One annotation of a COCO file; `number` is its own id. Boxes are x, y, width, height."""
    x1, y1, x2, y2 = one.xyxy
    return {
        "id": number,
        "image_id": image,
        "category_id": one.class_id + 1,
        "bbox": [round(side, 1) for side in (x1, y1, x2 - x1, y2 - y1)],
        "area": round((x2 - x1) * (y2 - y1), 1),
        "iscrowd": 0,
        "score": round(one.confidence, 4),
    }


def result_fields(one: Detection, model: ModelInfo) -> dict[str, object]:
    """One detection in the form of `POST /predict`."""
    x1, y1, x2, y2 = (round(side, 1) for side in one.xyxy)
    box = {"x1": x1, "y1": y1, "x2": x2, "y2": y2}
    return {"class": one.class_id, "name": class_name(one, model), "confidence": round(one.confidence, 4), "box": box}


def class_name(one: Detection, model: ModelInfo) -> str:
    """Its label; its number where the model has none for it."""
    return model.labels[one.class_id] if 0 <= one.class_id < len(model.labels) else str(one.class_id)
