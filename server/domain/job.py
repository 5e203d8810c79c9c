"""Jobs: uploaded video files on their way from the queue to their results."""

import enum
from dataclasses import dataclass

from server.domain.errors import Conflict


class JobState(enum.StrEnum):
    """Where a job is on its way."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def finished(self) -> bool:
        """Whether nothing more happens to it by itself."""
        return self not in (JobState.QUEUED, JobState.RUNNING)


TRANSITIONS: dict[JobState, frozenset[JobState]] = {
    JobState.QUEUED: frozenset({JobState.RUNNING, JobState.CANCELLED, JobState.FAILED}),
    # Back to the queue: the server ends, or the process that checked it crashed for the first time.
    JobState.RUNNING: frozenset({JobState.QUEUED, JobState.DONE, JobState.FAILED, JobState.CANCELLED}),
    JobState.FAILED: frozenset({JobState.QUEUED}),
    JobState.CANCELLED: frozenset({JobState.QUEUED}),
    JobState.DONE: frozenset(),
}
"""What may follow each state."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One uploaded video and what became of it.

    Times are seconds since the epoch (UTC). `classes` are names, None for all; the model of the server that runs it has to
    know them. `width_px` and `height_px` are as shown. `frames` is what the file claims until it is done, then what it had.
    `fps` is how many frames a second are checked. `crashes` counts how often the process that checked it crashed, `attempts`
    how often it was begun and not given back. A running job belongs to `lease_owner` until `lease_until`.
    """

    id: str
    name: str
    state: JobState = JobState.QUEUED
    every: int = 1
    confidence: float
    classes: tuple[str, ...] | None = None
    size_bytes: int
    width_px: int
    height_px: int
    duration_s: float | None = None
    frames: int | None = None
    frames_done: int = 0
    fps: float | None = None
    detections: int | None = None
    tracks: int | None = None
    error: str | None = None
    created_at: float
    queued_at: float
    started_at: float | None = None
    finished_at: float | None = None
    attempts: int = 0
    crashes: int = 0
    lease_owner: str | None = None
    lease_until: float | None = None

    @property
    def progress(self) -> float:
        """How much of it is checked, 0 to 1; 0 while the number of frames is not known."""
        if self.state is JobState.DONE:
            return 1.0
        return min(1.0, self.frames_done / self.frames) if self.frames else 0.0

    @property
    def eta_s(self) -> float | None:
        """Seconds until it is checked at the present speed; None unless it runs and both are known."""
        if self.state is not JobState.RUNNING or not self.frames or not self.fps:
            return None
        return max(0, self.frames - self.frames_done) / self.fps


def check_transition(job: Job, state: JobState) -> None:
    """Raises Conflict unless the job may get into the state."""
    if state not in TRANSITIONS[job.state]:
        raise Conflict(f"the file {job.name} is {job.state}, so it cannot become {state}")
