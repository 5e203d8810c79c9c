"""Files as answers: aiohttp sends them, and our threads read them."""

import os
from collections.abc import Awaitable, Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from server.web.io_file import IoFileResponse
from tests.conftest import Client

SIZE = 3 * 1024 * 1024 + 17


class CountingThreads(ThreadPoolExecutor):
    """Count the bytes that are read on them."""

    read_bytes = 0

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Has it done."""
        future = super().submit(fn, *args, **kwargs)
        future.add_done_callback(self._count)
        return future

    def _count(self, future: Future[Any]) -> None:
        self.read_bytes += len(future.result()) if isinstance(future.result(), bytes) else 0


@pytest.mark.parametrize(("part", "status"), [(slice(0, SIZE), 200), (slice(70_000, 2_000_001), 206)])
async def test_a_file_is_read_on_our_threads(
    aiohttp_client: Callable[[web.Application], Awaitable[Client]], tmp_path: Path, part: slice, status: int
) -> None:
    """Every byte of it: a new aiohttp that goes another way must not read on the threads of the encoders unnoticed."""
    path, content = tmp_path / "a.mp4", os.urandom(SIZE)
    path.write_bytes(content)
    with CountingThreads(1) as io:
        app = web.Application()

        async def get(_: web.Request) -> web.StreamResponse:
            return IoFileResponse(path, io=io, headers={"Content-Type": "video/mp4"})

        app.router.add_get("/", get)
        client = await aiohttp_client(app)
        headers = {} if status == 200 else {"Range": f"bytes={part.start}-{part.stop - 1}"}
        answer = await client.get("/", headers=headers)
        assert (answer.status, await answer.read()) == (status, content[part])
    assert io.read_bytes == part.stop - part.start
