"""One video file on its way through the line: generators on threads of their own, each reading ahead for the next."""

import threading
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from server.domain.detection import Detection, DetectionResult, DetectOptions
from server.domain.errors import Stopped
from server.domain.frame import Frame
from server.domain.protocols import Annotator, Tracker
from server.domain.video import VideoInfo, VideoProgress, VideoSummary
from server.inference.pool import DetectorPool
from server.media.video_reader import TimedFrame, VideoReader
from server.media.video_writer import VideoWriter
from server.pipeline.read_ahead import ReadAhead
from server.pipeline.stream import WEAK_CONFIDENCE
from server.pipeline.track_book import TrackBook
from server.pipeline.video_results import VideoResultWriter

PROGRESS_INTERVAL_S = 0.2
PREVIEW_INTERVAL_S = 0.1
# Drawn frames that wait for the encoder: enough to even out its key frames. One of 4K takes 12 MB.
_DRAWN_AHEAD = 4


@dataclass(frozen=True, slots=True, eq=False)
class VideoOrder:
    """What is to be done: `target` is the annotated video, None where none is wanted; see `VideoLine.run` for the rest."""

    source: Path
    target: Path | None
    every: int
    info: VideoInfo
    on_progress: Callable[[VideoProgress], None] | None
    on_preview: Callable[[Frame], None] | None
    stop: threading.Event


@dataclass(frozen=True, slots=True, eq=False)
class _Submitted:
    """A frame and the detection that is under way; None for one that is not checked."""

    timed: TimedFrame
    answer: "Future[DetectionResult] | None"


@dataclass(frozen=True, slots=True, eq=False)
class _Drawn:
    """A frame and what is to be shown of it, None where nobody looks."""

    timed: TimedFrame
    picture: Frame | None


class VideoRun:
    """One run of one file; `run` may be called once.

    Three threads: one decodes and submits, one takes the results in order, tracks, writes rows and draws, and the caller's
    encodes. Each has its own state, and none shares an `av.VideoFrame` with another.
    """

    def __init__(
        self,
        order: VideoOrder,
        *,
        pool: DetectorPool,
        options: DetectOptions,
        annotator: Annotator,
        tracker: Tracker,
        results: Sequence[VideoResultWriter],
        encoder_threads: int,
        max_pixels: int,
        max_duration_s: float | None,
        clock: Callable[[], float],
    ) -> None:
        self._order = order
        self._pool = pool
        self._options = options
        self._annotator = annotator
        self._tracker = tracker
        self._results = results
        self._encoder_threads = encoder_threads
        self._clock = clock
        self._reader = VideoReader(order.source, max_pixels=max_pixels, max_duration_s=max_duration_s)
        self._book = TrackBook()
        self._checked = self._detections = 0
        self._stopped = False
        self._started_s = clock()
        self._next_progress_s = self._next_preview_s = float("-inf")

    def run(self) -> VideoSummary:
        """Takes the file through the line; see `VideoLine.run`."""
        done, end_s = 0, 0.0
        with ExitStack() as stack:
            writer: VideoWriter | None = None
            drawn = stack.enter_context(ReadAhead(self._drawn(), depth=_DRAWN_AHEAD, name="draw"))
            for one in drawn:
                if self._order.target is not None and one.picture is not None:
                    writer = writer or stack.enter_context(self._open_writer(self._order.target))
                    writer.put(one.picture, pts=one.timed.pts)
                self._preview(one.picture)
                done, end_s = done + 1, one.timed.frame.pts_s
                self._report(done)
            end_s += self._frame_s if done else 0.0
            if writer is not None:
                writer.finish(until_s=end_s if self._stopped else None)
        if self._stopped and not done:
            raise Stopped("stopped before its first frame")
        summary = self._summary(done, duration_s=end_s)
        for results in self._results:
            results.finish(summary)
        self._report(done, last=True)
        return summary

    @property
    def _frame_s(self) -> float:
        """How long a frame is shown, on average."""
        return 1 / float(self._reader.shape.fps) if self._reader.shape else 0.0

    def _submitted(self) -> Generator[_Submitted, None, None]:
        """Decodes, and submits what is to be checked; ends after `stop`."""
        options = replace(self._options, confidence=min(self._options.confidence, WEAK_CONFIDENCE))
        for timed in self._reader.frames():
            if self._order.stop.is_set():
                self._stopped = True
                return
            checked = timed.frame.index % self._order.every == 0
            yield _Submitted(timed, self._pool.submit(timed.frame, options) if checked else None)

    def _drawn(self) -> Generator[_Drawn, None, None]:
        """Takes the results in order, tracks, writes rows, and draws; a frame that is not checked shows the last boxes."""
        shown: Sequence[Detection] = ()
        # Each worker has a frame, and the next ones are there when it is done.
        depth = 2 * self._pool.stats().workers + 2
        with ReadAhead(self._submitted(), depth=depth, name="decode") as submitted:
            for one in submitted:
                if one.answer is not None:
                    shown = self._track(one.timed.frame, one.answer.result())
                yield _Drawn(one.timed, self._draw(one.timed.frame, shown))

    def _track(self, frame: Frame, found: DetectionResult) -> Sequence[Detection]:
        """The objects to show in a checked frame; those that were detected in it go into its rows."""
        shown = self._tracker.update(found.detections, confidence=self._options.confidence, time_s=frame.pts_s)
        detected = [one for one in shown if not one.predicted]
        self._checked += 1
        self._detections += len(detected)
        self._book.add(frame, detected)
        for results in self._results:
            results.add(frame, detected)
        return shown

    def _draw(self, frame: Frame, shown: Sequence[Detection]) -> Frame | None:
        if self._order.target is None:
            now_s = self._clock()
            if self._order.on_preview is None or now_s < self._next_preview_s:
                return None
            self._next_preview_s = now_s + PREVIEW_INTERVAL_S
        return self._annotator.annotate(frame, shown)

    def _open_writer(self, target: Path) -> VideoWriter:
        shape = self._reader.opened_shape
        return VideoWriter(target, shape=shape, sound_from=self._order.source, threads=self._encoder_threads)

    def _preview(self, picture: Frame | None) -> None:
        if picture is not None and self._order.on_preview is not None:
            self._order.on_preview(picture)

    def _report(self, done: int, *, last: bool = False) -> None:
        now_s = self._clock()
        if self._order.on_progress is None or (now_s < self._next_progress_s and not last):
            return
        self._next_progress_s = now_s + PROGRESS_INTERVAL_S
        claimed = self._order.info.frames
        # The header may claim too few; at the end it is known.
        expected = done if last else max(claimed, done) if claimed else None
        self._order.on_progress(VideoProgress(done, expected, done / max(now_s - self._started_s, 1e-6)))

    def _summary(self, frames: int, *, duration_s: float) -> VideoSummary:
        shape = self._reader.shape
        return VideoSummary(
            width_px=shape.width if shape else self._order.info.width_px,
            height_px=shape.height if shape else self._order.info.height_px,
            duration_s=duration_s,
            frames=frames,
            checked=self._checked,
            detections=self._detections,
            seconds=self._clock() - self._started_s,
            tracks=self._book.summaries(),
            complete=not self._stopped,
            skipped=self._reader.skipped,
        )
