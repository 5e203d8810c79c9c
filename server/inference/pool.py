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
from server.inference.worker import Call, CallQueue, Worker

logger = logging.getLogger(__name__)

# A detector that fails on every frame would fill the log with thirty tracebacks a second.
FAILURE_LOG_INTERVAL_S = 10.0
# So many threads may hang for each worker: they hold memory of the engine, and the next would most likely hang as well.
MOST_HUNG_FACTOR = 2
# What still runs at the end gets this long: then it hangs, or is as good as that.
CLOSE_S = 5.0


@dataclass(frozen=True, slots=True)
class PoolStats:
    """Counters of a pool: calls since its start, calls now, and the seconds its workers spent on them.

    `hung` are workers that were replaced because they did not come back, and have not since.
    """

    workers: int
    waiting: int
    busy: int
    completed: int
    failed: int
    busy_s: float
    hung: int = 0


class DetectorPool:
    """A few worker threads, one infer request each, and one queue in arrival order.

    The queue has no bound of its own: every caller waits for its answer before it asks again, so it never holds more calls
    than there are streams and admitted pictures. The threads are the pool's own because the loop's default executor
    belongs to the video encoders.

    `turns` are as many as there are workers. A live stream waits for one of them, and only then decides which frame it asks
    for: the newest. So no frame ages in the queue, however many streams there are. They belong to one event loop.

    With `hang_s` a call that takes longer fails, and its worker is replaced: one frame must not hold up all others for ever.
    """

    def __init__(
        self,
        detector: Detector,
        *,
        workers: int,
        hang_s: float | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.turns = asyncio.Semaphore(workers)
        self._detector = detector
        self._hang_s = hang_s
        self._clock = clock
        self._queue: CallQueue = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._busy = self._completed = self._failed = 0
        self._busy_s = 0.0
        self._unlogged = 0
        self._failure_logged_at = float("-inf")
        self._size = workers
        self._hired = 0
        self._hung: set[Worker] = set()
        requests = [detector.create_request() for _ in range(workers)]
        self._workers = {self._hire(request) for request in requests}
        self._watch: threading.Thread | None = None
        if hang_s is not None:
            every = (min(1.0, hang_s / 4),)
            self._watch = threading.Thread(target=self._release_each, args=every, name="detector-watch", daemon=True)
            self._watch.start()

    @property
    def info(self) -> ModelInfo:
        """What is known of the model."""
        return self._detector.info

    @property
    def answers(self) -> bool:
        """Whether there is a worker that does not hang; any thread."""
        with self._lock:
            return bool(self._workers)

    async def detect(self, frame: Frame, options: DetectOptions) -> DetectionResult:
        """Returns what is in the frame; `queue_ms` is how long it waited for a worker.

        A caller that is cancelled while its frame waits costs nothing. Raises InvalidRequest when the model cannot do what
        `options` ask, and DetectorFailed when the detector raises or hangs, or the pool is closed.
        """
        return await asyncio.wrap_future(self.submit(frame, options))

    def submit(self, frame: Frame, options: DetectOptions) -> "Future[DetectionResult]":
        """The same for any thread: returns at once, and the future has the result or the error.

        Whoever submits several frames bounds how many: the pool does not. Raises DetectorFailed when the pool is closed, and
        when all of its workers hang.
        """
        with self._lock:
            if self._closed.is_set():
                raise DetectorFailed("the detector pool is closed")
            if not self._workers:
                raise DetectorFailed("the detector hangs")
            call = Call(frame, options, self._clock())
            self._queue.put(call)
        return call.answer

    def stats(self) -> PoolStats:
        """Returns the counters as they are now; any thread."""
        with self._lock:
            return PoolStats(
                workers=len(self._workers),
                waiting=self._queue.qsize(),
                busy=self._busy,
                completed=self._completed,
                failed=self._failed,
                busy_s=self._busy_s,
                hung=len(self._hung),
            )

    def close(self) -> None:
        """Ends the threads and refuses the calls that still wait; blocks for the inferences that run and do not hang."""
        with self._lock:
            if self._closed.is_set():
                return
            self._closed.set()
            waiting = self._drain()
            for _ in range(len(self._workers) + len(self._hung)):
                self._queue.put(None)
        self._refuse(waiting, "the detector pool is closed")
        self._join()

    def release_hung(self) -> None:
        """Fails the calls that take longer than `hang_s`, and replaces their workers; any thread, once a second is enough."""
        for call in self._take_hung():
            call.answer.set_exception(DetectorFailed(f"the detector gave no result within {self._hang_s:g} s"))
            call.context.copy().run(  # a copy, as its worker may be logging with this very context
                logger.error,
                "the detector hangs on frame %d: no result within %g s, its worker is replaced (%d hang)",
                call.frame.index,
                self._hang_s,
                len(self._hung),
            )
        self._replace()

    def _hire(self, request: InferRequest | None) -> Worker:
        worker = Worker(self._hired, request=request, calls=self._queue, serve=self._serve)
        self._hired += 1
        worker.start()
        return worker

    def _join(self) -> None:
        """Waits for the threads, but not for ever where some may hang."""
        if self._watch is not None:
            self._watch.join(CLOSE_S)
        ends_at = None if self._hang_s is None else time.monotonic() + CLOSE_S
        ended = [one.join(None if ends_at is None else max(0.0, ends_at - time.monotonic())) for one in self._workers]
        left = len(self._hung) + ended.count(False)
        if left:
            logger.warning("%d threads of the detector hang, and are left behind", left)

    def _release_each(self, interval_s: float) -> None:
        """What the thread does that looks after the others until the pool closes."""
        while not self._closed.wait(interval_s):
            try:
                self.release_hung()
            except Exception:
                logger.exception("a worker that hangs could not be replaced")

    def _take_hung(self) -> list[Call]:
        """The calls that hang; their workers have no place any more."""
        if self._hang_s is None:
            return []
        with self._lock:
            before = self._clock() - self._hang_s
            calls = [(worker, worker.call) for worker in self._workers if worker.started_at <= before]
            found = {worker: call for worker, call in calls if call is not None}
            for worker in found:
                self._workers.discard(worker)
                self._hung.add(worker)
                self._busy -= 1
                self._failed += 1
                self._busy_s += self._hang_s
            return list(found.values())

    def _replace(self) -> None:
        """Has others take the places of those that hang; with too many that do there are none, and whoever waits is refused."""
        with self._lock:
            if self._closed.is_set():
                return
            while len(self._hung) <= MOST_HUNG_FACTOR * self._size and len(self._workers) < self._size:
                self._workers.add(self._hire(None))
            waiting = [] if self._workers else self._drain()
        self._refuse(waiting, "the detector hangs")

    def _drain(self) -> list[Call]:
        """Takes all waiting calls out of the queue."""
        calls: list[Call] = []
        while True:
            try:
                call = self._queue.get_nowait()
            except queue.Empty:
                return calls
            if call is not None:
                calls.append(call)

    def _refuse(self, calls: list[Call], reason: str) -> None:
        for call in calls:
            if call.answer.set_running_or_notify_cancel():
                call.answer.set_exception(DetectorFailed(reason))

    def _serve(self, worker: Worker, call: Call) -> bool:
        """Runs one call and gives its result, or what went wrong, to its caller; returns whether the worker goes on."""
        started_at = self._begin(worker, call)
        try:
            worker.request = worker.request or self._detector.create_request()
            result = worker.request.detect(call.frame, call.options)
        except InvalidRequest as exc:
            if self._end(worker, failed=1):
                call.answer.set_exception(exc)
        # Broad on purpose: whatever the engine raises belongs to this caller, and the worker lives on for the others.
        except Exception as exc:  # noqa: BLE001 - logged with its traceback, but not thirty times a second
            self._log_failure(call)
            failure = DetectorFailed(f"the detector failed: {exc}")
            failure.__cause__ = exc
            if self._end(worker, failed=1):
                call.answer.set_exception(failure)
        else:
            timing = replace(result.timing, queue_ms=(started_at - call.queued_at) * 1e3)
            if self._end(worker, completed=1):
                call.answer.set_result(replace(result, timing=timing))
        with self._lock:
            return worker in self._workers

    def _begin(self, worker: Worker, call: Call) -> float:
        with self._lock:
            worker.started_at = self._clock()
            worker.call = call
            self._busy += 1
            return worker.started_at

    def _end(self, worker: Worker, *, completed: int = 0, failed: int = 0) -> bool:
        """Counts a call, and returns whether its caller still waits: not where it took so long that it was called hung."""
        with self._lock:
            worker.call = None
            if worker in self._hung:
                self._take_back(worker)
                return False
            self._busy -= 1
            self._completed += completed
            self._failed += failed
            self._busy_s += self._clock() - worker.started_at
            return True

    def _take_back(self, worker: Worker) -> None:
        """One that hung has come back: it takes a place that is free, or ends."""
        self._hung.discard(worker)
        if len(self._workers) < self._size:
            self._workers.add(worker)

    def _log_failure(self, call: Call) -> None:
        """One line in FAILURE_LOG_INTERVAL_S, with the ids of whoever the frame belongs to."""
        with self._lock:
            now = self._clock()
            if now - self._failure_logged_at < FAILURE_LOG_INTERVAL_S:
                self._unlogged += 1
                return
            more, self._unlogged, self._failure_logged_at = self._unlogged, 0, now
        text = "the detector failed on frame %d, and on %d more since the last line"
        call.context.run(logger.exception, text, call.frame.index, more)
