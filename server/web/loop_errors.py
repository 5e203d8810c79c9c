"""What the event loop itself has to say: in words of ours, and not a thousand times."""

import asyncio
import logging
import resource
import time
from collections.abc import Callable
from typing import Any

logger = logging.getLogger(__name__)

TELL_INTERVAL_S = 60.0
# asyncio's words for a connection that it has no descriptor for; it tries a hundred times at once, every second.
_NO_DESCRIPTOR = "socket.accept() out of system resource"


class LoopErrors:
    """An exception handler for `loop.set_exception_handler`: descriptors that are used up are told of once a minute."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._told_at = float("-inf")

    def __call__(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Takes what the loop reports."""
        if context.get("message") != _NO_DESCRIPTOR:
            loop.default_exception_handler(context)
            return
        now = self._clock()
        if now - self._told_at >= TELL_INTERVAL_S:
            self._told_at = now
            most, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
            logger.error(
                "no descriptor is left for new connections, they wait: %d are open, as many as this process may (ulimit -n)",
                most,
            )
