"""A task that is begun again when it fails: what runs as long as the server must not end by one fault of ours."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any

logger = logging.getLogger(__name__)

# A fault that comes back at once must not fill the log, nor take a processor.
RESTART_S = 10.0


class SupervisedTask:
    """Runs `work` from `start()` until it returns or `aclose()`; on the event loop."""

    def __init__(self, work: Callable[[], Coroutine[Any, Any, None]], *, name: str, restart_s: float = RESTART_S) -> None:
        self._work = work
        self._name = name
        self._restart_s = restart_s
        self._closed = False
        self._task: asyncio.Task[None] | None = None
        self._restart: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Begins."""
        self._task = asyncio.create_task(self._work(), name=self._name)
        self._task.add_done_callback(self._ended)

    async def wait(self) -> None:
        """Returns when the work has returned or failed; it is not begun again then."""
        self._close()
        if self._task is not None:
            await asyncio.wait([self._task])

    async def aclose(self) -> None:
        """Cancels the work, and returns when it has ended; may be called again."""
        self._close()
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    def _close(self) -> None:
        self._closed = True
        if self._restart is not None:
            self._restart.cancel()

    def _ended(self, task: asyncio.Task[None]) -> None:
        if task.cancelled() or task.exception() is None:
            return
        logger.error("%s: failed, and begins again in %g s", self._name, self._restart_s, exc_info=task.exception())
        if not self._closed:
            self._restart = asyncio.get_running_loop().call_later(self._restart_s, self.start)
