"""The real application behind a real socket on a thread of its own, for tests that send it anything; it must not be shaken.

What shakes it is collected: errors in the log (a 500 leaves one, a task that nobody asks for its failure too), and tasks that
stay.
"""

import asyncio
import gc
import http.client
import logging
import socket
import threading
import time
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self, TypeVar

from aiohttp import web

from server.config.settings import Auth, Live, Server, Settings
from server.web import keys
from server.web.app import create_app
from server.web.connections import AppRunner
from tests.fakes import FakeDetector, room_for_eight

# So long that nobody can have guessed it: wrong ones that were sent before do not hold it up.
KEY = "the-key-of-the-fuzzed-server-" + "k" * 32
# Whoever waits longer for an answer says that it hangs; a child that reads an upload has a minute for it.
ANSWER_S = 100.0
_SETTLE_S = 60.0
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)


class _Errors(logging.Handler):
    """Collects what is logged as an error."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.lines: list[str] = []
        self.setFormatter(logging.Formatter("%(name)s: %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


class Served:
    """The application; `port` is where it listens. Guarded by KEY, which `ask` sends. Use as a context manager."""

    def __init__(self, data_dir: Path) -> None:
        self._settings = Settings(
            server=Server(data_dir=str(data_dir), trusted_proxies=["127.0.0.0/8"], max_requests_per_s=0),
            auth=Auth(api_keys=[KEY]),
            live=Live(connect_timeout_s=50, max_sessions=8),
        )
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="fuzzed")
        self._errors = _Errors()
        self.port = 0

    def __enter__(self) -> Self:
        logging.getLogger().addHandler(self._errors)
        self._thread.start()
        self.call(self._start())
        return self

    def __exit__(self, *exc: object) -> None:
        self.call(self._runner.cleanup())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.run_until_complete(self._loop.shutdown_default_executor())
        self._loop.close()
        logging.getLogger().removeHandler(self._errors)

    @property
    def app(self) -> web.Application:
        """The application itself."""
        app = self._runner.app
        assert isinstance(app, web.Application)
        return app

    def settle(self) -> None:
        """Takes what runs now for what runs always."""
        self.call(self._note_tasks())

    def call(self, work: Coroutine[Any, Any, Result]) -> Result:
        """What a coroutine returns that runs on the server's loop."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(_SETTLE_S)

    def ask(
        self, method: str, target: str, *, headers: Mapping[str, str] | None = None, body: bytes = b"", key: str = KEY
    ) -> Answer:
        """The answer to a request that is well framed, whatever stands in it."""
        lines = {"Host": f"127.0.0.1:{self.port}", "Connection": "close", "Content-Length": str(len(body)), **(headers or {})}
        if key:
            lines.setdefault("Authorization", f"Bearer {key}")
        head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        answer = self.send(f"{method} {target} HTTP/1.1\r\n{head}\r\n".encode() + body, method=method)
        assert answer is not None, "the connection was closed without an answer"
        return answer

    def send(self, raw: bytes, *, method: str = "GET", ended: bool = False) -> Answer | None:
        """What comes back for these bytes; None where the connection is closed without an answer.

        `ended` closes our side behind them, which is all that ends a request that is not complete.
        """
        with socket.create_connection(("127.0.0.1", self.port), timeout=ANSWER_S) as connection:
            try:
                connection.sendall(raw)
                if ended:
                    connection.shutdown(socket.SHUT_WR)
                response = http.client.HTTPResponse(connection, method=method)
                response.begin()
                return Answer(response.status, {name.lower(): value for name, value in response.getheaders()}, response.read())
            except (ConnectionError, http.client.HTTPException):
                return None

    def converse(self, hello: bytes, sent: bytes, *, ended: bool) -> tuple[bytes, bytes]:
        """The head of the answer to `hello`, and what comes back for `sent` until the server closes; `ended` as in `send`."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=ANSWER_S) as connection:
            connection.sendall(hello)
            received = bytearray()
            while b"\r\n\r\n" not in received:
                received += connection.recv(4096) or b"\r\n\r\n"
            try:
                connection.sendall(sent)
                if ended:
                    connection.shutdown(socket.SHUT_WR)
                while chunk := connection.recv(65536):
                    received += chunk
            except ConnectionError:
                pass  # it has closed before it had read everything
        head, _, rest = bytes(received).partition(b"\r\n\r\n")
        return head, rest

    def check(self, *, collect: bool = False) -> None:
        """Fails where something was logged as an error, or where more tasks run than when it was new and stay.

        `collect` looks for tasks whose failure nobody has asked for: that is told when they are thrown away.
        """
        until = time.monotonic() + _SETTLE_S
        while (left := self.call(self._tasks())) and time.monotonic() < until:
            time.sleep(0.02)
        if collect:
            gc.collect()
        errors, self._errors.lines = self._errors.lines, []
        assert not errors, "\n".join(errors)
        assert not left, "\n".join(left)

    async def _start(self) -> None:
        app = create_app(self._settings, detector=FakeDetector(), time_pool=room_for_eight)
        self._runner = AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.port = int(self._runner.addresses[0][1])
        await app[keys.MODEL].loaded()
        await asyncio.sleep(0.1)
        await self._note_tasks()

    async def _note_tasks(self) -> None:
        self._before = asyncio.all_tasks()

    async def _tasks(self) -> list[str]:
        """The tasks that were not there when it was new."""
        await asyncio.sleep(0)
        return [repr(task) for task in asyncio.all_tasks() - self._before - {asyncio.current_task()} if not task.done()]
