"""Working stand-ins for parts that are not the point of a test; each passes the contract of what it stands in for."""

import threading
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from server.domain.detection import DetectionResult, Detections, DetectOptions, Timing
from server.domain.frame import Frame, PixelLayout
from server.domain.model import ModelInfo
from server.inference.pool import DetectorPool
from server.inference.throughput import Throughput

RED, BLUE = (0, 0, 255), (255, 0, 0)
"""What the fake detector sees, as BGR colours: red is a firearm at 0.9, blue a person at 0.6."""

FAKE_MODEL = ModelInfo("fake", ("firearm", "person"), 0.4, 0.7, 320, "none", ("fake", "1.0"))


@dataclass
class FakeDetector:
    """A detector that finds the area of one colour, at once.

    `gate` holds up the making of its workers until it is set, as a model does that takes long to load. `failure` is raised in
    place of an answer.
    """

    info: ModelInfo = FAKE_MODEL
    gate: threading.Event | None = None
    load_failure: Exception | None = None
    failure: Exception | None = None
    options: list[DetectOptions] = field(default_factory=list)
    """What was asked, in order."""

    def create_request(self) -> "FakeRequest":
        """Makes the state of one worker."""
        if self.gate is not None:
            self.gate.wait(10)
        if self.load_failure is not None:
            raise self.load_failure
        return FakeRequest(self)


class FakeRequest:
    """One worker of a fake detector."""

    def __init__(self, detector: FakeDetector) -> None:
        self._detector = detector

    def detect(self, frame: Frame, options: DetectOptions) -> DetectionResult:
        """Finds red and blue."""
        self._detector.options.append(options)
        if self._detector.failure is not None:
            raise self._detector.failure
        red, blue = _masks(frame)
        seen = [(mask, confidence, number) for number, (mask, confidence) in enumerate(((red, 0.9), (blue, 0.6))) if mask.any()]
        wanted = [
            (_box(mask), confidence, number)
            for mask, confidence, number in seen
            if confidence >= options.confidence and (options.classes is None or number in options.classes)
        ]
        found = Detections(
            np.array([box for box, _, _ in wanted], np.float32).reshape(-1, 4),
            np.array([confidence for _, confidence, _ in wanted], np.float32),
            np.array([number for _, _, number in wanted], np.int32),
        )
        return DetectionResult(found, Timing(0.0, 0.1, 0.2, 0.1))


class HeldDetector(FakeDetector):
    """A fake detector whose calls wait until a test lets them go on; `entered` counts those that have begun."""

    def __init__(self) -> None:
        super().__init__()
        self.entered = threading.Semaphore(0)
        self.release = threading.Event()

    def create_request(self) -> "HeldRequest":
        """Makes the state of one worker."""
        return HeldRequest(self)


class HeldRequest(FakeRequest):
    """One worker of a held detector."""

    def __init__(self, detector: HeldDetector) -> None:
        super().__init__(detector)
        self._held = detector

    def detect(self, frame: Frame, options: DetectOptions) -> DetectionResult:
        """Waits, then answers."""
        self._held.entered.release()
        self._held.release.wait(10)
        return super().detect(frame, options)


async def room_for_eight(_pool: DetectorPool) -> Throughput:
    """A throughput that eight live streams fit into: timing a fake detector says nothing, and a held one would hold us."""
    return Throughput(frame_ms=20.0, detections_fps=70.0)


def _masks(frame: Frame) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Where the picture is red, and where it is blue."""
    if frame.layout is PixelLayout.I420:
        _, u, v = (plane.repeat(2, 0).repeat(2, 1) if plane.shape[0] < frame.height else plane for plane in frame.planes())
        return v > 200, u > 200
    strong, weak = frame.pixels > 180, frame.pixels < 90
    return strong[..., 2] & weak[..., 0] & weak[..., 1], strong[..., 0] & weak[..., 1] & weak[..., 2]


def _box(mask: npt.NDArray[np.bool_]) -> tuple[int, int, int, int]:
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1
