"""Measuring a pool: how many frames a second it manages, alone and together."""

import asyncio
import threading

import pytest

from server.domain.detection import DetectionResult, DetectOptions
from server.domain.errors import DetectorFailed
from server.domain.frame import Frame
from server.inference.pool import DetectorPool
from server.inference.throughput import MOST_FRAMES, Throughput, measure
from tests.fakes import FakeDetector, FakeRequest


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
    """It stops by the clock: warming up, a quarter of a second alone and 0.6 s together take under 2 s of 40 ms frames."""
    await _measure(detector, clock=detector)
    assert detector.now_s < 1.2


async def test_measuring_a_quick_detector_takes_few_frames() -> None:
    """It stops by the count, where the clock says nothing."""
    detector = FakeDetector()
    await _measure(detector)
    assert len(detector.options) <= 2 + 2 * (MOST_FRAMES + 2)


async def test_a_detector_that_fails_is_told() -> None:
    """Whoever starts the server learns that the model detects nothing."""
    with pytest.raises(DetectorFailed, match="broken"):
        await _measure(FakeDetector(failure=ValueError("broken")))
