"""Records of jobs: the queue, its leases, and legal steps."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from server.domain.errors import Conflict, NotFound
from server.domain.job import JobState
from server.storage.jobs import JobRecords
from tests.builders import make_job


def test_keeps_a_job_as_it_is(records: JobRecords) -> None:
    """Every field comes back, names with commas and bytes beyond 32 bits included."""
    job = make_job(
        name="gate, 2.mov",
        classes=("firearm", "a,b"),
        size_bytes=5 * 1024**3,
        duration_s=1.5,
        frames=45,
        error='"no"',
        fps=30.5,
        detections=3,
        tracks=1,
        every=5,
    )
    records.add(job)
    assert records.get(job.id) == job
    with pytest.raises(NotFound, match="unknown"):
        records.get("unknown")


def test_takes_the_one_that_waits_longest(records: JobRecords) -> None:
    """In the order of the queue, which is not that of the list."""
    for number, queued_at in enumerate((30.0, 10.0, 20.0)):
        records.add(replace(make_job(id=str(number), queued_at=queued_at), created_at=100.0 + number))
    assert [job.id for job in records.all()] == ["2", "1", "0"]
    assert [job.id for job in records.queued()] == ["1", "2", "0"]
    taken = [records.claim(owner="a", now=50.0, lease_s=10.0) for _ in range(4)]
    assert [job.id if job else None for job in taken] == ["1", "2", "0", None]
    first = taken[0]
    assert first is not None
    assert (first.state, first.started_at, first.lease_owner, first.lease_until, first.attempts) == (
        "running",
        50.0,
        "a",
        60.0,
        1,
    )
    assert records.get("1") == first


def test_a_lease_of_a_time_that_is_not_yet_can_be_taken_again(records: JobRecords) -> None:
    """The clock was set back since its server was killed: the job must not wait until then."""
    records.add(make_job(id="1"))
    assert records.claim(owner="a", now=10_000.0, lease_s=10.0) is not None
    assert records.claim(owner="b", now=10_000.0, lease_s=10.0) is None
    taken = records.claim(owner="b", now=5_000.0, lease_s=10.0)
    assert taken is not None
    assert taken.lease_until == 5_010.0


def test_a_lease_that_has_run_out_can_be_taken_again(records: JobRecords) -> None:
    """As after a kill -9; the first owner has nothing more to say, and the attempts are counted."""
    records.add(make_job())
    first = records.claim(owner="a", now=0.0, lease_s=10.0)
    assert first is not None
    assert records.claim(owner="b", now=9.9, lease_s=10.0) is None
    second = records.claim(owner="b", now=10.1, lease_s=10.0)
    assert second is not None
    assert second.attempts == 2
    assert not records.renew(first, now=11.0, lease_s=10.0)
    assert records.change(first.id, JobState.DONE, owner="a", values={}) is None
    done = records.change(first.id, JobState.DONE, owner="b", values={"frames": 7, "finished_at": 12.0})
    assert done == records.get(first.id)
    assert done is not None
    assert (done.frames, done.lease_owner, done.lease_until) == (7, None, None)


def test_renewing_keeps_it_and_notes_how_far_it_is(records: JobRecords) -> None:
    """For another lease from then on."""
    records.add(make_job())
    job = records.claim(owner="a", now=0.0, lease_s=10.0)
    assert job is not None
    assert records.renew(replace(job, frames_done=12, fps=3.5), now=8.0, lease_s=10.0)
    assert records.claim(owner="b", now=15.0, lease_s=10.0) is None
    kept = records.get(job.id)
    assert (kept.frames_done, kept.fps, kept.lease_until) == (12, 3.5, 18.0)


def test_a_cancelled_job_is_its_worker_s_no_longer(records: JobRecords) -> None:
    """Cancelling takes the lease, so that a result that comes too late changes nothing."""
    records.add(make_job())
    job = records.claim(owner="a", now=0.0, lease_s=10.0)
    assert job is not None
    records.change(job.id, JobState.CANCELLED, values={"finished_at": 1.0})
    assert not records.renew(job, now=2.0, lease_s=10.0)
    assert records.change(job.id, JobState.DONE, owner="a", values={}) is None
    assert records.get(job.id).state is JobState.CANCELLED


def test_refuses_steps_that_are_not_legal(records: JobRecords) -> None:
    """And leaves everything as it was."""
    records.add(make_job(state=JobState.DONE))
    with pytest.raises(Conflict):
        records.change(make_job().id, JobState.QUEUED, values={"error": "x"})
    assert records.get(make_job().id) == make_job(state=JobState.DONE)


def test_forgets_only_what_is_finished(records: JobRecords) -> None:
    """A job that waits or runs has to be cancelled first."""
    records.add(make_job(id="1"))
    records.add(make_job(id="2", state=JobState.FAILED))
    with pytest.raises(Conflict, match="cancel it first"):
        records.remove("1")
    records.remove("2")
    with pytest.raises(NotFound):
        records.remove("2")
    assert [(job.id, job.state) for job in records.all()] == [("1", JobState.QUEUED)]


def test_many_workers_never_take_the_same_job(records: JobRecords) -> None:
    """Eight threads that take thirty jobs at once take each once."""
    for number in range(30):
        records.add(make_job(id=str(number), queued_at=float(number)))

    def work(owner: int) -> list[str]:
        taken = []
        while (job := records.claim(owner=str(owner), now=0.0, lease_s=10.0)) is not None:
            taken.append(job.id)
        return taken

    with ThreadPoolExecutor(8) as workers:
        taken = [job_id for found in workers.map(work, range(8)) for job_id in found]
    assert sorted(taken, key=int) == [str(number) for number in range(30)]


def test_begins_again_only_what_failed_or_was_cancelled(records: JobRecords) -> None:
    """A running job is its worker's, and a result is kept."""
    for state in JobState:
        records.add(make_job(id=state, state=state, error="before", frames_done=3))
    for state in (JobState.FAILED, JobState.CANCELLED):
        again = records.restart(state, values={"error": None, "frames_done": 0})
        assert (again.state, again.error, again.frames_done) == (JobState.QUEUED, None, 0)
    for state in (JobState.QUEUED, JobState.RUNNING, JobState.DONE):
        with pytest.raises(Conflict):
            records.restart(state, values={"error": None})
        assert records.get(state).error == "before"
