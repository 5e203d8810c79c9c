"""`sightline detect`: checks pictures and videos in files and folders, and writes what was found."""

import argparse
import asyncio
import signal
import threading
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from server.commands.detect_pictures import check_pictures
from server.commands.detect_summary import Summary
from server.commands.detect_videos import check_videos
from server.commands.detect_work import DetectOrder, DetectWork
from server.commands.exit_codes import INTERRUPTED
from server.config.settings import Settings
from server.domain.detection import DetectOptions
from server.domain.errors import InvalidRequest
from server.domain.model import ModelInfo
from server.inference.pool import DetectorPool
from server.media.picture_files import FoundFiles, find_files
from server.media.video_probe import probe_video
from server.pipeline.result_files import FILE_NAMES
from server.web.configured_model import detector_workers, load_configured_model


def run(settings: Settings, arguments: argparse.Namespace) -> int:
    """Checks all pictures and videos and returns the exit code; raises InvalidRequest, ModelError and SettingsError."""
    order = DetectOrder(
        sources=tuple(arguments.sources),
        out=Path(arguments.out),
        form=arguments.format,
        annotated=arguments.annotated,
        classes=tuple(name.strip() for name in arguments.classes.split(",") if name.strip()),
        recursive=arguments.recursive,
        every=arguments.every,
    )
    found = find_files(order.sources, recursive=order.recursive, left_out=order.out)
    try:
        summary = _detect(settings, order, found=found)
    except OSError as exc:
        raise InvalidRequest(f"{exc.filename or order.out}: cannot be written: {exc.strerror or exc}") from exc
    except KeyboardInterrupt:  # the second Ctrl-C: nobody wants to wait
        return INTERRUPTED
    print(summary.text(_results(order, found, summary)))  # noqa: T201 - the answer to the person at the terminal
    return summary.exit_code


def _results(order: DetectOrder, found: FoundFiles, summary: Summary) -> Path | None:
    """Where results were written; None where no picture was asked for and no video was checked."""
    if summary.videos:
        return order.out
    return order.out / FILE_NAMES[order.form] if found.pictures else None


def _detect(settings: Settings, order: DetectOrder, *, found: FoundFiles) -> Summary:
    with ExitStack() as stack:
        workers = detector_workers(settings)
        detector = load_configured_model(settings, streams=workers, frame=_only_size(found))
        pool = DetectorPool(detector, workers=workers)
        stack.callback(pool.close)
        work = DetectWork(order, pool, _options(pool.info, order.classes), settings)
        return asyncio.run(_check_all(work, found))


def _only_size(found: FoundFiles) -> tuple[int, int] | None:
    """Width and height of all frames, where one video is all there is; what is wrong with it is told when it is checked."""
    if found.pictures or len(found.videos) != 1:
        return None
    try:
        video = probe_video(found.videos[0].path)
    except (InvalidRequest, OSError):
        return None
    return video.width_px, video.height_px


async def _check_all(work: DetectWork, found: FoundFiles) -> Summary:
    """The pictures, then the videos."""
    summary, stop = Summary(), _stop_on_ctrl_c()
    if found.pictures:
        await check_pictures(work, found.pictures, summary=summary, stop=stop.for_tasks)
    if found.videos:
        await asyncio.to_thread(check_videos, work, found.videos, summary=summary, stop=stop.for_threads)
    return summary


def _options(model: ModelInfo, classes: tuple[int | str, ...]) -> DetectOptions:
    try:
        wanted = model.class_ids(list(classes)) if classes else None
    except KeyError as exc:
        known = ", ".join(model.labels[:10]) + (", ..." if len(model.labels) > 10 else "")
        raise InvalidRequest(f"--classes: the model knows no class {exc.args[0]!r}; it knows {known}") from exc
    return DetectOptions(confidence=model.confidence, iou=model.iou, classes=wanted)


@dataclass(frozen=True, slots=True)
class _Stop:
    """One wish to stop, for both kinds of work."""

    for_tasks: asyncio.Event
    for_threads: threading.Event


def _stop_on_ctrl_c() -> _Stop:
    """What the first Ctrl-C or SIGTERM sets; a second one ends the process."""
    stop = _Stop(asyncio.Event(), threading.Event())
    loop = asyncio.get_running_loop()

    def stop_once() -> None:
        stop.for_tasks.set()
        stop.for_threads.set()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop_once)
    return stop
