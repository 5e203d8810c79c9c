"""The runner: what becomes of a job when its process, a real one, finishes, refuses, crashes, hangs, lies, or is stopped."""

import asyncio
import errno
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from server.domain.errors import Conflict, NotFound, RecordsUnavailable
from server.domain.job import Job, JobState
from server.jobs import queue, runner
from server.jobs.announcements import JobRemoved, JobView
from server.jobs.check import RunningCheck
from tests.builders import ListSink
from tests.jobs.conftest import Rig


@asynccontextmanager
async def running(folder: Path, *, stall_s: float = 20.0) -> AsyncIterator[Rig]:
    """Another rig."""
    rig = Rig(folder, stall_s=stall_s)
    rig.jobs.start_checking()
    try:
        yield rig
    finally:
        await rig.aclose()


async def check_of(rig: Rig, *, frames: int, id: str = "1") -> RunningCheck:  # noqa: A002 - the field's name
    """The running check once it has come so far."""
    async with asyncio.timeout(30):
        while (check := rig.jobs.check_of(id)) is None or check.job.frames_done < frames:  # noqa: ASYNC110 - a process goes on
            await asyncio.sleep(0.02)
    return check


async def test_a_job_is_checked_to_its_end(rig: Rig) -> None:
    """What the child reports at its end is recorded."""
    await rig.add("frames 10\nfinish")
    job = await rig.until(JobState.DONE)
    assert (job.frames, job.frames_done, job.detections, job.tracks, job.error) == (100, 100, 7, 2, None)
    assert (job.attempts, job.crashes, job.lease_owner) == (1, 0, None)
    assert job.finished_at is not None
    assert (rig.files.results("1") / "annotated.mp4").read_bytes() == b"video"


async def test_jobs_are_checked_one_after_the_other(rig: Rig) -> None:
    """In their order, whatever became of the ones before."""
    sink = ListSink()
    rig.jobs.changes.subscribe(sink)
    await rig.add("pause 0.3\nrefuse It has no picture.", id="1")
    await rig.add("finish", id="2")
    assert (await rig.until(JobState.DONE, id="2")).started_at >= ((await rig.queue.get("1")).finished_at or 0)  # type: ignore[operator] # set
    states = [(view.job.id, view.job.state, view.position) for view in sink.items if isinstance(view, JobView)]
    assert ("2", JobState.QUEUED, 0) in states
    assert rig.jobs.stats.outcomes == {"done": 1, "failed": 1, "cancelled": 0, "crashed": 0}


async def test_a_refusal_is_final(rig: Rig) -> None:
    """A file that has no picture has none the second time either; its owner reads why."""
    await rig.add("frames 3\nrefuse It has sound but no picture.")
    job = await rig.until(JobState.FAILED)
    assert (job.error, job.attempts, job.frames_done) == ("It has sound but no picture.", 1, 3)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("signal SIGSEGV", "ended by SIGSEGV"),
        ("signal SIGKILL", "ended by SIGKILL, most likely for lack of memory"),
        ("exit 3", "exit code 3"),
        ("raise", "exit code 1"),
        ("garbage", "said something that cannot be meant: a block of kind b'S'"),
        ("flood", "said something that cannot be meant: a block of kind b'P'"),
        ('report {"type":"finished"}', "a report that cannot be read"),
    ],
)
async def test_a_crash_is_tried_once_more_and_then_told(rig: Rig, words: str, told: str) -> None:
    """The job fails with what happened and how far it was; the next one goes on."""
    await rig.add(f"frames 12\n{words}")
    await rig.add("finish", id="2")
    job = await rig.until(JobState.FAILED)
    assert job.error is not None
    assert job.error.startswith("Checking it crashed twice. The other files go on. (")
    assert told in job.error
    assert job.error.endswith("after 12 of 100 frames)")
    assert (job.attempts, job.crashes) == (2, 2)
    await rig.until(JobState.DONE, id="2")


async def test_what_crashed_once_may_succeed(rig: Rig) -> None:
    """Memory may have been short for a moment; what the first attempt left is gone."""
    await rig.add("once signal SIGSEGV\nframes 1\nfinish")
    job = await rig.until(JobState.DONE)
    assert (job.attempts, job.crashes, job.error) == (2, 1, None)


