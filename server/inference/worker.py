"""A worker of the detector pool: one thread, one infer request, one call at a time."""

import contextvars
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field

from server.domain.detection import DetectionResult, DetectOptions
from server.domain.frame import Frame
from server.domain.protocols import InferRequest


@dataclass(frozen=True, slots=True, eq=False)
class Call:
    """One frame that waits for a worker; `context` has the ids for log lines about it."""

    frame: Frame
    options: DetectOptions
    queued_at: float
    answer: "Future[DetectionResult]" = field(default_factory=Future)
    context: contextvars.Context = field(default_factory=contextvars.copy_context)


CallQueue = queue.SimpleQueue[Call | None]


class Worker:
    """Serves calls from a queue on a thread of its own until it gets None, or is no longer wanted.

    `serve` runs one call and returns whether the worker goes on. `call`, since when it runs, and `request`, which may be
    missing at first, are the pool's to read and to write.
    """

    def __init__(
        self,
        number: int,
        *,
        request: InferRequest | None,
        calls: CallQueue,
        serve: Callable[["Worker", Call], bool],
    ) -> None:
        self.request = request
        self.call: Call | None = None
        self.started_at = 0.0
        self._calls = calls
        self._serve = serve
        # A daemon: a detector that hangs in the engine must not keep the process from its end.
        self._thread = threading.Thread(target=self._work, name=f"detector-{number}", daemon=True)

    def start(self) -> None:
        """Begins to take calls."""
        self._thread.start()

    def join(self, timeout_s: float | None = None) -> bool:
        """Waits for the end of its thread, and tells whether it has come."""
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _work(self) -> None:
        while (call := self._calls.get()) is not None:
            goes_on = not call.answer.set_running_or_notify_cancel() or self._serve(self, call)
            # The frame must not live on while the worker waits for the next one.
            del call
            if not goes_on:
                return
