"""Clip checks: runs every frame of a clip through the detector as a live stream does, and keeps what was detected."""

import asyncio
import hashlib
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from server.domain.detection import Detections, DetectOptions
from server.domain.frame import Frame
from server.inference.pool import DetectorPool
from server.media.clip_frames import clip_frames
from server.pipeline.stream import WEAK_CONFIDENCE


@dataclass(slots=True, eq=False)
class CheckedClip:
    """A clip with the detections of each frame, those too that only help a tracker; times in seconds from its first frame.

    `distinct_s` is how much of it is unlike what was seen before: a copy, a loop or a frozen picture tells nothing new.
    """

    name: str
    times_s: list[float] = field(default_factory=list)
    detections: list[Detections] = field(default_factory=list)
    distinct: list[bool] = field(default_factory=list)

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


class ClipChecker:
    """Checks clips one after the other, and remembers the pictures so that none counts twice."""

    def __init__(self, pool: DetectorPool, *, imgsz: int, on_checked: Callable[[], None] = lambda: None) -> None:
        self._pool = pool
        self._options = DetectOptions(confidence=WEAK_CONFIDENCE, iou=pool.info.iou, imgsz=imgsz)
        self._on_checked = on_checked
        self._seen: set[bytes] = set()

    def check(self, path: Path) -> CheckedClip:
        """Detects in every frame. Blocks; not on an event loop. Raises InvalidRequest for what is no video."""
        return asyncio.run(self._check(path))

    async def _check(self, path: Path) -> CheckedClip:
        clip = CheckedClip(path.name)
        waiting: deque[tuple[Frame, asyncio.Task[Detections]]] = deque()
        # Each worker has one frame, and the next ones wait: it drops nothing, and holds few pictures.
        at_once = 2 * self._pool.stats().workers
        with closing(clip_frames(path)) as frames:
            while (frame := await asyncio.to_thread(_next, frames)) is not None:
                waiting.append((frame, asyncio.create_task(self._detect(frame))))
                if len(waiting) == at_once:
                    self._add(clip, waiting[0][0], found=await waiting[0][1])
                    waiting.popleft()
            for frame, task in waiting:
                self._add(clip, frame, found=await task)
        return clip

    async def _detect(self, frame: Frame) -> Detections:
        return (await self._pool.detect(frame, self._options)).detections

    def _add(self, clip: CheckedClip, frame: Frame, *, found: Detections) -> None:
        # 64 bits: a hundred hours of frames collide less than once in a hundred thousand evaluations.
        digest = hashlib.blake2b(frame.pixels.data, digest_size=8).digest()
        clip.times_s.append(frame.pts_s)
        clip.detections.append(found)
        clip.distinct.append(digest not in self._seen)
        self._seen.add(digest)
        self._on_checked()


def _next(frames: Iterator[Frame]) -> Frame | None:
    return next(frames, None)