async def test_a_check_that_hangs_counts_as_crashed(tmp_path: Path) -> None:
    """Its process is ended."""
    async with running(tmp_path, stall_s=1.0) as rig:
        await rig.add("frames 4\nstall")
        job = await rig.until(JobState.FAILED)
        assert job.error is not None
        assert "it stood still for 1 s, after 4 of 100 frames" in job.error


async def test_a_check_that_writes_does_not_hang(tmp_path: Path) -> None:
    """The index of a large video is moved to its front at the end: the whole file is written again, and nothing is reported."""
    async with running(tmp_path, stall_s=1.5) as rig:
        await rig.add("frames 4\nwrite 4\nfinish")
        job = await rig.until(JobState.DONE)
        assert (job.attempts, job.crashes) == (1, 0)


async def test_too_much_processor_time_is_final(rig: Rig) -> None:
    """The same file would take as much again."""
    await rig.add("frames 2\nsignal SIGXCPU")
    job = await rig.until(JobState.FAILED)
    assert (job.attempts, job.error) == (
        1,
        "It took more than 0.0166667 h of processor time (videos.max_cpu_s), after 2 of 100 frames.",
    )


async def test_cancelling_ends_the_process(rig: Rig) -> None:
    """When the answer comes nothing runs any more, and it is known how far it was."""
    await rig.add("frames 33\nstall")
    check = await check_of(rig, frames=33)
    view = await rig.jobs.cancel("1")
    assert check.ended.is_set()
    assert (view.job.state, view.job.frames_done) == (JobState.CANCELLED, 33)
    with pytest.raises(Conflict):
        await rig.jobs.cancel("1")
    await rig.add("finish", id="2")
    await rig.until(JobState.DONE, id="2")
    assert (await rig.queue.get("1")).state is JobState.CANCELLED


async def test_a_cancelled_job_can_be_begun_anew(rig: Rig) -> None:
    """At the end of the queue, with nothing of before."""
    await rig.add("once frames 5\nonce stall\nfinish")
    await check_of(rig, frames=0)
    await rig.jobs.cancel("1")
    (rig.files.source("1").parent / "before").touch()
    view = await rig.jobs.restart("1")
    assert (view.job.state, view.job.frames_done, view.job.finished_at) == (JobState.QUEUED, 0, None)
    job = await rig.until(JobState.DONE)
    with pytest.raises(Conflict):
        await rig.jobs.restart(job.id)


async def test_removing_takes_everything(rig: Rig) -> None:
    """Process, record, upload and results, and whoever follows hears of it."""
    sink = ListSink()
    rig.jobs.changes.subscribe(sink)
    await rig.add("frames 1\nstall")
    check = await check_of(rig, frames=1)
    await rig.jobs.remove("1")
    assert check.ended.is_set()
    assert sink.items[-1] == JobRemoved("1") or JobRemoved("1") in sink.items
    with pytest.raises(NotFound):
        await rig.jobs.get("1")
    assert [path.name for path in rig.files.folder.iterdir()] == ["incoming"]


async def test_ending_gives_the_job_back(tmp_path: Path) -> None:
    """The next start takes it at once, from its beginning, and the attempt does not count."""
    async with running(tmp_path) as rig:
        await rig.add("once frames 40\nonce stall\nfinish")
        await check_of(rig, frames=0)
        await rig.jobs.drain()
        job = await rig.queue.get("1")
        assert (job.state, job.attempts, job.crashes, job.lease_owner) == (JobState.QUEUED, 0, 0, None)
    (rig.files.source("1").parent / "before").touch()
    async with running(tmp_path) as rig:
        assert (await rig.until(JobState.DONE)).attempts == 1


async def test_a_job_whose_server_was_killed_is_taken_up_again(tmp_path: Path) -> None:
    """Once the lease of the one that is gone has run out."""
    rig = Rig(tmp_path)
    await rig.add("finish")
    rig.records.claim(owner="killed", now=rig.queue.clock() - 100, lease_s=10.0)
    await rig.aclose()
    async with running(tmp_path) as rig:
        assert (await rig.until(JobState.DONE)).attempts == 2


