"""Uploads of video files: streamed to the disk as they arrive, never whole in memory."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import Executor
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import BinaryIO, Protocol, TypeVar

from aiohttp import BodyPartReader, web

from server.domain.errors import InvalidRequest, NoRoom
from server.web.problems import FULL, Problem
from server.web.upload import MALFORMED, MAX_FIELD_BYTES, MAX_PARTS, plain_part, read_part_bytes, too_large

FILE_FIELD = "file"
# One trip to a thread for each: small enough that eight uploads take little memory.
_WRITE_BYTES = 1024 * 1024
_READ_BYTES = 128 * 1024
# How often the room on the disk is looked at meanwhile.
_ROOM_BYTES = 64 * 1024 * 1024

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class UploadLimits:
    """What an upload may take: bytes, seconds without any, what must stay free on the disk, and how slow it may be."""

    max_bytes: int
    stall_s: float
    min_free_bytes: int
    min_bytes_per_s: int = 0


@dataclass(slots=True)
class ReceivedVideo:
    """What came: the size of the file, the name that its sender gave it, and the fields of the form."""

    size_bytes: int = 0
    filename: str = ""
    fields: dict[str, list[str]] = field(default_factory=dict)


class _Chunks(Protocol):
    async def __call__(self, size: int, /) -> bytes: ...


class VideoReceiver:
    """Receives one upload into the file `target`; `io` writes, `free_bytes` asks the disk and blocks."""

    def __init__(
        self,
        target: Path,
        *,
        limits: UploadLimits,
        free_bytes: Callable[[], int],
        io: Executor,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._target = target
        self._limits = limits
        self._free_bytes = free_bytes
        self._io = io
        self._clock = clock
        self._received = ReceivedVideo()
        self._looked_at, self._bytes_then = clock(), 0

    async def receive(self, request: web.Request) -> ReceivedVideo:
        """Reads the multipart form or the raw body of a request.

        Raises TooLarge as soon as it is known to be too long, NoRoom when the disk has no room for it, InvalidRequest for a
        form that is malformed or has no file, and a 408 problem when nothing arrives for too long, or too little. What was
        written stays: the caller removes it.
        """
        expected = request.content_length or 0
        if expected > self._limits.max_bytes + MAX_PARTS * MAX_FIELD_BYTES:
            raise too_large(self._limits.max_bytes, setting="videos.max_bytes")
        await self._check_room(expected)
        try:
            if request.content_type.startswith("multipart/"):
                await self._read_form(request)
            else:
                await self._write(request.content.read)
        except web.RequestPayloadError as exc:
            raise InvalidRequest("the body is not what its Content-Encoding or Transfer-Encoding says") from exc
        if not self._received.size_bytes:
            raise InvalidRequest(f"there is no video: send it as form field {FILE_FIELD!r} or as the body")
        return self._received

    async def _read_form(self, request: web.Request) -> None:
        try:
            reader = await request.multipart()
            for _ in range(MAX_PARTS):
                part = await self._timely(reader.next())
                if part is None:
                    return
                await self._read_part(plain_part(part))
        except MALFORMED as exc:
            raise InvalidRequest("the multipart form is malformed") from exc
        raise InvalidRequest(f"the form has more than {MAX_PARTS} fields")

    async def _read_part(self, part: BodyPartReader) -> None:
        if part.name == FILE_FIELD and not self._received.size_bytes:
            # Browsers write a quote in a name like this (https://html.spec.whatwg.org/#multipart-form-data).
            self._received.filename = (part.filename or "").replace("%22", '"')
            await self._write(part.read_chunk)
        elif part.name and part.filename is None:
            text = await self._timely(read_part_bytes(part, max_bytes=MAX_FIELD_BYTES))
            self._received.fields.setdefault(part.name, []).append(text.decode("utf-8", "replace"))

    async def _write(self, read: _Chunks) -> None:
        """Writes what `read` brings until it brings nothing."""
        async with self._file() as file:
            waiting = bytearray()
            while chunk := await self._timely(read(_READ_BYTES)):
                waiting += chunk
                await self._count(len(chunk))
                if len(waiting) >= _WRITE_BYTES:
                    await self._on_io(partial(file.write, waiting))
                    waiting.clear()
            await self._on_io(partial(file.write, waiting))

    async def _count(self, arrived: int) -> None:
        before = self._received.size_bytes
        self._received.size_bytes += arrived
        if self._received.size_bytes > self._limits.max_bytes:
            raise too_large(self._limits.max_bytes, setting="videos.max_bytes")
        self._check_pace()
        if before // _ROOM_BYTES != self._received.size_bytes // _ROOM_BYTES:
            await self._check_room(_ROOM_BYTES)

    def _check_pace(self) -> None:
        """Raises a 408 problem where too little has come, once in `stall_s`."""
        now, limits = self._clock(), self._limits
        if now - self._looked_at < limits.stall_s:
            return
        if self._received.size_bytes - self._bytes_then < limits.min_bytes_per_s * (now - self._looked_at):
            least = f"{limits.min_bytes_per_s:,} bytes a second (videos.min_upload_bytes_per_s)"
            raise Problem(408, f"the upload is too slow: less than {least} came for {limits.stall_s:g} s")
        self._looked_at, self._bytes_then = now, self._received.size_bytes

    async def _check_room(self, wanted: int) -> None:
        free = await self._on_io(self._free_bytes)
        missing = wanted + self._limits.min_free_bytes - free
        if missing > 0:
            raise _no_room(max(wanted, self._received.size_bytes), missing=missing)

    @asynccontextmanager
    async def _file(self) -> AsyncIterator[BinaryIO]:
        file = await self._on_io(lambda: self._target.open("wb"))
        try:
            yield file
            await self._on_io(file.close)  # which writes the rest
        except OSError as exc:
            if exc.errno not in FULL:
                raise
            raise _no_room(self._received.size_bytes, missing=self._limits.min_free_bytes) from exc
        finally:
            await asyncio.shield(self._on_io(partial(_give_up, file)))

    async def _timely(self, reading: Awaitable[Result]) -> Result:
        try:
            async with asyncio.timeout(self._limits.stall_s):
                return await reading
        except TimeoutError as exc:
            raise Problem(408, f"nothing of the body arrived for {self._limits.stall_s:g} s (videos.upload_stall_s)") from exc

    async def _on_io(self, work: Callable[[], Result]) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._io, work)


def _give_up(file: BinaryIO) -> None:
    """Closes a file whose rest cannot be written any more, or that is closed already."""
    with suppress(OSError):
        file.close()


def _no_room(wanted: int, *, missing: int) -> NoRoom:
    size = f"{max(1, round(wanted / 1e6))} MB"
    return NoRoom(
        f"The server has no room for {size} (videos.min_free_bytes). Delete old files, then add it again.",
        missing_bytes=missing,
    )
