"""The line of one video file: every frame is decoded, checked, tracked, drawn and encoded, and all of that at once."""

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

from server.domain.detection import DetectOptions
from server.domain.frame import Frame
from server.domain.protocols import Annotator
from server.domain.video import VideoInfo, VideoProgress, VideoSummary
from server.inference.pool import DetectorPool
from server.media.video_file import MAX_PIXELS
from server.media.video_probe import probe_video
from server.media.whole_file import whole_path
from server.pipeline.result_files import ResultFormat
from server.pipeline.tracker import LOST_AFTER_S, ByteTracker
from server.pipeline.video_results import VideoContext, video_result_files
from server.pipeline.video_run import VideoOrder, VideoRun

ANNOTATED_VIDEO = "annotated.mp4"
# An object must be missing in more than two checked frames before it counts as another one.
_LOST_AFTER_CHECKS = 3


class VideoLine:
    """Checks whole video files on a pool; several lines may share one, each run has its own threads and tracker.

    Decoding, detecting, drawing and encoding overlap; at most twice as many frames as the pool has workers, and two more,
    wait for it, which bounds the memory.
    """

    def __init__(
        self,
        *,
        pool: DetectorPool,
        options: DetectOptions,
        annotator: Annotator,
        encoder_threads: int = 0,
        max_pixels: int = MAX_PIXELS,
        max_duration_s: float | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._pool = pool
        self._options = options
        self._annotator = annotator
        self._encoder_threads = encoder_threads
        self._max_pixels = max_pixels
        self._max_duration_s = max_duration_s
        self._clock = clock

    def run(
        self,
        source: Path,
        out: Path,
        *,
        every: int = 1,
        annotated: bool = True,
        forms: Sequence[ResultFormat] = ("json", "csv"),
        name: str | None = None,
        on_progress: Callable[[VideoProgress], None] | None = None,
        on_preview: Callable[[Frame], None] | None = None,
        stop: threading.Event | None = None,
    ) -> VideoSummary:
        """Checks every frame, or every `every`-th one with the first, and writes `annotated.mp4` and the results into `out`.

        The files appear when they are complete; after `stop` they hold the frames so far, and the results say that they are not
        all. `on_progress` comes at most five times a second and once at the end, `on_preview` gets annotated frames, all of
        them when the video is written, else at most ten a second; neither may block. Blocks until all is done: any thread but
        the event loop. Raises UnsupportedFormat, Unprocessable, TooLarge above `max_pixels` and `max_duration_s`,
        DetectorFailed, OSError, and Stopped when `stop` came before the first frame, and then leaves nothing behind.
        """
        info = probe_video(source)
        context = VideoContext(name or source.name, self._pool.info, self._options.confidence, every, info.fps)
        with ExitStack() as files:
            results = files.enter_context(video_result_files(out, forms=forms, context=context))
            target = files.enter_context(whole_path(out / ANNOTATED_VIDEO)) if annotated else None
            run = VideoRun(
                VideoOrder(source, target, every, info, on_progress, on_preview, stop or threading.Event()),
                pool=self._pool,
                options=self._options,
                annotator=self._annotator,
                tracker=ByteTracker(lost_after_s=_lost_after_s(info, every)),
                results=results,
                encoder_threads=self._encoder_threads,
                max_pixels=self._max_pixels,
                max_duration_s=self._max_duration_s,
                clock=self._clock,
            )
            return run.run()


def _lost_after_s(info: VideoInfo, every: int) -> float:
    """After how long a tracked object is lost: where few frames are checked, later than usual."""
    return max(LOST_AFTER_S, _LOST_AFTER_CHECKS * every / info.fps if info.fps else 0.0)
