"""Stream: the newest frame wins, and ages are kept to the end."""

import asyncio
import dataclasses
import threading
from collections.abc import AsyncIterator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from server.domain.detection import Detection, DetectionResult, Detections, DetectOptions
from server.domain.frame import Frame
from server.domain.live import AnnotatedFrame, LiveResult, StreamOptions
from server.domain.model import ModelInfo
from server.inference.pool import DetectorPool
from server.pipeline.stats import LiveTotals
from server.pipeline.stream import STALLED_AFTER_S, Stream, StreamTuning
from tests.builders import ListSink, ListSource, make_detections, make_frame, make_options, make_result


class GatedDetector:
    """A detector that works on a frame only when the test lets it; its one detection has the frame's index as left edge."""

    info = ModelInfo("gated", ("firearm",), 0.4, 0.7, 320, "f32", ("test", "0"))

    def __init__(self, *, open_gate: bool = True, fails_on: Sequence[int] = ()) -> None:
        self.gate = threading.Event()
        self.options: list[DetectOptions] = []
        self._fails_on = fails_on
        if open_gate:
            self.gate.set()

    def create_request(self) -> "GatedDetector":
        """All workers share the gate."""
        return self

    def detect(self, frame: Frame, options: DetectOptions) -> DetectionResult:
        """Waits for the gate."""
        assert self.gate.wait(10)
        self.options.append(options)
        if frame.index in self._fails_on:
            raise RuntimeError("broken on purpose")
        # So slow by its own account that waiting for a thread of a busy machine is no sign of pressure.
        return make_result(make_detections([(frame.index, 0, frame.index + 9, 9)]), inference_ms=10_000)


class PlainTracker:
    """A tracker that passes everything on, and notes when the size of frames changes."""

    def __init__(self) -> None:
        self.resized: list[tuple[tuple[int, int], tuple[int, int]]] = []

    def resize(self, before: tuple[int, int], after: tuple[int, int]) -> None:
        """Notes both sizes."""
        self.resized.append((before, after))

    def update(self, detections: Detections, *, confidence: float, time_s: float) -> list[Detection]:
        """The detections as they are, from the wanted confidence on."""
        del time_s
        return [detection for detection in detections if detection.confidence >= confidence]


class NotingAnnotator:
    """An annotator that notes what it was asked to draw instead of drawing it."""

    def __init__(self) -> None:
        self.calls: list[tuple[int, int, bool]] = []

    def annotate(
        self, frame: Frame, detections: Sequence[Detection], *, view_height_px: int | None = None, faded: bool = False
    ) -> Frame:
        """Notes the frame, the frame that the boxes come from, and whether they are faded."""
        del view_height_px
        self.calls.append((frame.index, int(detections[0].xyxy[0]), faded))
        return frame


