"""A stream: the running line of one live source, where the newest frame wins."""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass

from server.domain.detection import Detection, DetectionResult, DetectOptions
from server.domain.errors import DetectorFailed
from server.domain.frame import Frame
from server.domain.live import AnnotatedFrame, LiveResult, StreamOptions
from server.domain.protocols import Annotator, Source, Tracker
from server.inference.pool import DetectorPool
from server.pipeline.broadcast import Broadcast
from server.pipeline.freshness import FreshnessMeter
from server.pipeline.pressure import Pressure
from server.pipeline.rate import RateMeter
from server.pipeline.slot import LatestSlot
from server.pipeline.stats import LiveTotals, StreamStats

# Detections from here on are asked for whatever the viewer's confidence: they help the tracker to follow what was seen
# before (ByteTrack's second association), and are not shown.
WEAK_CONFIDENCE = 0.1
FADE_AFTER_S = 0.2
# A box whose result is older than this says nothing about the picture any more.
HIDE_AFTER_S = 1.0
# A detector that gives nothing for so long fails or hangs: pictures without boxes are better than none.
STALLED_AFTER_S = 3.0


@dataclass(frozen=True, slots=True)
class StreamTuning:
    """What a stream gives up where the processor is short.

    `input_size` tells the longest side of the detector's input for the next frame in pixels, None for the model's own. Unless
    it `may_slow`, all pictures of the input are shown, however old their boxes.
    """

    input_size: Callable[[], int | None] = lambda: None
    may_slow: bool = True


