"""Picture checks: runs labelled pictures through the line that serves pictures, keeping even the weakest detections."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from statistics import median

from server.domain.detection import DetectOptions
from server.inference.pool import DetectorPool
from server.media.picture_files import PictureFile
from server.pipeline.annotator import BoxAnnotator
from server.pipeline.offline import CheckedFile, PictureLine
from server.training.coco_metrics import CheckedPicture
from server.training.labelled_pictures import LabelledPicture

CONFIDENCE_FLOOR = 0.001
"""Average precision needs the weak detections too; Ultralytics' `val` begins at the same confidence."""


@dataclass(frozen=True, slots=True, eq=False)
class PictureChecks:
    """The pictures that could be checked, what was wrong with the others, and the detector's median time of a picture."""

    pictures: list[CheckedPicture]
    problems: list[str]
    detector_ms: float


def check_pictures(
    pool: DetectorPool,
    pictures: Sequence[LabelledPicture],
    *,
    imgsz: int,
    io: Executor,
    max_pixels: int,
    on_checked: Callable[[], None] = lambda: None,
) -> PictureChecks:
    """Detects in all pictures at one input size; `on_checked` is called after each. Blocks; not on an event loop."""
    line = PictureLine(
        pool=pool,
        annotator=BoxAnnotator(pool.info.labels),
        options=DetectOptions(confidence=CONFIDENCE_FLOOR, iou=pool.info.iou, imgsz=imgsz),
        io=io,
        annotated_dir=None,
        max_pixels=max_pixels,
        at_once=2 * pool.stats().workers + 2,
    )
    return asyncio.run(_check(line, pictures, on_checked=on_checked))


async def _check(line: PictureLine, pictures: Sequence[LabelledPicture], *, on_checked: Callable[[], None]) -> PictureChecks:
    files = [PictureFile(one.path, one.name) for one in pictures]
    answers: list[CheckedFile] = []
    async for answer in line.run(files, stop=asyncio.Event()):
        answers.append(answer)
        on_checked()
    both = list(zip(pictures, answers, strict=True))
    good = [(picture, one.shape, one.result) for picture, one in both if one.result is not None and one.shape is not None]
    return PictureChecks(
        pictures=[CheckedPicture(picture, shape, result.detections) for picture, shape, result in good],
        problems=[f"{picture.path}: {one.error}" for picture, one in both if one.error is not None],
        detector_ms=median(result.timing.detector_ms for _, _, result in good) if good else 0.0,
    )
