"""The process that looks into uploaded videos: started, listened to, ended. The server itself opens none."""

import asyncio
import signal
import sys
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Self

import msgspec

from server.jobs.messages import (
    HEADER,
    KIND_JSON,
    KIND_PICTURE,
    MOST_BYTES,
    UNWATCHED,
    WATCHED,
    Order,
    Report,
    decode_report,
    encode_order,
)
from server.resources import PACKAGE

COMMAND = (sys.executable, "-m", "server.jobs.child")
# What a library or Python says before it ends; it goes into the log.
_LAST_WORDS = 20
_LINE_BYTES = 500
_READ_BYTES = 64 * 1024
# Behind the trace that faulthandler writes; it names everything that was imported.
_NOISE = b"Extension modules:"


class Broken(Exception):
    """The child has said something that it never says."""


class CheckProcess:
    """One child process, from `start()` to `aclose()`; on the event loop."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._header: tuple[bytes, int] | None = None
        self._last_words: deque[str] = deque(maxlen=_LAST_WORDS)
        self._listener = asyncio.create_task(self._listen(), name=f"last words of process {process.pid}")

    @classmethod
    async def start(cls, order: Order) -> Self:
        """Starts one and gives it the order."""
        process = await asyncio.create_subprocess_exec(
            *COMMAND,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            cwd=PACKAGE.parent,  # so that it is this very package that it imports
        )
        child = cls(process)
        child.give(order)
        return child

    def give(self, order: Order) -> None:
        """Tells it what to do; once."""
        self._write(encode_order(order))

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    @property
    def last_words(self) -> str:
        """What it wrote to standard error last."""
        return " | ".join(line for line in self._last_words if line)

    async def reports(
        self, *, stall_s: float, is_busy: Callable[[], Awaitable[bool]] | None = None
    ) -> AsyncIterator[Report | bytes]:
        """Yields its reports, and pictures as JPEG files, until it ends.

        Raises TimeoutError when nothing comes for `stall_s` and it is not busy all the same, and Broken for what it never says.
        """
        while True:
            try:
                async with asyncio.timeout(stall_s):
                    block = await self._read()
            except TimeoutError:
                if is_busy is None or not await is_busy():
                    raise
                continue
            if block is None:
                return
            yield block

    def watch(self, *, watched: bool) -> None:
        """Says whether somebody watches."""
        self._write(WATCHED if watched else UNWATCHED)

    def kill(self) -> None:
        """Ends it at once; it has nothing to tidy up that its successor does not."""
        if self._process.returncode is None:
            self._process.kill()

    async def aclose(self) -> int:
        """Ends it, and returns its exit code; negative is the signal that ended it."""
        self.kill()
        await self._read_out()
        code = await self._process.wait()
        await self._listener
        return code

    async def wait(self) -> int:
        """Waits for its end, and returns its exit code."""
        return await self._process.wait()

    async def _read_out(self) -> None:
        """Takes what is left in its pipe: one that is full stands still, its end is never seen, and `wait` never returns."""
        output = self._process.stdout
        while output is not None and await output.read(_READ_BYTES):
            pass

    def _write(self, data: bytes) -> None:
        # A line and single bytes: they fit into the pipe, so there is nothing to wait for.
        if self._process.stdin is not None and not self._process.stdin.is_closing():
            self._process.stdin.write(data)

    async def _read(self) -> Report | bytes | None:
        """The next block, None at the end; one that was broken off is read on by the next call."""
        output = self._process.stdout
        if output is None:
            return None
        try:
            self._header = self._header or HEADER.unpack(await output.readexactly(HEADER.size))
            kind, length = self._header
            if length > MOST_BYTES or kind not in (KIND_JSON, KIND_PICTURE):
                raise Broken(f"a block of kind {kind!r} with {length} bytes")
            content = await output.readexactly(length)
            self._header = None
            return content if kind == KIND_PICTURE else decode_report(content)
        except asyncio.IncompleteReadError:  # it ended, perhaps in the middle of a block
            return None
        except (msgspec.DecodeError, UnicodeDecodeError) as exc:
            raise Broken(f"a report that cannot be read: {exc}") from exc

    async def _listen(self) -> None:
        """Keeps its last words; a line without an end fills no memory."""
        errors, line = self._process.stderr, b""
        while errors is not None and (piece := await errors.read(4096)):
            *lines, line = (line + piece).split(b"\n")
            self._last_words.extend(_short(one) for one in lines if not one.startswith(_NOISE))
            line = line[:_LINE_BYTES]


def _short(line: bytes) -> str:
    return line[:_LINE_BYTES].decode("utf-8", "replace").rstrip()


@asynccontextmanager
async def check_process(order: Order) -> AsyncIterator[CheckProcess]:
    """A child inside the block, surely gone after it."""
    child = await CheckProcess.start(order)
    try:
        yield child
    finally:
        await asyncio.shield(child.aclose())


def describe_end(code: int) -> str:
    """How a process ended, as part of a sentence."""
    if code >= 0:
        return f"it ended with exit code {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    reason = ", most likely for lack of memory" if code == -signal.SIGKILL else ""
    return f"it was ended by {name}{reason}"
