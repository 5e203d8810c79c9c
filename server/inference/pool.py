"""Detector pool: worker threads of its own that serve all streams and pictures in the order of their arrival."""

import asyncio
import logging
import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, replace

from server.domain.detection import DetectionResult, DetectOptions
from server.domain.errors import DetectorFailed, InvalidRequest
from server.domain.frame import Frame
from server.domain.model import ModelInfo
from server.domain.protocols import Detector, InferRequest

logger = logging.getLogger(__name__)

# A detector that fails on every frame would fill the log with thirty tracebacks a second.
FAILURE_LOG_INTERVAL_S = 10.0


@dataclass(frozen=True, slots=True)
class PoolStats:
    """Counters of a pool: calls since its start, calls now, and the seconds its workers spent on them."""

    workers: int
    waiting: int
    busy: int
    completed: int
    failed: int
    busy_s: float


@dataclass(frozen=True, slots=True, eq=False)
class _Call:
    """One frame that waits for a worker."""

    frame: Frame
    options: DetectOptions
    queued_at: float
    answer: "Future[DetectionResult]"


class DetectorPool:
    """A few worker threads, one infer request each, and one queue in arrival order.

    The queue has no bound of its own: every caller waits for its answer before it asks again, so it never holds more calls
    than there are streams and admitted pictures. The threads are the pool's own because the loop's default executor
    belongs to the video encoders.

    `turns` are as many as there are workers. A live stream waits for one of them, and only then decides which frame it asks
    for: the newest. So no frame ages in the queue, however many streams there are. They belong to one event loop.
    """

    def __init__(self, detector: Detector, *, workers: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.turns = asyncio.Semaphore(workers)
        self._detector = detector
        self._clock = clock
        self._queue: queue.SimpleQueue[_Call | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._closed = False
        self._busy = self._completed = self._failed = 0
        self._busy_s = 0.0
        self._unlogged = 0
        self._failure_logged_at = float("-inf")
        requests = [detector.create_request() for _ in range(workers)]
        self._threads = [
            threading.Thread(target=self._work, args=(request,), name=f"detector-{number}", daemon=True)
            for number, request in enumerate(requests)
        ]
        for thread in self._threads:
            thread.start()

    @property
    def info(self) -> ModelInfo:
        """What is known of the model."""
        return self._detector.info

    async def detect(self, frame: Frame, options: DetectOptions) -> DetectionResult:
        """Returns what is in the frame; `queue_ms` is how long it waited for a worker.

        A caller that is cancelled while its frame waits costs nothing. Raises InvalidRequest when the model cannot do what
        `options` ask, and DetectorFailed when the detector raises or the pool is closed.
        """
        return await asyncio.wrap_future(self.submit(frame, options))

    def submit(self, frame: Frame, options: DetectOptions) -> "Future[DetectionResult]":
        """The same for any thread: returns at once, and the future has the result or the error.

        Whoever submits several frames bounds how many: the pool does not. Raises DetectorFailed when the pool is closed.
        """
        answer: Future[DetectionResult] = Future()
        with self._lock:
            if self._closed:
                raise DetectorFailed("the detector pool is closed")
            self._queue.put(_Call(frame, options, self._clock(), answer))
        return answer

    def stats(self) -> PoolStats:
        """Returns the counters as they are now; any thread."""
        with self._lock:
            return PoolStats(
                workers=len(self._threads),
                waiting=self._queue.qsize(),
                busy=self._busy,
                completed=self._completed,
                failed=self._failed,
                busy_s=self._busy_s,
            )

    def close(self) -> None:
        """Ends the threads and refuses the calls that still wait; blocks for the inferences that are running."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            waiting = self._drain()
            for _ in self._threads:
                self._queue.put(None)
        for call in waiting:
            if call.answer.set_running_or_notify_cancel():
                call.answer.set_exception(DetectorFailed("the detector pool is closed"))
        for thread in self._threads:
            thread.join()

    def _drain(self) -> list[_Call]:
        """Takes all waiting calls out of the queue."""
        calls: list[_Call] = []
        while True:
            try:
                call = self._queue.get_nowait()
            except queue.Empty:
                return calls
            if call is not None:
                calls.append(call)

    def _work(self, request: InferRequest) -> None:
        """What one worker thread does until the pool closes."""
        while (call := self._queue.get()) is not None:
            if call.answer.set_running_or_notify_cancel():
                self._serve(call, request)
            # The frame must not live on while the worker waits for the next one.
            del call

    def _serve(self, call: _Call, request: InferRequest) -> None:
        """Runs one call and gives its result, or what went wrong, to its caller."""
        started_at = self._clock()
        self._count(busy=1)
        try:
            result = request.detect(call.frame, call.options)
        except InvalidRequest as exc:
            self._count(busy=-1, failed=1, busy_s=self._clock() - started_at)
            call.answer.set_exception(exc)
        # Broad on purpose: whatever the engine raises belongs to this caller, and the worker lives on for the others.
        except Exception as exc:
            failed_at = self._clock()
            if (more := self._failures_to_log(failed_at)) is not None:
                logger.exception("the detector failed on frame %d, and on %d more since the last line", call.frame.index, more)
            self._count(busy=-1, failed=1, busy_s=failed_at - started_at)
            failure = DetectorFailed(f"the detector failed: {exc}")
            failure.__cause__ = exc
            call.answer.set_exception(failure)
        else:
            self._count(busy=-1, completed=1, busy_s=self._clock() - started_at)
            timing = replace(result.timing, queue_ms=(started_at - call.queued_at) * 1e3)
            call.answer.set_result(replace(result, timing=timing))

    def _failures_to_log(self, now: float) -> int | None:
        """How many failures were not logged since the last one that was; None where this one is not to be logged either."""
        with self._lock:
            if now - self._failure_logged_at < FAILURE_LOG_INTERVAL_S:
                self._unlogged += 1
                return None
            more, self._unlogged, self._failure_logged_at = self._unlogged, 0, now
            return more

    def _count(self, *, busy: int = 0, completed: int = 0, failed: int = 0, busy_s: float = 0.0) -> None:
        """Adds to the counters."""
        with self._lock:
            self._busy += busy
            self._completed += completed
            self._failed += failed
            self._busy_s += busy_s
