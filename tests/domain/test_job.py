"""Jobs: legal steps, and what is known of their progress."""

from dataclasses import replace

import pytest

from server.domain.errors import Conflict
from server.domain.job import TRANSITIONS, JobState, check_transition
from tests.builders import make_job

LEGAL = [(before, after) for before, nexts in TRANSITIONS.items() for after in nexts]


@pytest.mark.parametrize(("before", "after"), [(before, after) for before in JobState for after in JobState])
def test_only_the_steps_of_the_table_are_legal(before: JobState, after: JobState) -> None:
    """All others are refused with the names of both states."""
    job = make_job(state=before)
    if (before, after) in LEGAL:
        check_transition(job, after)
        return
    with pytest.raises(Conflict, match=f"is {before}.*become {after}"):
        check_transition(job, after)


def test_nothing_follows_a_finished_job_by_itself() -> None:
    """A result is never checked away; what failed or was cancelled can only be begun anew."""
    assert TRANSITIONS[JobState.DONE] == frozenset()
    assert {state for state in JobState if state.finished} == {JobState.DONE, JobState.FAILED, JobState.CANCELLED}


def test_progress_and_time_left_need_the_number_of_frames() -> None:
    """Without it, and before it runs, nothing is made up."""
    job = make_job(state=JobState.RUNNING, frames=100, frames_done=25)
    assert (job.progress, job.eta_s) == (0.25, None)
    running = replace(job, fps=15.0)
    assert running.eta_s == 5.0
    assert replace(running, state=JobState.QUEUED).eta_s is None
    assert (replace(running, frames=None).progress, replace(running, frames=None).eta_s) == (0.0, None)


def test_a_claim_of_too_few_frames_stays_within_bounds() -> None:
    """Files claim what they like: progress ends at 1, and no time left is negative."""
    job = make_job(state=JobState.RUNNING, frames=10, frames_done=30, fps=5.0)
    assert (job.progress, job.eta_s) == (1.0, 0.0)
    assert make_job(state=JobState.DONE, frames=None).progress == 1.0
