"""`sightline detect`: checks pictures in files and folders, and writes what was found."""

import argparse
import asyncio
import os
import signal
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from server.commands.exit_codes import INTERRUPTED, OK, PROBLEMS
from server.commands.progress import Progress
from server.config import Settings
from server.domain.detection import DetectOptions
from server.domain.errors import InvalidRequest
from server.domain.model import ModelInfo
from server.inference.pool import DetectorPool
from server.media.picture_files import FoundPictures, find_pictures
from server.pipeline.annotator import BoxAnnotator
from server.pipeline.offline import CheckedFile, PictureLine
from server.pipeline.result_files import FILE_NAMES, ResultFormat, ResultWriter, result_file
from server.web.configured_model import load_configured_model

ANNOTATED_DIR = "annotated"


@dataclass(frozen=True, slots=True)
class DetectOrder:
    """What is to be checked, and what is to come of it."""

    sources: tuple[str, ...]
    out: Path
    form: ResultFormat
    annotated: bool
    classes: tuple[int | str, ...]
    recursive: bool


@dataclass(slots=True)
class Summary:
    """What came of it."""

    checked: int = 0
    failed: int = 0
    with_detections: int = 0
    detections: int = 0
    complete: bool = True
    started_s: float = field(default_factory=time.monotonic)

    def add(self, checked: CheckedFile) -> None:
        """Counts one picture."""
        if checked.result is None:
            self.failed += 1
            return
        self.checked += 1
        self.detections += len(checked.result.detections)
        self.with_detections += len(checked.result.detections) > 0

    @property
    def exit_code(self) -> int:
        """How the command ends."""
        return INTERRUPTED if not self.complete else PROBLEMS if self.failed else OK

    def text(self, results: Path) -> str:
        """The line for the person who asked."""
        elapsed_s = time.monotonic() - self.started_s
        parts = [
            f"{_count(self.checked, 'picture')} checked",
            f"{_count(self.detections, 'detection')} in {self.with_detections} of them",
            f"{self.failed} could not be checked" if self.failed else "",
            "" if self.complete else "interrupted, the others are left out",
            f"{elapsed_s:.1f} s, {self.checked / max(elapsed_s, 1e-6):.1f} a second: {results}",
        ]
        return ", ".join(part for part in parts if part)


def run(settings: Settings, arguments: argparse.Namespace) -> int:
    """Checks all pictures and returns the exit code; raises InvalidRequest, ModelError and SettingsError."""
    order = DetectOrder(
        sources=tuple(arguments.sources),
        out=Path(arguments.out),
        form=arguments.format,
        annotated=arguments.annotated,
        classes=tuple(name.strip() for name in arguments.classes.split(",") if name.strip()),
        recursive=arguments.recursive,
    )
    found = find_pictures(order.sources, recursive=order.recursive, left_out=order.out)
    try:
        summary = _detect(settings, order, found=found)
    except OSError as exc:
        raise InvalidRequest(f"{exc.filename or order.out}: cannot be written: {exc.strerror or exc}") from exc
    except KeyboardInterrupt:  # the second Ctrl-C: nobody wants to wait
        return INTERRUPTED
    print(summary.text(order.out / FILE_NAMES[order.form]))  # noqa: T201 - the answer to the person at the terminal
    return summary.exit_code


def _detect(settings: Settings, order: DetectOrder, *, found: FoundPictures) -> Summary:
    with ExitStack() as stack:
        pool = DetectorPool(load_configured_model(settings), workers=settings.inference.workers)
        stack.callback(pool.close)
        io = stack.enter_context(ThreadPoolExecutor(max(2, os.cpu_count() or 1), thread_name_prefix="io"))
        line = PictureLine(
            pool=pool,
            annotator=BoxAnnotator(pool.info.labels),
            options=_options(pool.info, order.classes),
            io=io,
            annotated_dir=order.out / ANNOTATED_DIR if order.annotated else None,
            max_pixels=settings.predict.max_pixels,
            # Each worker has one, the next ones are decoded and the last ones drawn meanwhile.
            at_once=2 * settings.inference.workers + 2,
        )
        results = stack.enter_context(result_file(order.out / FILE_NAMES[order.form], form=order.form, model=pool.info))
        return asyncio.run(_check_all(line, found, results=results))


async def _check_all(line: PictureLine, found: FoundPictures, *, results: ResultWriter) -> Summary:
    summary = Summary()
    stop = _stop_on_ctrl_c()
    progress = Progress(len(found.files), stream=sys.stderr)
    if found.videos:
        progress.say(f"sightline: {_count(found.videos, 'video')} left out: videos are not checked yet")
    async for checked in line.run(found.files, stop=stop):
        summary.add(checked)
        await asyncio.to_thread(results.add, checked)
        if checked.error is not None:
            progress.say(f"sightline: {checked.file.path}: {checked.error}")
        progress.advance()
    progress.close()
    summary.complete = progress.done == len(found.files)
    results.finish(complete=summary.complete)
    return summary


def _options(model: ModelInfo, classes: tuple[int | str, ...]) -> DetectOptions:
    try:
        wanted = model.class_ids(list(classes)) if classes else None
    except KeyError as exc:
        known = ", ".join(model.labels[:10]) + (", ..." if len(model.labels) > 10 else "")
        raise InvalidRequest(f"--classes: the model knows no class {exc.args[0]!r}; it knows {known}") from exc
    return DetectOptions(confidence=model.confidence, iou=model.iou, classes=wanted)


def _stop_on_ctrl_c() -> asyncio.Event:
    """An event that the first Ctrl-C or SIGTERM sets; a second one ends the process at once."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def stop_once() -> None:
        stop.set()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop_once)
    return stop


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
