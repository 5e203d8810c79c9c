"""Work: what the process that opens strangers' files does for its order, once it has limited and confined itself."""

import errno
import faulthandler
import os
import shutil
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from server.domain.detection import DetectOptions
from server.domain.errors import DetectorFailed, InvalidRequest, ModelError, TooLarge, Unprocessable, UnsupportedFormat
from server.domain.model import ModelInfo
from server.domain.protocols import Detector
from server.domain.video import VideoProgress
from server.inference.compute import Compute
from server.inference.loader import fingerprint, load_detector
from server.inference.pool import DetectorPool
from server.jobs.messages import (
    WATCHED,
    CheckOrder,
    ClipOrder,
    Clipped,
    Finished,
    ModelOrder,
    Order,
    Probed,
    ProbeOrder,
    Progressed,
    RefusalKind,
    Refused,
    Report,
)
from server.jobs.report_pipe import ReportPipe
from server.jobs.seen import NotingAnnotator, SeenParts
from server.logs import configure_logging
from server.media.clip_writer import write_clip
from server.media.packet_file import read_packets
from server.media.video_probe import probe_video
from server.media.whole_file import sync_to_disk
from server.pipeline.annotator import BoxAnnotator
from server.pipeline.video_line import VideoLine

GIB = 1024**3
# Headers round, and count the last frame or do not.
_HEADER_SPARE = 1.1
_KINDS: dict[type[Exception], RefusalKind] = {
    UnsupportedFormat: "unsupported",
    TooLarge: "too_large",
    Unprocessable: "unprocessable",
}
_FILE_ERRORS = {
    errno.ENOENT: "The uploaded file is gone from the server. Add it again.",
    errno.ENOSPC: "The server has no room for the result. Delete old files, then try again.",
    errno.EFBIG: "Its result is larger than the limit (videos.max_result_bytes).",
}


def work(order: Order, *, temporary: Path | None = None) -> None:
    """Does what the order says, and reports on standard output; returns when the last report is out.

    `temporary` is where libraries put what nobody needs afterwards.
    """
    faulthandler.enable()
    configure_logging(level="warning", json_lines=False)
    pipe = ReportPipe(_take_standard_output(), poster=_poster(order))
    threading.Thread(target=_follow, args=(pipe,), name="server", daemon=True).start()
    answer = _answer(order, pipe)
    if temporary is not None:
        shutil.rmtree(temporary, ignore_errors=True)
    pipe.finish(answer)


def _poster(order: Order) -> Path | None:
    return Path(order.out) / "poster.jpg" if isinstance(order, CheckOrder) else None


def _take_standard_output() -> int:
    """A descriptor of the pipe that only we know: whatever a library prints goes to standard error instead."""
    pipe = os.dup(1)
    os.dup2(2, 1)
    return pipe


def _follow(pipe: ReportPipe) -> None:
    """Ends this process when the server is gone, and notes whether somebody watches."""
    while control := os.read(0, 1):
        pipe.watched = control == WATCHED
    os._exit(1)


def _answer(order: Order, pipe: ReportPipe) -> Report:
    """The last report. What is not foreseen here ends the process with a traceback: the server counts it as a crash."""
    try:
        if isinstance(order, ProbeOrder):
            return _probe(order)
        return _clip(order) if isinstance(order, ClipOrder) else _check(order, pipe)
    except (InvalidRequest, DetectorFailed, ModelError) as exc:
        return Refused(_sentence(exc, order), _KINDS.get(type(exc), "failed"))
    except MemoryError:
        return Refused(f"It needs more than {order.limits.memory_bytes / GIB:.1f} GiB of memory (videos.max_memory_bytes).")
    except OSError as exc:
        if exc.errno not in _FILE_ERRORS:
            raise
        return Refused(_FILE_ERRORS[exc.errno])


def _probe(order: ProbeOrder) -> Probed:
    info = probe_video(Path(order.source))
    return Probed(info.width_px, info.height_px, info.duration_s, info.frames)


def _clip(order: ClipOrder) -> Clipped:
    made = write_clip(read_packets(Path(order.source)), Path(order.out))
    return Clipped(made.first_received_at, made.duration_s)


def _check(order: CheckOrder, pipe: ReportPipe) -> Finished:
    detector = _load(order.model, frame=order.frame)
    info = detector.info
    pool = DetectorPool(detector, workers=order.model.workers)
    options = DetectOptions(order.confidence, iou=info.iou, classes=_classes(order, info))
    seen = SeenParts(info.labels)
    annotator = NotingAnnotator(BoxAnnotator(info.labels), seen)
    line = VideoLine(
        pool=pool,
        options=options,
        annotator=annotator,
        max_pixels=order.max_pixels,
        max_duration_s=order.max_duration_s * _HEADER_SPARE,
    )
    summary = line.run(
        Path(order.source),
        Path(order.out),
        every=order.every,
        name=order.name,
        on_progress=_tell(pipe, seen),
        on_preview=pipe.show,
    )
    _keep(Path(order.out))
    return Finished(summary.frames, summary.detections, len(summary.tracks))


def _keep(results: Path) -> None:
    """Has them outlive a power cut: the records must not call a video done whose files are empty."""
    for file in results.iterdir():
        with suppress(FileNotFoundError):  # the first picture gets its name from another thread
            sync_to_disk(file)
    sync_to_disk(results)
    sync_to_disk(results.parent)


def _load(order: ModelOrder, *, frame: tuple[int, int] | None) -> Detector:
    """The served model, or ModelError when another lies in its place meanwhile."""
    path = Path(order.path)
    other = ModelError(f"{path}: another model lies there than the server was started with; start it again")
    if order.fingerprint not in (None, fingerprint(path)):
        raise other
    detector = load_detector(
        path,
        backend=order.backend,
        compute=Compute(order.precision, threads=order.threads, streams=order.workers, frame=frame),
        confidence=order.confidence,
        iou=order.iou,
        imgsz=order.imgsz,
    )
    if order.labels not in (None, detector.info.labels):
        raise other
    return detector


def _classes(order: CheckOrder, info: ModelInfo) -> frozenset[int] | None:
    try:
        return None if order.classes is None else info.class_ids(list(order.classes))
    except KeyError as exc:
        raise InvalidRequest(f"the model of this server knows no class {exc.args[0]!r}; add the file again") from exc


def _tell(pipe: ReportPipe, seen: SeenParts) -> Callable[[VideoProgress], None]:
    def tell(progress: VideoProgress) -> None:
        pipe.report(Progressed(progress.frames_done, progress.frames, progress.fps, seen.snapshot()))

    return tell


def _sentence(error: Exception, order: Order) -> str:
    """An error as a sentence for a person, who knows the file by another name than ours, and no folder of the server."""
    text = str(error)
    if isinstance(order, CheckOrder):
        text = text.replace(f"{Path(order.model.path).parent}/", "")
    ours, theirs = Path(order.source).name, order.name
    text = theirs + text.removeprefix(ours) if text.startswith(f"{ours} ") else text[:1].upper() + text[1:]
    return text if text.endswith((".", "!", "?")) else f"{text}."
