"""Processes that end, or get no memory, in the middle of something: what was there is there afterwards, and no halves."""

import asyncio
import os
import resource
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.child_processes import children_of
from tests.e2e.marked_clip import write_marked_clip
from tests.faults.served import Served, serving
from tests.faults.videos import checked, ended, follow, halves, upload
from tests.server_process import ServerProcess
from tests.transports.rig import eventually

FRAMES = 120
OLD_S = 3600
# Their clips are made by processes of the same kind.
NO_ALERTS = {"SIGHTLINE_ALERTS__ENABLED": "false"}


@asynccontextmanager
async def started(model: Path, data: Path) -> AsyncIterator[Served]:
    """A server on the data folder."""
    process = ServerProcess("--model", str(model), environ={"SIGHTLINE_SERVER__DATA_DIR": str(data), **NO_ALERTS})
    await asyncio.to_thread(process.__enter__)
    try:
        async with serving(process) as served:
            yield served
    finally:
        await asyncio.to_thread(process.stop)


@pytest.mark.fault("kill -9 of the server while a video is uploaded")
async def test_kill_in_mid_upload(model: Path, tmp_path: Path) -> None:
    """Half a file becomes no video and is removed; the video before it is there, whole."""
    clip = write_marked_clip(tmp_path / "gate.mp4", frames=12, width=512, height=128).read_bytes()
    incoming = tmp_path / "data" / "videos" / "incoming"
    async with started(model, tmp_path / "data") as served:
        before = await checked(served, clip)
        host, port = served.process.url.removeprefix("http://").rstrip("/").split(":")
        _, writer = await asyncio.open_connection(host, int(port))
        writer.write(f"POST /api/videos HTTP/1.1\r\nHost: {host}:{port}\r\nContent-Length: 9000000\r\n\r\n".encode())
        writer.write(bytes(3_000_000))
        await eventually(lambda: any(file.stat().st_size >= 2_000_000 for file in incoming.iterdir()))
        await asyncio.to_thread(served.process.stop, signal.SIGKILL)
        writer.close()
        (half,) = incoming.iterdir()
        os.utime(half, (half.stat().st_mtime - OLD_S,) * 2)
    async with started(model, tmp_path / "data") as served:
        await eventually(lambda: served.said("removed 1 uploads and videos that the records do not know"))
        assert (await served.get("/api/videos"))["videos"] == [before]
        assert not halves(tmp_path / "data" / "videos")


@pytest.mark.fault("the process that checks a video gets no more memory")
async def test_no_memory_in_the_child(model: Path, tmp_path: Path) -> None:
    """The video is tried once more, or says why not; the server does not notice."""
    clip = write_marked_clip(tmp_path / "gate.mp4", frames=FRAMES).read_bytes()
    async with started(model, tmp_path / "data") as served:
        async with served.unharmed(besides="process broke off"):
            status, video = await upload(served, clip)
            assert status == 202, video
            video = await follow(served, video, lambda one: one["state"] == "running")
            (child,) = children_of(served.pid)
            resource.prlimit(child, resource.RLIMIT_DATA, (1, 1))
            video = await follow(served, video, ended)
        assert video["state"] == "done" or "memory" in video["error"], video
        assert served.said("broke off|memory")
        assert (await checked(served, clip))["state"] == "done"
        assert not halves(tmp_path / "data" / "videos")
