"""Disks and databases that fail: live video goes on, and nothing that was stored is lost or half there."""

import asyncio
import os
import resource
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.marked_clip import write_marked_clip
from tests.faults.damage import damaged
from tests.faults.disk import Disk, small_disk
from tests.faults.served import Served
from tests.faults.videos import checked, halves, upload
from tests.faults.witness import Witness
from tests.inference.tiny_models import make_openvino
from tests.transports.rig import eventually

pytestmark = pytest.mark.asyncio(loop_scope="module")

DATABASE = "sightline.db"
FULL = "records cannot be reached.*(full|disk I/O error)"


@pytest.fixture(scope="module")
def disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Disk]:
    """A small disk."""
    with small_disk(tmp_path_factory.mktemp("disk") / "data") as made:
        yield made


@pytest.fixture(scope="module")
def environ(disk: Disk) -> dict[str, str]:
    """The data folder is on the small disk, down to its last byte; nobody waits long for a locked database."""
    return {
        "SIGHTLINE_SERVER__DATA_DIR": str(disk.folder),
        "SIGHTLINE_STORAGE__URL": f"sqlite:///{disk.folder / DATABASE}?timeout=0.3",
        "SIGHTLINE_VIDEOS__MIN_FREE_BYTES": "0",
        "SIGHTLINE_ALERTS__AFTER_S": "0.2",
    }


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model in the form whose weights OpenVINO would map, with a copy for each module."""
    return make_openvino(tmp_path_factory.mktemp("model") / "tiny")


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A short video."""
    return write_marked_clip(tmp_path_factory.mktemp("clip") / "gate.mp4", frames=12, width=512, height=128).read_bytes()


async def alerts(served: Served) -> list[dict[str, Any]]:
    """All alerts, newest first."""
    listed: list[dict[str, Any]] = (await served.get("/api/alerts"))["alerts"]
    return listed


async def another_alert(served: Served, known: int) -> None:
    """Waits until there is one more."""
    async with asyncio.timeout(20):
        while len(await alerts(served)) <= known:  # noqa: ASYNC110 - the server tells only who follows its events
            await asyncio.sleep(0.1)


@pytest.mark.fault("the disk is full")
async def test_a_full_disk(served: Served, disk: Disk, clip: bytes) -> None:
    """An upload is refused with 507 and leaves nothing; an alert is told once it can be; what was there before stays."""
    before = await checked(served, clip)
    assert before["state"] == "done", before
    known = len(await alerts(served))
    async with served.unharmed(lines=(FULL,), besides="alert .* (cannot be written|there is no clip of it)"):
        with disk.full(served.pid):
            async with Witness.publishing(served.client, served.process.url):
                for data in (clip, clip * 400):
                    status, problem = await upload(served, data)
                    assert (status, "room" in problem["detail"]) == (507, True), problem
                await eventually(lambda: served.said(FULL), within_s=20)
        await another_alert(served, known)
    await eventually(lambda: halves(disk.folder) == [], within_s=20)
    assert await served.get(f"/api/videos/{before['id']}") == before
    assert (await checked(served, clip))["state"] == "done"


@pytest.mark.fault("the database is locked by another program")
async def test_a_locked_database(served: Served, disk: Disk, clip: bytes) -> None:
    """Whoever writes is asked to come back, whoever reads is answered; an alert is written when the lock is gone."""
    known = len(await alerts(served))
    async with served.unharmed(lines=("records cannot be reached.*locked",)):
        with closing(sqlite3.connect(disk.folder / DATABASE, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            async with Witness.publishing(served.client, served.process.url):
                status, problem = await upload(served, clip)
            assert (status, "records" in problem["detail"]) == (503, True), problem
            assert len(await alerts(served)) == known
            other.rollback()
        await another_alert(served, known)
    await eventually(lambda: halves(disk.folder) == [], within_s=20)


@pytest.mark.fault("the database is damaged while the server runs")
async def test_a_damaged_database(served: Served, disk: Disk, clip: bytes) -> None:
    """What needs the records is told so; live video needs none. With the file put back all is there again."""
    before = await checked(served, clip)
    async with served.unharmed(lines=("records cannot be reached.*(malformed|not a database)",), besides="alert "):
        with damaged(disk.folder / DATABASE):
            for _ in range(4):  # more than it has connections: each has met the damage then
                status, problem = await upload(served, clip)
                assert (status, "records" in problem["detail"]) == (503, True), problem
    assert not served.said("Traceback")
    assert await served.get(f"/api/videos/{before['id']}") == before


@pytest.mark.fault("the model's files are replaced while the server runs")
async def test_a_replaced_model(served: Served, model: Path, clip: bytes) -> None:
    """Written over in place: live video keeps the one that it began with, and a video is not checked by another."""
    files = {file: (file.read_bytes(), file.stat()) for file in (model / "tiny.xml", model / "tiny.bin")}
    async with served.unharmed():
        for file, (data, _) in files.items():
            file.write_bytes(data[: len(data) // 2])
        await served.witness.keeps_up()
        for file, (data, _) in files.items():
            file.write_bytes(data)
        assert "another model lies there than the server was started with" in (await checked(served, clip))["error"]
    for file, (_, before) in files.items():
        os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


@pytest.mark.fault("descriptors are used up")
async def test_descriptors_used_up(served: Served, disk: Disk, clip: bytes) -> None:
    """Nobody new comes in while there are none; who is there stays, and with the first that is free all goes on."""
    before = resource.prlimit(served.pid, resource.RLIMIT_NOFILE)
    host, port = served.process.url.removeprefix("http://").rstrip("/").split(":")
    async with served.unharmed(lines=("no descriptor",), besides="POST /api/videos failed: .*Too many open files"):
        resource.prlimit(served.pid, resource.RLIMIT_NOFILE, (served.descriptors() + 4, before[1]))
        crowd = [await asyncio.open_connection(host, int(port)) for _ in range(20)]
        status, _ = await upload(served, clip)  # over a connection that stands
        assert status == 503
        await eventually(lambda: served.said("no descriptor"))
        await asyncio.sleep(1.5)  # asyncio tries again each second
        for _, writer in crowd:
            writer.close()
        resource.prlimit(served.pid, resource.RLIMIT_NOFILE, before)
    assert (await checked(served, clip))["state"] == "done"
