"""Files of gigabytes as answers: whole or in part, read on threads of our own."""

import asyncio
from concurrent.futures import Executor
from pathlib import Path
from typing import IO, Any

from aiohttp import web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.typedefs import LooseHeaders


class IoFileResponse(web.FileResponse):
    """A file, in parts where they are asked for (RFC 9110, section 14), read on `io`; 404 where it is gone.

    aiohttp reads it on the loop itself, by `sendfile`, or on the loop's own executor, which belongs to the video encoders: a
    cold disk would hold up every live picture. It asks for compression to leave `sendfile` out, and its fallback is ours.
    """

    def __init__(self, path: Path, *, io: Executor, headers: LooseHeaders) -> None:
        super().__init__(path, headers=headers)
        self._io = io
        self.enable_compression(web.ContentCoding.identity)

    async def _sendfile_fallback(
        self, writer: AbstractStreamWriter, fobj: IO[Any], offset: int, count: int
    ) -> AbstractStreamWriter:
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._io, fobj.seek, offset)
        while count > 0 and (chunk := await loop.run_in_executor(self._io, fobj.read, min(self._chunk_size, count))):
            await writer.write(chunk)
            count -= len(chunk)
        await writer.drain()
        return writer
