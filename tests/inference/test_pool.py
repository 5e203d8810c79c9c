"""The pool serves callers in the order of their arrival; a failure reaches only the one it belongs to."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable

import pytest

from server.domain.detection import DetectionResult, Detections, DetectOptions, Timing
from server.domain.errors import DetectorFailed, InvalidRequest
from server.domain.frame import Frame
from server.domain.model import ModelInfo
from server.inference import pool as pool_module
from server.inference.pool import MOST_HUNG_FACTOR, DetectorPool
from server.inference.worker import Worker
from tests.builders import make_frame

OPTIONS = DetectOptions(confidence=0.5, iou=0.7)
INFO = ModelInfo("scripted", ("firearm",), 0.5, 0.7, 320, "none", ("test", "1"))


class ScriptedDetector:
    """Runs a function for each frame, on the worker's thread, and notes which frames came."""

    def __init__(self, script: Callable[[Frame], None] = lambda frame: None) -> None:
        self.info = INFO
        self.script = script
        self.served: list[int] = []
        self.threads: set[str] = set()
        self.requests = 0

    def create_request(self) -> "ScriptedDetector":
        """All workers share the script."""
        self.requests += 1
        return self

    def detect(self, frame: Frame, options: DetectOptions) -> DetectionResult:
        """Runs the script."""
        self.served.append(frame.index)
        self.threads.add(threading.current_thread().name)
        self.script(frame)
        return DetectionResult(Detections.empty(), Timing(0, 1, 2, 3))


class Gate:
    """A script that holds every frame until it is opened."""

    def __init__(self) -> None:
        self.opened = threading.Event()
        self.entered = threading.Semaphore(0)

    def __call__(self, frame: Frame) -> None:
        """Waits, but never for ever."""
        self.entered.release()
        assert self.opened.wait(10)

    async def reached(self) -> None:
        """Waits until a worker stands at the gate."""
        await asyncio.to_thread(self.entered.acquire)


def _no_thread(worker: Worker) -> None:
    raise RuntimeError("can't start new thread")


@pytest.fixture
async def close() -> AsyncIterator[Callable[[DetectorPool], DetectorPool]]:
    """Closes pools at the end of the test."""
    pools: list[DetectorPool] = []

    def later(pool: DetectorPool) -> DetectorPool:
        pools.append(pool)
        return pool

    yield later
    for pool in pools:
        pool.close()


Closing = Callable[[DetectorPool], DetectorPool]


async def test_a_result_comes_back_with_the_wait_for_it(close: Closing) -> None:
    """The times of the detector stay, and the wait for a worker is added."""
    gate = Gate()
    pool = close(DetectorPool(ScriptedDetector(gate), workers=1))

    first = asyncio.create_task(pool.detect(make_frame(), OPTIONS))
    await gate.reached()
    second = asyncio.create_task(pool.detect(make_frame(), OPTIONS))
    await asyncio.sleep(0.02)
    gate.opened.set()

    assert (await first).timing.inference_ms == 2
    assert (await second).timing.queue_ms > 15
    assert pool.info is INFO


async def test_frames_are_served_in_the_order_of_arrival(close: Closing) -> None:
    """Nobody is overtaken."""
    gate = Gate()
    detector = ScriptedDetector(gate)
    pool = close(DetectorPool(detector, workers=1))

    calls = [asyncio.create_task(pool.detect(make_frame(index=index), OPTIONS)) for index in range(6)]
    await gate.reached()
    gate.opened.set()
    await asyncio.gather(*calls)

    assert detector.served == [0, 1, 2, 3, 4, 5]


async def test_each_worker_is_a_thread_of_its_own_with_its_own_request(close: Closing) -> None:
    """Two workers run two frames at once, beside the loop's executor."""
    gate = Gate()
    detector = ScriptedDetector(gate)
    pool = close(DetectorPool(detector, workers=2))

    calls = [asyncio.create_task(pool.detect(make_frame(), OPTIONS)) for _ in range(2)]
    await gate.reached()
    await gate.reached()
    busy = pool.stats().busy
    gate.opened.set()
    await asyncio.gather(*calls)

    assert busy == 2
    assert detector.threads == {"detector-0", "detector-1"}
    assert detector.requests == 2


