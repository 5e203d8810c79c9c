"""Video files: what their headers say, how far a run is, and what came of it."""

from dataclasses import dataclass

from server.domain.detection import Box


@dataclass(frozen=True, slots=True)
class VideoInfo:
    """What a video file says of itself; nothing of it is proven before the frames are decoded.

    `width_px` and `height_px` are those of the picture as it is shown, after `rotation_deg` (clockwise: 0, 90, 180 or 270).
    `frames` is the container's claim or an estimate, `fps` the average.
    """

    width_px: int
    height_px: int
    duration_s: float | None
    frames: int | None
    fps: float | None
    rotation_deg: int = 0


@dataclass(frozen=True, slots=True)
class VideoProgress:
    """How far a run is: `frames_done` of about `frames`, None where nobody knows; `fps` is the speed so far."""

    frames_done: int
    frames: int | None
    fps: float

    @property
    def left_s(self) -> float | None:
        """How long the rest takes at this speed."""
        return max(self.frames - self.frames_done, 0) / self.fps if self.frames and self.fps else None


@dataclass(frozen=True, slots=True)
class TrackSummary:
    """One tracked object of a video: when it was seen, how often, and where it was seen best.

    `frames` counts the frames in which it was detected. `box` is that of `best_frame`, in pixels of the picture as shown.
    """

    track_id: int
    class_id: int
    first_s: float
    last_s: float
    frames: int
    best_confidence: float
    best_s: float
    best_frame: int
    box: Box


@dataclass(frozen=True, slots=True)
class VideoSummary:
    """What came of a run.

    `width_px`, `height_px` and `duration_s` are those of the annotated picture, to the end of the last frame. `frames` is how
    many the source had and the annotated video has, `checked` how many of them were detected. `seconds` is how long the run
    took. `complete` is False when it was stopped before the end. `skipped` counts the packets that were damaged: their
    frames are missing in source and result alike.
    """

    width_px: int
    height_px: int
    duration_s: float
    frames: int
    checked: int
    detections: int
    seconds: float
    tracks: tuple[TrackSummary, ...]
    complete: bool = True
    skipped: int = 0
