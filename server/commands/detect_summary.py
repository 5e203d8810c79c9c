"""The summary of `sightline detect`: what was checked and found, in a line."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from server.commands.exit_codes import INTERRUPTED, OK, PROBLEMS
from server.domain.video import VideoSummary
from server.pipeline.offline import CheckedFile


@dataclass(slots=True)
class Summary:
    """What came of it so far."""

    pictures: int = 0
    videos: int = 0
    frames: int = 0
    detections: int = 0
    pictures_with_detections: int = 0
    tracks: int = 0
    failed: int = 0
    complete: bool = True
    clock: Callable[[], float] = time.monotonic
    started_s: float = field(init=False)

    def __post_init__(self) -> None:
        """Starts the watch."""
        self.started_s = self.clock()

    def add_picture(self, checked: CheckedFile) -> None:
        """Counts one picture."""
        if checked.result is None:
            self.failed += 1
            return
        self.pictures += 1
        self.detections += len(checked.result.detections)
        self.pictures_with_detections += len(checked.result.detections) > 0

    def add_video(self, video: VideoSummary) -> None:
        """Counts one video."""
        self.videos += 1
        self.frames += video.frames
        self.detections += video.detections
        self.tracks += len(video.tracks)

    @property
    def exit_code(self) -> int:
        """How the command ends."""
        return INTERRUPTED if not self.complete else PROBLEMS if self.failed else OK

    def text(self, results: Path | None) -> str:
        """The line for the person who asked; `results` is None where only videos were asked for, and none was checked."""
        elapsed_s = max(self.clock() - self.started_s, 1e-6)
        checked = self.pictures + self.frames
        of_videos = self.videos > 0 or results is None
        parts = [
            f"{count(self.pictures, 'picture')} checked" if self.pictures or not of_videos else "",
            f"{count(self.videos, 'video')} with {count(self.frames, 'frame')} checked" if of_videos else "",
            "" if results is None else self._found(),
            f"{self.failed} could not be checked" if self.failed else "",
            "" if self.complete else "interrupted, the rest is left out",
            f"{elapsed_s:.1f} s, {checked / elapsed_s:.1f} a second" + ("" if results is None else f": {results}"),
        ]
        return ", ".join(part for part in parts if part)

    def _found(self) -> str:
        found = count(self.detections, "detection")
        if not self.videos:
            return f"{found} in {self.pictures_with_detections} of them"
        in_pictures = f" in {count(self.pictures_with_detections, 'picture')} and" if self.pictures else ""
        return f"{found}{in_pictures} of {count(self.tracks, 'tracked object')}"


def count(number: int, noun: str) -> str:
    """A number with its noun."""
    return f"{number} {noun}{'' if number == 1 else 's'}"