async def test_a_failure_reaches_its_caller_and_the_worker_lives_on(close: Closing) -> None:
    """The next frame is served by the same thread."""

    def fail_on_first(frame: Frame) -> None:
        if frame.index == 0:
            raise ValueError("broken frame")

    pool = close(DetectorPool(ScriptedDetector(fail_on_first), workers=1))

    with pytest.raises(DetectorFailed, match="broken frame") as failure:
        await pool.detect(make_frame(index=0), OPTIONS)
    result = await pool.detect(make_frame(index=1), OPTIONS)

    assert isinstance(failure.value.__cause__, ValueError)
    assert len(result.detections) == 0
    assert (pool.stats().failed, pool.stats().completed) == (1, 1)


async def test_a_detector_that_always_fails_logs_one_traceback_in_ten_seconds(
    close: Closing, caplog: pytest.LogCaptureFixture
) -> None:
    """The next one tells how many there were in between."""
    now = 0.0

    def fail(frame: Frame) -> None:
        raise ValueError("broken model")

    pool = close(DetectorPool(ScriptedDetector(fail), workers=1, clock=lambda: now))

    for at in (0.0, 0.1, 9.9, 10.0):
        now = at
        with pytest.raises(DetectorFailed):
            await pool.detect(make_frame(), OPTIONS)

    assert [record.getMessage() for record in caplog.records] == [
        "the detector failed on frame 0, and on 0 more since the last line",
        "the detector failed on frame 0, and on 2 more since the last line",
    ]
    assert all(record.exc_info for record in caplog.records)
    assert pool.stats().failed == 4


async def test_a_wish_that_the_model_cannot_meet_stays_a_wrong_request(close: Closing) -> None:
    """An input size that does not exist is the caller's mistake, not the detector's."""

    def refuse(frame: Frame) -> None:
        raise InvalidRequest("imgsz: no")

    pool = close(DetectorPool(ScriptedDetector(refuse), workers=1))

    with pytest.raises(InvalidRequest, match="imgsz"):
        await pool.detect(make_frame(), OPTIONS)


async def test_a_caller_who_left_costs_no_inference(close: Closing) -> None:
    """A frame whose caller was cancelled while it waited is skipped."""
    gate = Gate()
    detector = ScriptedDetector(gate)
    pool = close(DetectorPool(detector, workers=1))

    first = asyncio.create_task(pool.detect(make_frame(index=0), OPTIONS))
    await gate.reached()
    left = asyncio.create_task(pool.detect(make_frame(index=1), OPTIONS))
    last = asyncio.create_task(pool.detect(make_frame(index=2), OPTIONS))
    await asyncio.sleep(0)
    left.cancel()
    await asyncio.sleep(0)
    gate.opened.set()
    await asyncio.gather(first, last)

    assert detector.served == [0, 2]
    assert pool.stats().completed == 2


async def test_a_caller_who_leaves_during_its_inference_harms_nobody(close: Closing) -> None:
    """The result is thrown away and the worker goes on."""
    gate = Gate()
    pool = close(DetectorPool(ScriptedDetector(gate), workers=1))

    left = asyncio.create_task(pool.detect(make_frame(), OPTIONS))
    await gate.reached()
    left.cancel()
    gate.opened.set()
    with pytest.raises(asyncio.CancelledError):
        await left

    assert len((await pool.detect(make_frame(), OPTIONS)).detections) == 0


async def test_closing_ends_the_threads_and_refuses_those_who_wait() -> None:
    """The running frame is finished, the waiting ones fail, and no thread is left."""
    others = threading.enumerate()
    gate = Gate()
    pool = DetectorPool(ScriptedDetector(gate), workers=1)
    running = asyncio.create_task(pool.detect(make_frame(), OPTIONS))
    await gate.reached()
    waiting = asyncio.create_task(pool.detect(make_frame(), OPTIONS))
    await asyncio.sleep(0)

    closing = asyncio.create_task(asyncio.to_thread(pool.close))
    with pytest.raises(DetectorFailed, match="closed"):
        await waiting
    gate.opened.set()
    await closing

    assert (await running).timing.inference_ms == 2
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("detector-") and thread not in others]


async def test_a_closed_pool_refuses_frames() -> None:
    """Closing twice is harmless, asking afterwards is an error."""
    pool = DetectorPool(ScriptedDetector(), workers=2)
    pool.close()
    pool.close()

    with pytest.raises(DetectorFailed, match="closed"):
        await pool.detect(make_frame(), OPTIONS)


