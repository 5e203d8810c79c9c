"""Processes that end, or get no memory, in the middle of something: what was there is there afterwards, and no halves."""

import asyncio
import os
import resource
import signal
from pathlib import Path

import pytest

from tests.child_processes import children_of
from tests.e2e.marked_clip import write_marked_clip
from tests.faults.served import Served
from tests.faults.videos import checked, ended, follow, halves, upload
from tests.server_process import ServerProcess
from tests.transports.rig import eventually

pytestmark = pytest.mark.asyncio(loop_scope="module")

FRAMES = 90
OLD_S = 3600


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder."""
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="module")
def environ(data: Path) -> dict[str, str]:
    """That folder, and no alerts, whose clips are made by processes of the same kind."""
    return {"SIGHTLINE_SERVER__DATA_DIR": str(data), "SIGHTLINE_ALERTS__ENABLED": "false"}


@pytest.mark.fault("the process that checks a video gets no more memory")
async def test_no_memory_in_the_child(served: Served, data: Path, tmp_path: Path) -> None:
    """The video is tried once more, or says why not; the server does not notice."""
    clip = write_marked_clip(tmp_path / "gate.mp4", frames=FRAMES).read_bytes()
    async with served.unharmed(besides="process broke off"):
        status, video = await upload(served, clip)
        assert status == 202, video
        video = await follow(served, video, lambda one: one["state"] == "running")
        (child,) = children_of(served.pid)
        resource.prlimit(child, resource.RLIMIT_DATA, (1, 1))
        video = await follow(served, video, ended)
    assert video["state"] == "done" or "memory" in video["error"], video
    assert served.said("broke off|memory")
    assert not halves(data / "videos")


@pytest.mark.fault("kill -9 of the server while a video is uploaded")
async def test_kill_in_mid_upload(served: Served, data: Path, model: Path, environ: dict[str, str], tmp_path: Path) -> None:
    """Half a file becomes no video and is removed; the video before it is there, whole."""
    clip = write_marked_clip(tmp_path / "gate.mp4", frames=6, width=512, height=128).read_bytes()
    await checked(served, clip)
    before = await served.get("/api/videos")
    incoming = data / "videos" / "incoming"
    host, port = served.process.url.removeprefix("http://").rstrip("/").split(":")
    _, writer = await asyncio.open_connection(host, int(port))
    writer.write(f"POST /api/videos HTTP/1.1\r\nHost: {host}:{port}\r\nContent-Length: 9000000\r\n\r\n".encode())
    writer.write(bytes(3_000_000))
    await eventually(lambda: any(file.stat().st_size >= 2_000_000 for file in incoming.iterdir()))
    await asyncio.to_thread(served.process.stop, signal.SIGKILL)
    writer.close()
    await asyncio.to_thread(_age, incoming)
    with ServerProcess("--model", str(model), environ=environ) as again:
        await eventually(lambda: "removed 1 uploads and videos that the records do not know" in again.output)
        async with served.client.get(f"{again.url}api/videos") as answer:
            assert await answer.json() == before
    assert not halves(data / "videos")


def _age(incoming: Path) -> None:
    """Makes what was uploaded look as old as it is when the server comes back an hour later."""
    for half in incoming.iterdir():
        os.utime(half, (half.stat().st_mtime - OLD_S,) * 2)
