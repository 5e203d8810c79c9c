"""The connection to a camera: made, watched over, and made again for as long as the camera is wanted."""

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from server.domain.camera import CameraState
from server.domain.errors import AddressRefused, CameraFailed
from server.transports.camera_feed import CameraFeed
from server.transports.own_thread import in_own_thread

logger = logging.getLogger(__name__)

# How often it is looked whether pictures come.
WATCH_S = 0.2
# A connection that lasted so long was a good one: what follows is a new failure, and is tried again at once.
GOOD_AFTER_S = 5.0
FIRST_WAIT_S = 1.0
# Where nothing answers, somebody knocks so often while the next try is still far away.
KNOCK_EVERY_S = 4.0
# Threads that FFmpeg has not given back; with more of them it is only waited.
MOST_HANGING = 2


class Reader(Protocol):
    """Reads a camera on a thread of its own."""

    def run(self) -> None:
        """Reads until it fails or is stopped; raises CameraFailed or AddressRefused."""

    def stop(self) -> None:
        """Ends it soon; any thread."""


@dataclass(frozen=True, slots=True)
class Report:
    """How a connection is; `next_try_s` is in how many seconds it is tried again."""

    state: CameraState
    reason: str | None = None
    next_try_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long is waited: for an answer, for the next picture, and at most between two tries."""

    connect_s: float = 5.0
    read_s: float = 4.0
    most_wait_s: float = 30.0


_Ended = tuple[bool, BaseException | None]
"""Whether a connection has ended, and what ended it."""


class CameraConnection:
    """Keeps one address of a camera connected, from `run()` to its cancellation.

    `open_feed` makes what the next connection delivers to, `open_reader` the reader for it. `knock` finds out whether anything
    answers at the address at all. `report` is told of each change.
    """

    def __init__(
        self,
        *,
        name: str,
        open_feed: Callable[[], CameraFeed],
        open_reader: Callable[[CameraFeed], Reader],
        knock: Callable[[], Awaitable[bool]],
        report: Callable[[Report], None],
        patience: Patience,
        clock: Callable[[], float] = time.monotonic,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._name = name
        self._open_feed = open_feed
        self._open_reader = open_reader
        self._knock = knock
        self._report = report
        self._patience = patience
        self._clock = clock
        self._jitter = jitter
        self._nudged = asyncio.Event()
        self._failures = 0
        self._hanging: list[asyncio.Future[None]] = []
        self.feed: CameraFeed | None = None

    def reconnect(self) -> None:
        """Ends the connection, or the wait for the next try, and tries at once."""
        self._failures = 0
        self._nudged.set()

    async def run(self) -> None:
        """Connects for ever."""
        self._report(Report(CameraState.CONNECTING))
        while True:
            await self._room_for_a_thread()
            self._nudged.clear()
            began = self._clock()
            failure, lived_s = await self._connect()
            if failure is None:
                self._report(Report(CameraState.CONNECTING))
                continue
            if lived_s >= GOOD_AFTER_S:
                self._failures = 0
            self._failures += 1
            await self._wait(failure, lived_s=lived_s, began=began)

    async def _connect(self) -> tuple[BaseException | None, float]:
        """One connection from beginning to end: what ended it, None for `reconnect()`; and for how many seconds it was live."""
        feed = self._open_feed()
        reader = self._open_reader(feed)
        reading = in_own_thread(reader.run, name=f"camera {self._name}")
        self.feed = feed
        began, live_at = self._clock(), None
        try:
            while True:
                await self._anything(reading)
                if live_at is None and feed.delivers:
                    live_at = self._clock()
                    self._report(Report(CameraState.LIVE))
                ended, failure = self._has_ended(reading, feed, began=began)
                if ended:
                    return failure, 0.0 if live_at is None else self._clock() - live_at
        finally:
            reader.stop()
            self._leave(reading)

    async def _anything(self, reading: "asyncio.Future[None]") -> None:
        """Returns when the reader has ended or somebody wants a new connection, and after a moment in any case."""
        nudge = asyncio.ensure_future(self._nudged.wait())
        ending = asyncio.ensure_future(asyncio.wait([reading]))
        try:
            await asyncio.wait([ending, nudge], timeout=WATCH_S, return_when=asyncio.FIRST_COMPLETED)
        finally:  # a camera that is removed or changed is cancelled here
            nudge.cancel()
            ending.cancel()

    def _has_ended(self, reading: "asyncio.Future[None]", feed: CameraFeed, *, began: float) -> _Ended:
        if self._nudged.is_set():
            return True, None
        if reading.done():
            return True, reading.exception() or CameraFailed("The camera has ended the video.")
        if feed.delivers:
            patience_s = feed.patience_s
            return feed.silent_s() > patience_s, CameraFailed(f"No new picture has come for {patience_s:g} s.", stalled=True)
        # Opening has two steps with a time-out each; then the first key frame may take as long as a read.
        most_s = 2 * self._patience.connect_s + max(self._patience.read_s, feed.patience_s)
        return self._clock() - began > most_s, CameraFailed("The camera is connected, but no picture comes.")

    def _leave(self, reading: "asyncio.Future[None]") -> None:
        """Forgets a thread that does not come back at once: it ends with the time-out of what it does."""
        if not reading.done():
            reading.add_done_callback(_retrieve)
            self._hanging.append(reading)

    async def _wait(self, failure: BaseException, *, lived_s: float, began: float) -> None:
        """Tells what is wrong and returns when it is time for the next try."""
        if not isinstance(failure, CameraFailed | AddressRefused):
            # The supervisor of a camera: whatever goes wrong in reading one ends that connection alone.
            logger.error("camera %s: reading it failed", self._name, exc_info=failure)
            failure = CameraFailed("Reading the camera failed; the log of the server says more.")
        wait_s = self._wait_s(failure, lived_s=lived_s)
        self._report(_report(failure, lived_s=lived_s, wait_s=wait_s))
        try:
            async with asyncio.timeout(wait_s):
                if isinstance(failure, CameraFailed) and failure.knock:
                    await self._until_somebody_answers()
                await self._nudged.wait()
        except TimeoutError:
            pass

    async def _room_for_a_thread(self) -> None:
        """Returns when no more threads hang than may, whoever wants a new connection."""
        while len(hanging := [one for one in self._hanging if not one.done()]) > MOST_HANGING:
            await asyncio.wait(hanging, return_when=asyncio.FIRST_COMPLETED)
        self._hanging = hanging

    def _wait_s(self, failure: Exception, *, lived_s: float) -> float:
        if lived_s >= GOOD_AFTER_S:
            return 0.1
        if isinstance(failure, AddressRefused) or (isinstance(failure, CameraFailed) and failure.unauthorised):
            return self._patience.most_wait_s  # cameras lock out who guesses
        wait_s: float = FIRST_WAIT_S * 2 ** min(self._failures - 1, 16)
        return min(wait_s, self._patience.most_wait_s) * (0.75 + self._jitter() / 4)

    async def _until_somebody_answers(self) -> None:
        """Knocks now and then, or returns when it was nudged."""
        while not self._nudged.is_set():
            try:
                async with asyncio.timeout(KNOCK_EVERY_S):
                    await self._nudged.wait()
            except TimeoutError:
                if await self._knock():
                    self._nudged.set()


def _report(failure: Exception, *, lived_s: float, wait_s: float) -> Report:
    if isinstance(failure, CameraFailed) and failure.unauthorised:
        return Report(CameraState.UNAUTHORISED, str(failure), wait_s)
    if isinstance(failure, CameraFailed) and failure.stalled:
        return Report(CameraState.STALLED, str(failure), wait_s)
    if lived_s >= GOOD_AFTER_S:
        return Report(CameraState.CONNECTING, str(failure), wait_s)
    return Report(CameraState.UNREACHABLE, str(failure), wait_s)


def _retrieve(reading: "asyncio.Future[None]") -> None:
    """What a thread that was left alone ends with is of no interest any more."""
    if not reading.cancelled():
        reading.exception()
