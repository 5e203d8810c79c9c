"""Result files of one video, as JSON, CSV or COCO: written row by row, so that an hour of video takes no memory."""

import csv
import io
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

import msgspec

from server.domain.detection import Detection
from server.domain.frame import Frame
from server.domain.model import ModelInfo
from server.domain.video import TrackSummary, VideoSummary
from server.media.whole_file import whole_file
from server.pipeline.result_files import FILE_NAMES, ResultFormat, class_name, coco_annotation, result_fields
from server.resources import version

VIDEO_CSV_COLUMNS = ("frame", "time_s", "track_id", "class", "name", "confidence", "x1", "y1", "x2", "y2")


@dataclass(frozen=True, slots=True)
class VideoContext:
    """What a result file says of how it came to be; `confidence` is the one asked for."""

    source: str
    model: ModelInfo
    confidence: float
    every: int
    fps: float | None


class VideoResultWriter(Protocol):
    """Writes one form of a video's results; one thread at a time."""

    def add(self, frame: Frame, detections: Sequence[Detection]) -> None:
        """Writes what was detected in a checked frame, nothing included."""

    def finish(self, summary: VideoSummary) -> None:
        """Writes the end."""


@contextmanager
def video_result_files(
    folder: Path, *, forms: Sequence[ResultFormat], context: VideoContext
) -> Iterator[Sequence[VideoResultWriter]]:
    """A writer for each form, whose files appear in `folder` when the block ends, and not when it raises. Blocks; OSError."""
    makers: dict[ResultFormat, Callable[[BinaryIO, VideoContext], VideoResultWriter]] = {
        "json": JsonVideoResults,
        "csv": CsvVideoResults,
        "coco": CocoVideoResults,
    }
    with ExitStack() as files:
        yield [makers[form](files.enter_context(whole_file(folder / FILE_NAMES[form])), context) for form in forms]


class JsonVideoResults:
    """One object: `source`, `model`, `every`, a row for each checked frame under `frames`, `tracks`, `video`, `complete`."""

    def __init__(self, file: BinaryIO, context: VideoContext) -> None:
        self._file = file
        self._context = context
        self._separator = b"\n"
        model = context.model
        head = {
            "version": version(),
            "source": context.source,
            "model": {"name": model.name, "conf": context.confidence, "imgsz": model.imgsz, "precision": model.precision},
            "every": context.every,
        }
        file.write(msgspec.json.encode(head).removesuffix(b"}") + b',"frames":[')

    def add(self, frame: Frame, detections: Sequence[Detection]) -> None:
        """Writes one row."""
        results = [{**result_fields(one, self._context.model), "track_id": one.track_id} for one in detections]
        row = {"frame": frame.index, "time_s": round(frame.pts_s, 4), "results": results}
        self._file.write(self._separator + msgspec.json.encode(row))
        self._separator = b",\n"

    def finish(self, summary: VideoSummary) -> None:
        """Writes the objects, the video, and whether it is all of it."""
        fps = self._context.fps
        tail = {
            "tracks": [_track(one, self._context.model) for one in summary.tracks],
            "video": {
                "width": summary.width_px,
                "height": summary.height_px,
                "fps": None if fps is None else round(fps, 4),
                "duration_s": round(summary.duration_s, 4),
                "frames": summary.frames,
                "skipped": summary.skipped,
            },
            "complete": summary.complete,
        }
        self._file.write(b"\n]," + msgspec.json.encode(tail).removeprefix(b"{") + b"\n")


class CsvVideoResults:
    """One line a detection, with VIDEO_CSV_COLUMNS above (RFC 4180); frames without one have no line."""

    def __init__(self, file: BinaryIO, context: VideoContext) -> None:
        self._file = file
        self._context = context
        self._write_line(VIDEO_CSV_COLUMNS)

    def add(self, frame: Frame, detections: Sequence[Detection]) -> None:
        """Writes the lines of one frame."""
        for one in detections:
            sides = (round(side, 1) for side in one.xyxy)
            name = class_name(one, self._context.model)
            track_id = "" if one.track_id is None else one.track_id
            at = (frame.index, round(frame.pts_s, 4), track_id)
            self._write_line((*at, one.class_id, name, round(one.confidence, 4), *sides))

    def finish(self, summary: VideoSummary) -> None:
        """Nothing: a table has no end."""

    def _write_line(self, fields: tuple[object, ...]) -> None:
        line = io.StringIO(newline="")
        csv.writer(line).writerow(fields)
        self._file.write(line.getvalue().encode())


class CocoVideoResults:
    """A COCO file with `videos`, one of its `images` for each checked frame, and `track_id` in its `annotations`.

    As in COCO's descendants for video (TAO, LVIS-VIS): images have a `video_id` and a `frame_id`. Ids count from 1.
    """

    def __init__(self, file: BinaryIO, context: VideoContext) -> None:
        self._file = file
        self._context = context
        self._images = self._annotations = 0
        # JSON has one list after the other; the second waits in a file of its own, which goes with the process.
        self._waiting = tempfile.TemporaryFile()  # noqa: SIM115 - closed by finish
        file.write(b'{"images":[')

    def add(self, frame: Frame, detections: Sequence[Detection]) -> None:
        """Writes one image, and keeps its annotations."""
        name = f"{self._context.source}/{frame.index:08}"
        size = {"width": frame.width, "height": frame.height}
        image = {"id": frame.index + 1, "file_name": name, **size, "video_id": 1, "frame_id": frame.index}
        self._file.write((b",\n" if self._images else b"\n") + msgspec.json.encode(image))
        self._images += 1
        for one in detections:
            self._annotations += 1
            annotation = self._annotation(one, image=frame.index + 1)
            self._waiting.write((b",\n" if self._annotations > 1 else b"\n") + msgspec.json.encode(annotation))

    def finish(self, summary: VideoSummary) -> None:
        """Writes the annotations and the rest."""
        model = self._context.model
        self._file.write(b'\n],"annotations":[')
        self._waiting.seek(0)
        shutil.copyfileobj(self._waiting, self._file)
        self._waiting.close()
        video = {"id": 1, "name": self._context.source, "width": summary.width_px, "height": summary.height_px}
        description = f"Detections of {model.name}"
        tail = {
            "info": {
                "description": description,
                "version": version(),
                "complete": summary.complete,
                "every": self._context.every,
            },
            "videos": [{**video, "frames": summary.frames}],
            "categories": [{"id": number + 1, "name": label} for number, label in enumerate(model.labels)],
        }
        self._file.write(b"\n]," + msgspec.json.encode(tail).removeprefix(b"{") + b"\n")

    def _annotation(self, one: Detection, *, image: int) -> dict[str, object]:
        return {
            **coco_annotation(one, image=image, number=self._annotations),
            "video_id": 1,
            "track_id": one.track_id,
        }


def _track(one: TrackSummary, model: ModelInfo) -> dict[str, object]:
    shown = Detection(one.box, one.best_confidence, one.class_id)
    fields = result_fields(shown, model)
    return {
        "track_id": one.track_id,
        "class": fields["class"],
        "name": fields["name"],
        "first_s": round(one.first_s, 4),
        "last_s": round(one.last_s, 4),
        "frames": one.frames,
        "best_confidence": fields["confidence"],
        "best_s": round(one.best_s, 4),
        "best_frame": one.best_frame,
        "box": fields["box"],
    }
