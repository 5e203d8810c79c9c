"""Retention: what goes, in which order, and what never does."""

from pathlib import Path

from server.domain.job import JobState
from server.jobs.announcements import JobRemoved
from server.jobs.files import ORPHANED_S, JobFiles
from server.jobs.retention import due
from tests.builders import ListSink, make_job
from tests.jobs.conftest import Rig


def test_what_is_old_goes() -> None:
    """Done, failed or cancelled; what waits or runs stays however old it is."""
    jobs = [
        make_job(id="done", state=JobState.DONE, finished_at=0.0),
        make_job(id="failed", state=JobState.FAILED, finished_at=10.0),
        make_job(id="young", state=JobState.CANCELLED, finished_at=50.0),
        make_job(id="queued", queued_at=-1e6),
        make_job(id="running", state=JobState.RUNNING, queued_at=-1e6),
    ]
    gone = due(jobs, dict.fromkeys((job.id for job in jobs), 1), now=100.0, keep_s=90.0, max_bytes=100)
    assert [job.id for job in gone] == ["done", "failed"]


def test_the_oldest_go_until_the_rest_fits() -> None:
    """By the time of their end; the room that unfinished ones take counts, but they stay."""
    jobs = [make_job(id=str(number), state=JobState.DONE, finished_at=float(number)) for number in (3, 1, 2)]
    jobs.append(make_job(id="running", state=JobState.RUNNING))
    sizes = {"1": 10, "2": 10, "3": 10, "running": 15}
    assert [job.id for job in due(jobs, sizes, now=5.0, keep_s=100.0, max_bytes=45)] == []
    assert [job.id for job in due(jobs, sizes, now=5.0, keep_s=100.0, max_bytes=44)] == ["1"]
    assert [job.id for job in due(jobs, sizes, now=5.0, keep_s=100.0, max_bytes=25)] == ["1", "2"]
    assert [job.id for job in due(jobs, sizes, now=5.0, keep_s=100.0, max_bytes=1)] == ["1", "2", "3"]


async def test_a_sweep_removes_records_and_files(tmp_path: Path) -> None:
    """And tells whoever follows."""
    rig = Rig(tmp_path, max_total_bytes=1000)
    sink = ListSink()
    rig.jobs.changes.subscribe(sink)
    for number in range(3):
        await rig.add("x" * 400, id=str(number))
        rig.records.claim(owner="rig", now=rig.queue.clock(), lease_s=10.0)
        rig.records.change(str(number), JobState.DONE, values={"finished_at": rig.queue.clock()})
    await rig.jobs.sweep()
    assert [view.job.id for view in await rig.jobs.all()] == ["2", "1"]
    assert sorted(path.name for path in rig.files.folder.iterdir()) == ["1", "2", "incoming"]
    assert JobRemoved("0") in sink.items
    await rig.aclose()


def test_files_without_a_job_go_once_nobody_writes_them(tmp_path: Path) -> None:
    """A killed server leaves half an upload, or one that it had not recorded yet."""
    files = JobFiles(tmp_path / "videos")
    files.open()
    for job_id in ("kept", "lost"):
        files.incoming(job_id).write_bytes(b"video")
        files.accept(job_id)
    files.incoming("arriving").write_bytes(b"vid")
    now = files.incoming("arriving").stat().st_mtime
    assert files.remove_orphans(["kept"], now=now + ORPHANED_S / 2) == 0
    assert files.remove_orphans(["kept"], now=now + ORPHANED_S * 2) == 2
    assert sorted(path.name for path in files.folder.iterdir()) == ["incoming", "kept"]
    assert list((files.folder / "incoming").iterdir()) == []


def test_an_upload_takes_its_place_whole(tmp_path: Path) -> None:
    """And what an earlier attempt has left does not mix with the next."""
    files = JobFiles(tmp_path / "videos")
    files.open()
    files.incoming("1").write_bytes(b"video")
    files.accept("1")
    assert files.source("1").read_bytes() == b"video"
    assert not files.incoming("1").exists()
    files.clear_results("1")
    (files.results("1") / ".annotated.mp4.77.part").write_bytes(b"half")
    files.clear_results("1")
    assert list(files.results("1").iterdir()) == []
    assert files.size("1") == 5
    files.remove("1")
    assert files.size("1") == 0
    assert files.folder.stat().st_mode & 0o777 == 0o700