async def test_a_frame_that_hangs_is_given_up_and_its_worker_replaced(close: Closing, caplog: pytest.LogCaptureFixture) -> None:
    """Its caller hears of it, the others are served by another thread, and one line says so."""
    gate, now = Gate(), 0.0
    detector = ScriptedDetector(lambda frame: gate(frame) if frame.index == 0 else None)
    pool = close(DetectorPool(detector, workers=1, hang_s=60.0, clock=lambda: now))
    hanging = asyncio.create_task(pool.detect(make_frame(index=0), OPTIONS))
    await gate.reached()
    waiting = asyncio.create_task(pool.detect(make_frame(index=1), OPTIONS))
    now = 59.0
    pool.release_hung()
    assert not caplog.records
    now = 60.0
    pool.release_hung()
    with pytest.raises(DetectorFailed, match="no result within 60 s"):
        await hanging
    await waiting
    assert [record.getMessage() for record in caplog.records] == [
        "the detector hangs on frame 0: no result within 60 s, its worker is replaced (1 hang)"
    ]
    assert detector.threads == {"detector-0", "detector-1"}
    assert (pool.stats().hung, pool.stats().failed, pool.stats().completed, pool.answers) == (1, 1, 1, True)
    gate.opened.set()
    await asyncio.to_thread(_until, lambda: pool.stats().hung == 0)
    assert pool.stats().workers == 1


async def test_a_detector_that_always_hangs_is_said_to_and_may_come_back(close: Closing) -> None:
    """With too many threads in it nobody waits any more; when they return, they serve again."""
    gate, now = Gate(), 0.0
    pool = close(DetectorPool(ScriptedDetector(gate), workers=1, hang_s=60.0, clock=lambda: now))
    for number in range(1 + MOST_HUNG_FACTOR):
        hanging = asyncio.create_task(pool.detect(make_frame(index=number), OPTIONS))
        await gate.reached()
        waiting = asyncio.create_task(pool.detect(make_frame(index=9), OPTIONS)) if number == MOST_HUNG_FACTOR else None
        await asyncio.sleep(0)
        now += 60.0
        pool.release_hung()
        with pytest.raises(DetectorFailed, match="no result"):
            await hanging
    assert waiting is not None
    for refused in (waiting, pool.detect(make_frame(), OPTIONS)):
        with pytest.raises(DetectorFailed, match="the detector hangs"):
            await refused
    assert not pool.answers
    gate.opened.set()
    await asyncio.to_thread(_until, lambda: pool.stats().hung == 0)
    await pool.detect(make_frame(), OPTIONS)
    assert (pool.answers, pool.stats().workers) == (True, 1)


async def test_a_worker_that_cannot_be_replaced_is_tried_again(close: Closing, monkeypatch: pytest.MonkeyPatch) -> None:
    """The system has no thread to give at that moment: the caller is told all the same, and the next look finds one."""
    gate, now = Gate(), 0.0
    detector = ScriptedDetector(lambda frame: gate(frame) if frame.index == 0 else None)
    pool = close(DetectorPool(detector, workers=1, hang_s=60.0, clock=lambda: now))
    hanging = asyncio.create_task(pool.detect(make_frame(index=0), OPTIONS))
    await gate.reached()
    with monkeypatch.context() as patched:
        patched.setattr(Worker, "start", _no_thread)
        now = 60.0
        with pytest.raises(RuntimeError, match="can't start new thread"):
            pool.release_hung()
        with pytest.raises(DetectorFailed, match="no result"):
            await hanging
        assert not pool.answers
    pool.release_hung()
    await pool.detect(make_frame(index=1), OPTIONS)
    gate.opened.set()


async def test_a_pool_that_hangs_can_be_closed(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server must come to its end, whatever its engine does."""
    monkeypatch.setattr(pool_module, "CLOSE_S", 0.05)
    gate = Gate()
    pool = DetectorPool(ScriptedDetector(gate), workers=1, hang_s=60.0)
    running = asyncio.create_task(pool.detect(make_frame(), OPTIONS))
    await gate.reached()
    await asyncio.to_thread(pool.close)
    assert "1 threads of the detector hang" in caplog.text
    gate.opened.set()
    await running


async def test_the_counters_tell_what_the_pool_does(close: Closing) -> None:
    """Waiting, busy and done are told apart, and the time in work is measured with the pool's clock."""
    gate = Gate()
    ticks = iter(range(100))
    pool = close(DetectorPool(ScriptedDetector(gate), workers=1, clock=lambda: float(next(ticks))))

    calls = [asyncio.create_task(pool.detect(make_frame(), OPTIONS)) for _ in range(3)]
    await gate.reached()
    during = pool.stats()
    gate.opened.set()
    await asyncio.gather(*calls)
    after = pool.stats()

    assert (during.workers, during.busy, during.waiting, during.completed) == (1, 1, 2, 0)
    assert (after.busy, after.waiting, after.completed, after.failed) == (0, 0, 3, 0)
    assert after.busy_s > 0


def _until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)