class Stream:
    """Takes the frames of one source and publishes what is found in them, and the annotated pictures.

    At most one detection is under way, and at most one drawing: whatever arrives meanwhile replaces what waits. `results` get
    every processed frame, `pictures` every annotated one. `meter` is that of whoever feeds the stream, `viewing` that of all
    other viewers together. `renderer` runs tracking and drawing. Everything else runs on the event loop.
    """

    def __init__(
        self,
        *,
        id: str,  # noqa: A002 - the field's name in the contract
        name: str,
        pool: DetectorPool,
        tracker: Tracker,
        annotator: Annotator,
        options: StreamOptions,
        renderer: Executor,
        totals: LiveTotals | None = None,
        tuning: StreamTuning | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.id = id
        self.name = name
        self.options = options
        self.meter = FreshnessMeter()
        self.viewing = FreshnessMeter()
        self.results: Broadcast[LiveResult] = Broadcast()
        self.pictures: Broadcast[AnnotatedFrame] = Broadcast()
        self._pool = pool
        self._tracker = tracker
        self._annotator = annotator
        self._renderer = renderer
        self._totals = totals or LiveTotals()
        self._tuning = tuning or StreamTuning()
        self._clock = clock
        self._to_detect: LatestSlot[Frame] = LatestSlot()
        self._to_draw: LatestSlot[_Drawing] = LatestSlot()
        self._pressure = Pressure()
        self._source: Source | None = None
        self._received = RateMeter()
        self._processed = RateMeter()
        self._failed = 0
        self._answered_s = float("-inf")
        self._newest: LiveResult | None = None
        self._shape: tuple[int, int] | None = None
        self._tracked_shape: tuple[int, int] | None = None
        self._last_shown = -1

    def configure(self, options: StreamOptions) -> None:
        """Sets what is shown from the next frame on."""
        self.options = options

    async def run(self, source: Source) -> None:
        """Runs until the source ends; cancelling it ends the stream at once."""
        self._source = source
        with self._totals.counting(self):
            await self._run(source)

    async def _run(self, source: Source) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._detect(), name=f"detect {self.id}")
            tasks.create_task(self._draw(), name=f"draw {self.id}")
            async for frame in source.frames():
                self._take(frame)
            self._to_detect.close()
            self._to_draw.close()

    @property
    def received(self) -> int:
        """Frames that arrived since the start, those included that never came past the source."""
        return self._received.count + self._lost

    @property
    def dropped(self) -> int:
        """Frames that newer ones replaced before they were detected."""
        return self._to_detect.dropped + self._lost

    @property
    def _lost(self) -> int:
        return 0 if self._source is None else self._source.lost

    def stats(self) -> StreamStats:
        """A snapshot of the counters."""
        now_s = self._clock()
        return StreamStats(
            received=self.received,
            dropped=self.dropped,
            processed=self._processed.count,
            delivered=self.meter.delivered + self.viewing.delivered,
            failed=self._failed,
            received_fps=self._received.rate_fps(now_s),
            processed_fps=self._processed.rate_fps(now_s),
            detector_ms=self._newest.timing.detector_ms if self._newest else None,
            width=self._shape[1] if self._shape else None,
            height=self._shape[0] if self._shape else None,
            age=self.meter.age.stats(),
            box_age=self.meter.box_age.stats(),
            viewers_age=self.viewing.age.stats(),
            viewers_box_age=self.viewing.box_age.stats(),
            slowed=self._slowed,
        )

    @property
    def _follows_detector(self) -> bool:
        """Whether only frames that were detected are shown; under pressure not while the detector gives nothing."""
        return self.options.exact or self._slowed

    @property
    def _slowed(self) -> bool:
        return self._tuning.may_slow and self._pressure.high and self._clock() - self._answered_s <= STALLED_AFTER_S

    def _take(self, frame: Frame) -> None:
        self._received.record(self._clock())
        self._shape = frame.shape
        self._to_detect.put(frame)
        if not self._follows_detector:
            self._to_draw.put(_Drawing(frame, None, self._clock()))

    async def _detect(self) -> None:
        async for waiting in self._to_detect:
            asked_at_s = self._clock()
            async with self._pool.turns:
                queue_ms = (self._clock() - asked_at_s) * 1000
                # While this stream waited for its turn a newer frame may have come.
                frame = self._to_detect.newest(waiting)
                options = self.options
                wanted = self._detect_options(options)
                try:
                    found = await self._pool.detect(frame, wanted)
                except DetectorFailed:  # the pool has told of it, with the ids of this session
                    self._failed += 1
                    continue
            found = found.after_waiting(queue_ms)
            await self._publish(frame, found=found, options=options, imgsz=wanted.imgsz or self._pool.info.imgsz)

    def _detect_options(self, options: StreamOptions) -> DetectOptions:
        confidence = min(options.confidence, WEAK_CONFIDENCE)
        return DetectOptions(
            confidence=confidence, iou=self._pool.info.iou, classes=options.classes, imgsz=self._tuning.input_size()
        )

    async def _publish(self, frame: Frame, *, found: DetectionResult, options: StreamOptions, imgsz: int) -> None:
        shown = await asyncio.get_running_loop().run_in_executor(self._renderer, self._track, frame, found, options)
        result = LiveResult(frame, shown, found.timing, options, imgsz)
        self._newest = result
        self._answered_s = self._clock()
        self._processed.record(self._clock())
        self._pressure.record_detection(queue_ms=found.timing.queue_ms, detector_ms=found.timing.detector_ms)
        self.results.publish(result)
        if self._follows_detector:
            self._to_draw.put(_Drawing(frame, result, self._clock()))

    def _track(self, frame: Frame, found: DetectionResult, options: StreamOptions) -> tuple[Detection, ...]:
        if self._tracked_shape is not None and self._tracked_shape != frame.shape:
            self._tracker.resize(self._tracked_shape, frame.shape)
        self._tracked_shape = frame.shape
        shown = self._tracker.update(found.detections, confidence=options.confidence, time_s=frame.received_at)
        # The tracker knows no classes that are not wanted any more: what it predicts of them goes at once.
        return tuple(one for one in shown if options.classes is None or one.class_id in options.classes)

    async def _draw(self) -> None:
        async for drawing in self._to_draw:
            # When the output begins to follow the detector, a frame that was detected meanwhile is older than what was shown.
            if not len(self.pictures) or drawing.frame.index <= self._last_shown:
                continue
            self._last_shown = drawing.frame.index
            result = drawing.result or self._newest
            picture = await asyncio.get_running_loop().run_in_executor(self._renderer, self._annotate, drawing.frame, result)
            self._pressure.record_draw((self._clock() - drawing.asked_at_s) * 1000)
            self.pictures.publish(picture)

    def _annotate(self, frame: Frame, result: LiveResult | None) -> AnnotatedFrame:
        options = self.options
        if result is None or not options.annotate or result.frame.shape != frame.shape:
            return AnnotatedFrame(frame, None)
        box_age_s = frame.received_at - result.frame.received_at
        if box_age_s > HIDE_AFTER_S:
            return AnnotatedFrame(frame, None)
        drawn = self._annotator.annotate(
            frame, result.detections, view_height_px=options.view_height_px, faded=box_age_s > FADE_AFTER_S
        )
        return AnnotatedFrame(drawn, result.frame.received_at)


@dataclass(frozen=True, slots=True)
class _Drawing:
    """A frame to draw: with its own result, or with the newest at that time."""

    frame: Frame
    result: LiveResult | None
    asked_at_s: float
