"""Clip checks: runs every frame of a clip through the detector as a live stream does, and keeps what was detected."""

import hashlib
from collections.abc import Callable, Generator
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path

from server.domain.detection import DetectionResult, Detections, DetectOptions
from server.domain.errors import InvalidRequest
from server.domain.frame import Frame
from server.inference.pool import DetectorPool
from server.media.video_reader import VideoReader
from server.pipeline.read_ahead import ReadAhead
from server.pipeline.stream import WEAK_CONFIDENCE

Submitted = tuple[Frame, "Future[DetectionResult]"]


@dataclass(slots=True, eq=False)
class CheckedClip:
    """A clip with the detections of each frame, those too that only help a tracker; times in seconds from the file's start.

    `distinct_s` is how much of it is unlike what was seen before: a copy, a loop or a frozen picture tells nothing new.
    """

    name: str
    times_s: list[float] = field(default_factory=list)
    detections: list[Detections] = field(default_factory=list)
    distinct: list[bool] = field(default_factory=list)
    width_px: int = 1
    height_px: int = 1

    @property
    def duration_s(self) -> float:
        """How long it plays: the last frame stays as long as the others on average."""
        if len(self.times_s) < 2:
            return 0.0
        return (self.times_s[-1] - self.times_s[0]) * len(self.times_s) / (len(self.times_s) - 1)

    @property
    def distinct_s(self) -> float:
        """How long what was not seen before plays."""
        return self.duration_s * sum(self.distinct) / max(len(self.distinct), 1)


@dataclass(frozen=True, slots=True, eq=False)
class CheckedFrame:
    """A frame, what was detected in it, and whether it is unlike all that were seen before."""

    frame: Frame
    detections: Detections
    distinct: bool


class ClipChecker:
    """Checks clips one after the other, and remembers the pictures so that none counts twice."""

    def __init__(self, pool: DetectorPool, *, imgsz: int, on_checked: Callable[[], None] = lambda: None) -> None:
        self._pool = pool
        self._options = DetectOptions(confidence=WEAK_CONFIDENCE, iou=pool.info.iou, imgsz=imgsz)
        self._on_checked = on_checked
        self._seen: set[bytes] = set()

    def check(self, path: Path) -> CheckedClip:
        """Detects in every frame. Blocks; not on an event loop. Raises InvalidRequest for what is no video, and OSError."""
        clip = CheckedClip(path.name)
        for one in self.frames(path):
            clip.width_px, clip.height_px = one.frame.width, one.frame.height
            clip.times_s.append(one.frame.pts_s)
            clip.detections.append(one.detections)
            clip.distinct.append(one.distinct)
        return clip

    def frames(self, path: Path) -> Generator[CheckedFrame, None, None]:
        """Yields every frame with what was detected in it; raises as `check` does. Blocks."""
        # Each worker has a frame, and the next ones are there when it is done: nothing is dropped, and few pictures are held.
        depth = 2 * self._pool.stats().workers + 2
        try:
            with ReadAhead(self._submitted(path), depth=depth, name="decode") as submitted:
                for frame, answer in submitted:
                    yield self._checked(frame, answer.result().detections)
        except InvalidRequest as exc:
            raise InvalidRequest(f"{path}: {exc}") from exc

    def _submitted(self, path: Path) -> Generator[Submitted, None, None]:
        for timed in VideoReader(path).frames():
            yield timed.frame, self._pool.submit(timed.frame, self._options)

    def _checked(self, frame: Frame, found: Detections) -> CheckedFrame:
        # 64 bits: a hundred hours of frames collide less than once in a hundred thousand evaluations.
        digest = hashlib.blake2b(frame.pixels.data, digest_size=8).digest()
        distinct = digest not in self._seen
        self._seen.add(digest)
        self._on_checked()
        return CheckedFrame(frame, found, distinct)