class QueueSource:
    """A source that is fed by the test."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[Frame | None] = asyncio.Queue()
        self.lost = 0

    async def frames(self) -> AsyncIterator[Frame]:
        """Yields what is put, until None."""
        while (frame := await self.queue.get()) is not None:
            yield frame


@pytest.fixture
def renderer() -> Iterator[ThreadPoolExecutor]:
    """A thread that draws."""
    with ThreadPoolExecutor(1) as executor:
        yield executor


@pytest.fixture
def annotator() -> NotingAnnotator:
    """What was drawn."""
    return NotingAnnotator()


class Rig:
    """A stream on a real pool, its sinks, and a clock that stands still until the test moves it."""

    def __init__(
        self, detector: GatedDetector, *, annotator: NotingAnnotator, renderer: ThreadPoolExecutor, may_slow: bool = True
    ) -> None:
        self.now_s = 100.0
        self.pool = DetectorPool(detector, workers=1)
        self.totals = LiveTotals()
        self.tracker = PlainTracker()
        self.results, self.pictures = ListSink(), ListSink()
        self.stream = Stream(
            id="s",
            name="test",
            pool=self.pool,
            tracker=self.tracker,
            annotator=annotator,
            options=make_options(),
            renderer=renderer,
            totals=self.totals,
            tuning=StreamTuning(may_slow=may_slow),
            clock=lambda: self.now_s,
        )
        self.stream.results.subscribe(self.results)
        self.stream.pictures.subscribe(self.pictures)

    @property
    def processed(self) -> list[int]:
        """Indices of the frames that were detected."""
        return [item.frame.index for item in self.results.items if isinstance(item, LiveResult)]

    @property
    def shown(self) -> list[int]:
        """Indices of the frames that were published as pictures."""
        return [item.frame.index for item in self.pictures.items if isinstance(item, AnnotatedFrame)]


async def _until(condition: object) -> None:
    """Waits until a condition holds, 5 s at most."""
    assert callable(condition)
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 - what is waited for happens in threads and has no event
            await asyncio.sleep(0.002)


@pytest.fixture
def detector() -> GatedDetector:
    """An open detector."""
    return GatedDetector()


@pytest.fixture
def rig(detector: GatedDetector, annotator: NotingAnnotator, renderer: ThreadPoolExecutor) -> Iterator[Rig]:
    """A rig whose pool ends with the test."""
    made = Rig(detector, annotator=annotator, renderer=renderer)
    yield made
    detector.gate.set()
    made.pool.close()


async def test_frames_in_come_out_as_results_and_pictures(rig: Rig) -> None:
    """A frame is detected, tracked, drawn and published, and the stream ends with its source."""
    await rig.stream.run(ListSource([make_frame(index=7)]))
    assert rig.processed == [7]
    assert rig.shown == [7]


async def test_only_the_newest_waiting_frame_is_detected(rig: Rig, detector: GatedDetector) -> None:
    """While the detector is busy with one frame, all but the newest of those that arrive are dropped and counted."""
    detector.gate.clear()
    source = QueueSource()
    running = asyncio.create_task(rig.stream.run(source))
    source.queue.put_nowait(make_frame(index=0))
    await _until(lambda: rig.pool.stats().busy == 1)
    for index in range(1, 6):
        source.queue.put_nowait(make_frame(index=index))
    await _until(lambda: rig.stream.stats().received == 6)
    detector.gate.set()
    source.queue.put_nowait(None)
    await running
    assert rig.processed == [0, 5]
    stats = rig.stream.stats()
    assert (stats.received, stats.dropped, stats.processed) == (6, 4, 2)


async def test_smooth_shows_frames_while_the_detector_is_busy(
    rig: Rig, detector: GatedDetector, annotator: NotingAnnotator
) -> None:
    """Each newest frame goes out with the newest boxes there are, and carries the receipt time of those."""
    source = QueueSource()
    running = asyncio.create_task(rig.stream.run(source))
    source.queue.put_nowait(make_frame(index=1, received_at=10.0))
    await _until(lambda: rig.processed == [1])
    detector.gate.clear()
    for index in (2, 3, 4):
        source.queue.put_nowait(make_frame(index=index, received_at=10.0 + index / 100))
        await _until(lambda index=index: rig.shown[-1] == index)
    detector.gate.set()
    source.queue.put_nowait(None)
    await running
    assert (3, 1, False) in annotator.calls
    assert isinstance(rig.pictures.items[2], AnnotatedFrame)
    assert rig.pictures.items[2].boxes_received_at == 10.0


async def test_exact_shows_frames_with_their_own_boxes_only(
    rig: Rig, detector: GatedDetector, annotator: NotingAnnotator
) -> None:
    """Frames that were not detected are not shown."""
    rig.stream.configure(make_options(exact=True))
    detector.gate.clear()
    source = QueueSource()
    running = asyncio.create_task(rig.stream.run(source))
    for index in range(4):
        source.queue.put_nowait(make_frame(index=index))
        await _until(lambda index=index: rig.stream.stats().received == index + 1)
    detector.gate.set()
    await _until(lambda: len(rig.processed) == 2)
    source.queue.put_nowait(None)
    await running
    assert rig.shown == rig.processed == [0, 3]
    assert [(frame, boxes) for frame, boxes, _ in annotator.calls] == [(0, 0), (3, 3)]


async def test_pictures_never_go_back_in_time(rig: Rig, detector: GatedDetector) -> None:
    """A frame whose detection ends after newer frames were shown is not shown any more."""
    detector.gate.clear()
    source = QueueSource()
    running = asyncio.create_task(rig.stream.run(source))
    for index in (1, 2, 3):
        source.queue.put_nowait(make_frame(index=index))
        await _until(lambda index=index: rig.shown[-1:] == [index])
    rig.stream.configure(make_options(exact=True))
    detector.gate.set()
    await _until(lambda: rig.processed == [1, 3])
    source.queue.put_nowait(make_frame(index=4))
    await _until(lambda: rig.shown[-1] == 4)
    source.queue.put_nowait(None)
    await running
    assert rig.shown == [1, 2, 3, 4]


@pytest.mark.parametrize(("age_s", "drawn"), [(0.1, (2, 1, False)), (0.5, (2, 1, True)), (1.5, None)])
async def test_old_boxes_fade_and_then_go(
    rig: Rig, detector: GatedDetector, annotator: NotingAnnotator, age_s: float, drawn: tuple[int, int, bool] | None
) -> None:
    """Boxes over 200 ms older than their picture are drawn faded, over a second older not at all."""
    source = QueueSource()
    running = asyncio.create_task(rig.stream.run(source))
    source.queue.put_nowait(make_frame(index=1, received_at=10.0))
    await _until(lambda: rig.processed == [1])
    detector.gate.clear()
    annotator.calls.clear()
    source.queue.put_nowait(make_frame(index=2, received_at=10.0 + age_s))
    await _until(lambda: rig.shown[-1] == 2)
    assert annotator.calls == ([] if drawn is None else [drawn])
    detector.gate.set()
    source.queue.put_nowait(None)
    await running


async def test_controls_act_on_the_next_frame(rig: Rig, detector: GatedDetector, annotator: NotingAnnotator) -> None:
    """Confidence and classes reach tracker and detector, and pictures can go out without boxes."""
    rig.stream.configure(StreamOptions(confidence=0.95, classes=frozenset({0}), annotate=False))
    await rig.stream.run(ListSource([make_frame(index=1)]))
    (result,) = rig.results.items
    assert isinstance(result, LiveResult)
    assert result.detections == ()
    assert detector.options[0].classes == frozenset({0})
    assert annotator.calls == []
    assert rig.shown == [1]


async def test_weak_detections_are_asked_for_to_follow_objects(rig: Rig, detector: GatedDetector) -> None:
    """The detector is asked below the viewer's confidence, for the tracker; never above it."""
    rig.stream.configure(make_options(confidence=0.6))
    await rig.stream.run(ListSource([make_frame(index=1)]))
    rig.stream.configure(make_options(confidence=0.02))
    assert detector.options[0].confidence == 0.1


