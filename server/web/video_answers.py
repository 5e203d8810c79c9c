"""Answers about video files."""

from datetime import UTC, datetime

import msgspec

from server.config.settings import Videos
from server.domain.job import JobState
from server.jobs.announcements import JobView
from server.jobs.messages import Seen


class VideoResultsAnswer(msgspec.Struct, frozen=True):
    """Where the results of a video are."""

    annotated: str
    json: str
    csv: str


class SeenClassAnswer(msgspec.Struct, frozen=True):
    """Where a class was seen: the best confidence in percent in each part of the video, 0 where it was not."""

    class_id: int = msgspec.field(name="class")
    name: str
    percent: tuple[int, ...]


class SeenAnswer(msgspec.Struct, frozen=True):
    """What was seen so far, in parts of `part_s` seconds."""

    part_s: float
    classes: list[SeenClassAnswer]


class VideoAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A video file and what became of it; what is not known yet, or no longer true, is null."""

    id: str
    name: str
    state: JobState
    progress: float
    frames: int | None
    frames_done: int
    fps: float | None
    eta_s: float | None
    error: str | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    expires_at: datetime | None
    size_bytes: int
    width: int
    height: int
    duration_s: float | None
    every: int
    conf: float
    classes: tuple[str, ...] | None
    position: int | None
    detections: int | None
    tracks: int | None
    results: VideoResultsAnswer | None
    seen: SeenAnswer | None


class VideoLimitsAnswer(msgspec.Struct, frozen=True):
    """What is taken at most."""

    max_bytes: int
    max_duration_s: float
    max_pixels: int


class VideosAnswer(msgspec.Struct, frozen=True):
    """All video files, newest first."""

    videos: list[VideoAnswer]
    limits: VideoLimitsAnswer


class VideoRemovedEvent(msgspec.Struct, frozen=True):
    """A video file and its results are gone."""

    id: str


def video_path(job_id: str) -> str:
    """The address of a video."""
    return f"/api/videos/{job_id}"


def video_answer(view: JobView) -> VideoAnswer:
    """A job as it is sent."""
    job, path = view.job, video_path(view.job.id)
    done = job.state is JobState.DONE
    return VideoAnswer(
        id=job.id,
        name=job.name,
        state=job.state,
        progress=round(job.progress, 4),
        frames=job.frames,
        frames_done=job.frames_done,
        fps=None if job.fps is None else round(job.fps, 1),
        eta_s=None if job.eta_s is None else round(job.eta_s, 1),
        error=job.error,
        created_at=_utc(job.created_at),
        started_at=_utc_or_none(job.started_at),
        finished_at=_utc_or_none(job.finished_at),
        expires_at=_utc_or_none(view.expires_at),
        size_bytes=job.size_bytes,
        width=job.width_px,
        height=job.height_px,
        duration_s=job.duration_s,
        every=job.every,
        conf=job.confidence,
        classes=job.classes,
        position=view.position,
        detections=job.detections,
        tracks=job.tracks,
        results=VideoResultsAnswer(f"{path}/annotated.mp4", f"{path}/detections.json", f"{path}/detections.csv")
        if done
        else None,
        seen=None if view.seen is None else _seen_answer(view.seen),
    )


def _seen_answer(seen: Seen) -> SeenAnswer:
    return SeenAnswer(seen.part_s, [SeenClassAnswer(one.class_id, one.name, one.percent) for one in seen.classes])


def video_limits_answer(videos: Videos) -> VideoLimitsAnswer:
    """The limits in the settings."""
    return VideoLimitsAnswer(videos.max_bytes, videos.max_duration_s, videos.max_pixels)


def _utc(time_s: float) -> datetime:
    return datetime.fromtimestamp(round(time_s, 3), UTC)


def _utc_or_none(time_s: float | None) -> datetime | None:
    return None if time_s is None else _utc(time_s)
