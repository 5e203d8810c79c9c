"""Measuring a pool: how many frames a second it manages, alone and together."""

import asyncio
import threading

import pytest

from server.domain.detection import DetectionResult, DetectOptions
from server.domain.errors import DetectorFailed, InvalidRequest
from server.domain.frame import Frame
from server.inference.pool import DetectorPool
from server.inference.throughput import MOST_FRAMES, Throughput, measure, smaller_sizes
from tests.fakes import FAKE_MODEL, FakeDetector, FakeRequest


class TickingDetector(FakeDetector):
    """A fake detector whose frames take 40 ms each of its own clock, however many are under way: as on one processor."""

    def __init__(self) -> None:
        super().__init__()
        self.now_s = 0.0
        self.lock = threading.Lock()

    def create_request(self) -> "TickingRequest":
        """Makes the state of one worker."""
        return TickingRequest(self)


class TickingRequest(FakeRequest):
    """One worker of a ticking detector."""

    def __init__(self, detector: TickingDetector) -> None:
        super().__init__(detector)
        self._ticking = detector

    def detect(self, frame: Frame, options: DetectOptions) -> DetectionResult:
        """Takes its time and answers."""
        with self._ticking.lock:
            self._ticking.now_s += 0.04
        return super().detect(frame, options)


@pytest.fixture
def detector() -> TickingDetector:
    """A detector that needs 40 ms for a frame."""
    return TickingDetector()


async def _measure(detector: FakeDetector, *, clock: TickingDetector | None = None) -> Throughput:
    pool = DetectorPool(detector, workers=2)
    try:
        return await (measure(pool, clock=lambda: clock.now_s) if clock else measure(pool))
    finally:
        await asyncio.to_thread(pool.close)


async def test_the_time_of_a_frame_and_the_rate_are_measured(detector: TickingDetector) -> None:
    """40 ms a frame on one processor are 25 detections a second, with however many workers."""
    measured = await _measure(detector, clock=detector)
    assert measured.frame_ms == pytest.approx(40)
    assert measured.detections_fps == pytest.approx(25)


async def test_measuring_a_slow_detector_ends_in_time(detector: TickingDetector) -> None:
    """It stops by the clock: four sizes of 40 ms frames take under 2 s, warming up included."""
    await _measure(detector, clock=detector)
    assert detector.now_s < 2


async def test_measuring_a_quick_detector_takes_few_frames() -> None:
    """It stops by the count, where the clock says nothing."""
    detector = FakeDetector()
    sizes = smaller_sizes(FAKE_MODEL.imgsz)
    await _measure(detector)
    assert len(detector.options) <= (2 + len(sizes)) * (MOST_FRAMES + 4)


async def test_smaller_sizes_are_measured_too(detector: TickingDetector) -> None:
    """Each of them gets a rate of its own, and the detector is really asked for that size."""
    measured = await _measure(detector, clock=detector)
    assert [size.imgsz for size in measured.smaller] == [256, 192, 160] == list(smaller_sizes(320))
    assert all(size.detections_fps == pytest.approx(25) for size in measured.smaller)
    assert {options.imgsz for options in detector.options} == {None, 256, 192, 160}


def test_smaller_sizes_are_those_that_a_model_takes() -> None:
    """Multiples of 32, falling, and nothing so small that it shows nothing."""
    assert smaller_sizes(640) == (512, 416, 320)
    assert smaller_sizes(160) == ()


async def test_a_model_of_one_size_is_measured_at_that() -> None:
    """It was exported for it, and refuses all others."""
    detector = OneSizeDetector()
    measured = await _measure(detector)
    assert measured.smaller == ()
    assert measured.detections_fps > 0


class OneSizeDetector(FakeDetector):
    """A fake detector that was exported for one size."""

    def create_request(self) -> "OneSizeRequest":
        """Makes the state of one worker."""
        return OneSizeRequest(self)


class OneSizeRequest(FakeRequest):
    """One worker of it."""

    def detect(self, frame: Frame, options: DetectOptions) -> DetectionResult:
        """Refuses what is not its size."""
        if options.imgsz is not None:
            raise InvalidRequest("imgsz: this model was exported for 320 only")
        return super().detect(frame, options)


async def test_a_detector_that_fails_is_told() -> None:
    """Whoever starts the server learns that the model detects nothing."""
    with pytest.raises(DetectorFailed, match="broken"):
        await _measure(FakeDetector(failure=ValueError("broken")))
