"""What the owner of the server decided about jobs."""

from collections.abc import Callable
from dataclasses import dataclass

from server.jobs.messages import Limits, ModelOrder


@dataclass(frozen=True, slots=True)
class JobOptions:
    """Limits of one check, and how long results are kept.

    `model` says which model is served, when it is loaded. `stall_s` is how long a check may show no progress. Finished jobs are
    removed after `keep_s`, and the oldest of them while together they have more than `max_total_bytes`. Those that wait or run
    may have as much again.
    """

    model: Callable[[], ModelOrder]
    max_pixels: int
    max_duration_s: float
    limits: Limits
    stall_s: float
    keep_s: float
    max_total_bytes: int
