"""The videos of `sightline detect`, one after the other."""

import sys
import threading
from collections.abc import Sequence

from server.commands.detect_summary import Summary
from server.commands.detect_work import DetectWork
from server.commands.progress import Progress
from server.domain.errors import DetectorFailed, InvalidRequest, Stopped, Unprocessable
from server.domain.video import VideoProgress, VideoSummary
from server.media.picture_files import PictureFile, without_ending
from server.pipeline.annotator import BoxAnnotator
from server.pipeline.video_line import VideoLine


def check_videos(work: DetectWork, files: Sequence[PictureFile], *, summary: Summary, stop: threading.Event) -> None:
    """Checks them, each into a folder of its own; after `stop` the one under way is ended and no other begun.

    Blocks: any thread but the event loop's. Raises OSError when results cannot be written.
    """
    line = VideoLine(pool=work.pool, options=work.options, annotator=BoxAnnotator(work.pool.info.labels))
    for file in files:
        if stop.is_set():
            summary.complete = False
            return
        _check(line, work, file, summary=summary, stop=stop)


def _check(line: VideoLine, work: DetectWork, file: PictureFile, *, summary: Summary, stop: threading.Event) -> None:
    progress = Progress(None, stream=sys.stderr, title=file.path.name, unit=" frames")

    def show(so_far: VideoProgress) -> None:
        progress.reach(so_far.frames_done, total=so_far.frames)

    order = work.order
    try:
        _check_readable(file)
        video = line.run(
            file.path,
            order.out / without_ending(file.name),
            every=order.every,
            annotated=order.annotated,
            forms=(order.form,),
            on_progress=show,
            stop=stop,
        )
    except Stopped:
        summary.complete = False
        return
    except (InvalidRequest, DetectorFailed) as exc:
        summary.failed += 1
        progress.say(f"sightline: {file.path}: {exc}")
        return
    finally:
        progress.close()
    if video.skipped:
        progress.say(f"sightline: {file.path}: {_damaged(video)}")
    summary.add_video(video)
    summary.complete = summary.complete and video.complete


def _check_readable(file: PictureFile) -> None:
    """Tells trouble with the source from trouble with the results, which ends the command."""
    try:
        file.path.open("rb").close()
    except OSError as exc:
        raise Unprocessable(f"it cannot be read: {exc.strerror or exc}") from exc


def _damaged(video: VideoSummary) -> str:
    packets = "one part is" if video.skipped == 1 else f"{video.skipped} parts are"
    return f"{packets} damaged and left out; {video.frames} frames could be read"