async def test_a_job_that_takes_the_server_with_it_ends(rig: Rig) -> None:
    """It is not begun for ever, and nothing else waits for it."""
    await rig.add("finish", attempts=runner.MOST_ATTEMPTS)
    job = await rig.until(JobState.FAILED)
    assert job.error is not None
    assert job.error.startswith("Checking it was broken off 5 times")


async def test_a_lost_lease_ends_the_check(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another worker has the job now: this one's process ends and its result counts for nothing."""
    monkeypatch.setattr(runner, "RENEWAL_S", 0.05)
    await rig.add("frames 1\nstall")
    check = await check_of(rig, frames=1)
    rig.records.renew(check.job, now=0.0, lease_s=0.0)
    assert rig.records.claim(owner="other", now=rig.queue.clock(), lease_s=queue.LEASE_S) is not None
    async with asyncio.timeout(20):
        await check.ended.wait()
    job = await rig.queue.get("1")
    assert (job.state, job.lease_owner) == (JobState.RUNNING, "other")


async def test_the_lease_is_renewed_as_long_as_it_runs(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """With how far it is, so that a restart knows."""
    monkeypatch.setattr(runner, "RENEWAL_S", 0.05)
    await rig.add("frames 60\nstall")
    await check_of(rig, frames=60)
    before = (await rig.queue.get("1")).lease_until or 0.0
    async with asyncio.timeout(20):
        while (job := await rig.queue.get("1")).frames_done != 60 or (job.lease_until or 0.0) <= before:  # noqa: ASYNC110 - a process goes on
            await asyncio.sleep(0.02)
    assert (job.lease_until or 0.0) <= rig.queue.clock() + queue.LEASE_S


async def test_what_was_checked_is_recorded_once_the_records_answer(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """A database that is locked for a while costs no result."""
    monkeypatch.setattr(runner, "POLL_S", 0.05)
    refusals = 3
    settle = rig.queue.settle

    async def settle_later(*arguments: object, **values: object) -> object:
        nonlocal refusals
        refusals -= 1
        if refusals >= 0:
            raise RecordsUnavailable("locked")
        return await settle(*arguments, **values)  # type: ignore[arg-type] # handed on as they came

    monkeypatch.setattr(rig.queue, "settle", settle_later)
    await rig.add("finish")
    job = await rig.until(JobState.DONE)
    assert (refusals, job.attempts) == (-1, 1)


async def test_a_place_that_cannot_be_written_costs_no_attempt(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file is checked once its results can be written, and is told to wait meanwhile."""
    monkeypatch.setattr(runner, "POLL_S", 0.05)
    sink = ListSink()
    rig.jobs.changes.subscribe(sink)
    clear, failures = rig.files.clear_results, 2 * runner.MOST_ATTEMPTS

    def clear_later(job_id: str) -> None:
        nonlocal failures
        failures -= 1
        if failures >= 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        clear(job_id)

    monkeypatch.setattr(rig.files, "clear_results", clear_later)
    await rig.add("finish")
    job = await rig.until(JobState.DONE)
    assert (failures, job.attempts, job.crashes, job.error) == (-1, 1, 0, None)
    assert rig.jobs.stats.outcomes["failed"] == 0


async def test_a_change_that_is_done_is_answered_without_a_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Records that stop answering behind the change do not make it look undone."""
    rig = Rig(tmp_path)
    await rig.add("finish")
    await rig.jobs.cancel("1")

    async def locked() -> list[Job]:
        raise RecordsUnavailable("locked")

    monkeypatch.setattr(rig.queue, "queued", locked)
    view = await rig.jobs.restart("1")
    assert (view.job.state, view.position) == (JobState.QUEUED, None)
    await rig.aclose()


async def test_a_long_line_of_last_words_fills_no_memory(rig: Rig) -> None:
    """A library may write what it likes."""
    await rig.add("grow\ngrow\nfinish")
    await rig.until(JobState.DONE)