@pytest.mark.parametrize("detector", [GatedDetector(fails_on=[1])], ids=["fails on frame 1"])
async def test_a_failing_frame_does_not_end_the_stream(rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
    """The detector's failure is counted, told of by the pool alone, and the next frame is detected."""
    source = QueueSource()
    running = asyncio.create_task(rig.stream.run(source))
    source.queue.put_nowait(make_frame(index=1))
    await _until(lambda: rig.stream.stats().failed == 1)
    source.queue.put_nowait(make_frame(index=2))
    source.queue.put_nowait(None)
    await running
    assert rig.processed == [2]
    assert [record.name for record in caplog.records] == ["server.inference.pool"]


async def test_a_detector_that_stalls_does_not_freeze_the_pictures(rig: Rig, detector: GatedDetector) -> None:
    """While the processor is short they follow the detector, but not one that gives nothing."""
    source = QueueSource()
    running = asyncio.create_task(rig.stream.run(source))
    source.queue.put_nowait(make_frame(index=1))
    await _until(lambda: rig.processed == [1] and rig.shown == [1])
    assert not rig.stream.stats().slowed
    rig.stream._pressure.record_draw(10_000)
    assert rig.stream.stats().slowed
    detector.gate.clear()
    source.queue.put_nowait(make_frame(index=2))
    await _until(lambda: rig.stream.received == 2)
    assert rig.shown == [1]
    rig.now_s += STALLED_AFTER_S + 0.1
    assert not rig.stream.stats().slowed
    source.queue.put_nowait(make_frame(index=3))
    await _until(lambda: rig.shown == [1, 3])
    detector.gate.set()
    source.queue.put_nowait(None)
    await running


async def test_cancelling_ends_a_stream_at_once(rig: Rig, detector: GatedDetector) -> None:
    """A stream whose detector hangs can be ended, and is no longer counted as running."""
    detector.gate.clear()
    source = QueueSource()
    running = asyncio.create_task(rig.stream.run(source))
    source.queue.put_nowait(make_frame())
    await _until(lambda: rig.pool.stats().busy == 1)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert rig.totals.stats().received == 1


async def test_boxes_of_another_size_are_not_drawn(rig: Rig, detector: GatedDetector, annotator: NotingAnnotator) -> None:
    """A phone is turned: until the first upright picture is detected there are pictures without boxes."""
    source = QueueSource()
    running = asyncio.create_task(rig.stream.run(source))
    source.queue.put_nowait(make_frame(index=1))
    await _until(lambda: rig.processed == [1] and rig.shown == [1])
    source.queue.put_nowait(make_frame(index=2))
    await _until(lambda: rig.processed == [1, 2] and rig.shown == [1, 2])
    detector.gate.clear()
    drawn = list(annotator.calls)
    source.queue.put_nowait(make_frame(index=3, width=48, height=64))
    await _until(lambda: rig.shown == [1, 2, 3])
    assert annotator.calls == drawn
    detector.gate.set()
    await _until(lambda: rig.processed == [1, 2, 3])
    source.queue.put_nowait(make_frame(index=4, width=48, height=64))
    await _until(lambda: rig.shown == [1, 2, 3, 4])
    assert annotator.calls[-1] == (4, 3, False)
    assert rig.tracker.resized == [((48, 64), (64, 48))]
    source.queue.put_nowait(None)
    await running


async def test_nobody_looking_means_nothing_is_drawn(rig: Rig, annotator: NotingAnnotator) -> None:
    """Without a picture sink frames are detected but not drawn."""
    rig.stream.pictures.unsubscribe(rig.pictures)
    await rig.stream.run(ListSource([make_frame(index=1)]))
    assert rig.processed == [1]
    assert annotator.calls == []


async def test_the_model_s_overlap_limit_holds_for_live_frames(rig: Rig, detector: GatedDetector) -> None:
    """The detector is asked with the `iou` that the model was loaded with."""
    detector.info = dataclasses.replace(detector.info, iou=0.3)
    await rig.stream.run(ListSource([make_frame()]))
    assert detector.options[0].iou == 0.3


async def test_frames_that_the_source_lost_are_counted(rig: Rig) -> None:
    """A frame that never came past the source was received and dropped."""
    source = ListSource([make_frame(index=3)])
    source.lost = 3
    await rig.stream.run(source)
    stats = rig.stream.stats()
    assert (stats.received, stats.dropped, stats.processed) == (4, 3, 1)
    assert (rig.stream.received, rig.stream.dropped) == (4, 3)
    assert rig.totals.stats().dropped == 3


async def test_pictures_without_boxes_name_no_frame_of_theirs(rig: Rig) -> None:
    """Where boxes are not wanted, nothing is said of the frame that they would come from."""
    rig.stream.configure(make_options(annotate=False))
    source = QueueSource()
    running = asyncio.create_task(rig.stream.run(source))
    source.queue.put_nowait(make_frame(index=1, received_at=10.0))
    await _until(lambda: rig.processed == [1])
    source.queue.put_nowait(make_frame(index=2, received_at=10.1))
    await _until(lambda: rig.shown[-1] == 2)
    source.queue.put_nowait(None)
    await running
    assert [picture.boxes_received_at for picture in rig.pictures.items if isinstance(picture, AnnotatedFrame)] == [None, None]


async def test_boxes_that_are_too_old_to_show_have_no_age(rig: Rig, detector: GatedDetector) -> None:
    """A picture whose boxes are hidden for their age says nothing of where they come from."""
    source = QueueSource()
    running = asyncio.create_task(rig.stream.run(source))
    source.queue.put_nowait(make_frame(index=1, received_at=10.0))
    await _until(lambda: rig.processed == [1])
    detector.gate.clear()
    source.queue.put_nowait(make_frame(index=2, received_at=11.5))
    await _until(lambda: rig.shown[-1] == 2)
    detector.gate.set()
    source.queue.put_nowait(None)
    await running
    newest = rig.pictures.items[-1]
    assert isinstance(newest, AnnotatedFrame)
    assert newest.boxes_received_at is None


async def test_a_stream_that_may_not_slow_shows_every_picture(
    detector: GatedDetector, annotator: NotingAnnotator, renderer: ThreadPoolExecutor
) -> None:
    """Whatever the pressure, the newest picture is shown while the detector works on an older one."""
    rig = Rig(detector, annotator=annotator, renderer=renderer, may_slow=False)
    source = QueueSource()
    running = asyncio.create_task(rig.stream.run(source))
    source.queue.put_nowait(make_frame(index=1))
    await _until(lambda: rig.processed == [1] and rig.shown == [1])
    rig.stream._pressure.record_draw(10_000)
    detector.gate.clear()
    source.queue.put_nowait(make_frame(index=2))
    await _until(lambda: rig.shown == [1, 2])
    assert not rig.stream.stats().slowed
    detector.gate.set()
    source.queue.put_nowait(None)
    await running
    rig.pool.close()
