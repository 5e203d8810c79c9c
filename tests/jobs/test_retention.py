"""Retention: what goes, in which order, and what never does."""

import os
from pathlib import Path

import pytest

from server.domain.errors import NoRoom
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
    """By the time of their end; however much waits, it costs no result."""
    jobs = [make_job(id=str(number), state=JobState.DONE, finished_at=float(number)) for number in (3, 1, 2)]
    jobs.append(make_job(id="running", state=JobState.RUNNING))
    sizes = {"1": 10, "2": 10, "3": 10, "running": 1_000}
    assert [job.id for job in due(jobs, sizes, now=5.0, keep_s=100.0, max_bytes=30)] == []
    assert [job.id for job in due(jobs, sizes, now=5.0, keep_s=100.0, max_bytes=29)] == ["1"]
    assert [job.id for job in due(jobs, sizes, now=5.0, keep_s=100.0, max_bytes=10)] == ["1", "2"]
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
    """A killed server leaves half an upload; a whole job may be known to a database that comes back, and stays much longer."""
    files = JobFiles(tmp_path / "videos")
    files.open()
    for job_id in ("kept", "lost"):
        files.incoming(job_id).write_bytes(b"video")
        files.accept(job_id)
    files.incoming("arriving").write_bytes(b"vid")
    now = files.incoming("arriving").stat().st_mtime
    keep_s = ORPHANED_S * 10
    assert files.remove_orphans(["kept"], keep_s=keep_s, now=now + ORPHANED_S / 2) == (0, 0)
    assert files.remove_orphans(["kept"], keep_s=keep_s, now=now + ORPHANED_S * 2) == (1, 1)
    assert list((files.folder / "incoming").iterdir()) == []
    assert sorted(path.name for path in files.folder.iterdir()) == ["incoming", "kept", "lost"]
    assert files.remove_orphans(["kept"], keep_s=keep_s, now=now + keep_s * 2) == (1, 0)
    assert sorted(path.name for path in files.folder.iterdir()) == ["incoming", "kept"]


async def test_videos_of_another_database_are_kept_and_told_of_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A server that is started with the wrong records must not remove every result."""
    rig = Rig(tmp_path, keep_s=1e6)
    rig.files.incoming("theirs").write_bytes(b"video")
    rig.files.accept("theirs")
    hour_ago = rig.queue.clock() - 6 * ORPHANED_S
    os.utime(rig.files.source("theirs").parent, (hour_ago, hour_ago))
    await rig.jobs.sweep()
    await rig.jobs.sweep()
    assert rig.files.source("theirs").read_bytes() == b"video"
    assert caplog.text.count("the records do not know 1 of the videos there") == 1
    await rig.aclose()


async def test_what_waits_has_its_own_bound(tmp_path: Path) -> None:
    """It takes no room from results, and has an end all the same."""
    rig = Rig(tmp_path, max_total_bytes=1000)
    await rig.add("x" * 400, size_bytes=400)
    await rig.jobs.check_room(600)
    with pytest.raises(NoRoom) as refusal:
        await rig.jobs.check_room(601)
    assert refusal.value.missing_bytes == 1
    rig.records.claim(owner="rig", now=rig.queue.clock(), lease_s=10.0)
    rig.records.change("1", JobState.DONE, values={"finished_at": rig.queue.clock()})
    await rig.jobs.check_room(1000)
    await rig.aclose()


def test_an_upload_outlives_a_power_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its content is on the disk before it has its name, and the name before a record tells of it."""
    files, synced = JobFiles(tmp_path / "videos"), []
    files.open()
    files.incoming("1").write_bytes(b"video")

    def note(descriptor: int) -> None:
        synced.append((os.fstat(descriptor).st_ino, files.source("1").exists()))

    monkeypatch.setattr(os, "fsync", note)
    files.accept("1")
    inodes = {path: path.stat().st_ino for path in (files.source("1"), files.source("1").parent, files.folder)}
    assert synced[0] == (inodes[files.source("1")], False)
    assert {(inodes[files.source("1").parent], True), (inodes[files.folder], True)} <= set(synced)


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
