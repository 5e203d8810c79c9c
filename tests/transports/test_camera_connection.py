"""Tests of keeping a camera connected, with readers that do as they are told."""

import asyncio
import threading

import numpy as np

from server.domain.camera import CameraState
from server.domain.encoded import EncodedPacket, VideoCodec
from server.domain.errors import AddressRefused, CameraFailed
from server.domain.frame import Frame, PixelLayout
from server.transports.camera_connection import MOST_HANGING, CameraConnection, Patience, Report
from server.transports.camera_feed import CameraFeed, CameraSource

CODEC = VideoCodec("h264")
PIXELS = np.zeros((96, 64), np.uint8)


class Camera:
    """A camera that a test plays: each connection runs until the test ends it with `fail`.

    Where it `hangs` a reader that is stopped goes on, until it may `come_back`.
    """

    def __init__(self, *, patience: Patience | None = None, jitter: float = 0.0, hangs: bool = False) -> None:
        self.now = 1000.0
        self.reports: list[Report] = []
        self.readers: list[Reader] = []
        self.knocks = 0
        self.answers = False
        self.source = CameraSource()
        self._hangs = hangs
        self._reported = asyncio.Event()
        self.connection = CameraConnection(
            name="Door",
            open_feed=lambda: CameraFeed(source=self.source, packets=None, patience_s=4, clock=lambda: self.now),
            open_reader=self._open,
            knock=self._knock,
            report=self._report,
            patience=patience or Patience(connect_s=5, read_s=4, most_wait_s=30),
            clock=lambda: self.now,
            jitter=lambda: jitter,
        )

    def _open(self, feed: CameraFeed) -> "Reader":
        self.readers.append(Reader(feed, hangs=self._hangs))
        return self.readers[-1]

    async def _knock(self) -> bool:
        self.knocks += 1
        return self.answers

    def _report(self, report: Report) -> None:
        self.reports.append(report)
        self._reported.set()

    async def becomes(self, state: CameraState) -> Report:
        """The newest report once it is of that state."""
        async with asyncio.timeout(20):
            while not self.reports or self.reports[-1].state is not state:
                self._reported.clear()
                await self._reported.wait()
        return self.reports[-1]

    async def connects(self, count: int) -> "Reader":
        """The reader of that connection, once it runs."""
        async with asyncio.timeout(20):
            while len(self.readers) < count:  # noqa: ASYNC110 - what a reader is opened for is not ours to signal
                await asyncio.sleep(0.01)
        return self.readers[count - 1]


class Reader:
    """Delivers what a test gives it."""

    def __init__(self, feed: CameraFeed, *, hangs: bool) -> None:
        self.feed = feed
        self.stopped = False
        self._hangs = hangs
        self._ended = threading.Event()
        self._failure: Exception | None = None

    def run(self) -> None:
        """Waits for its end."""
        self._ended.wait(30)
        if self._failure is not None:
            raise self._failure

    def stop(self) -> None:
        """Notes it."""
        self.stopped = True
        if not self._hangs:
            self.come_back()

    def come_back(self) -> None:
        """Its thread ends."""
        self._ended.set()

    def deliver(self) -> None:
        """A picture comes."""
        self.feed.put_packet(EncodedPacket(b"x", CODEC, keyframe=True, received_at=0, time_s=0))
        self.feed.put_frame(Frame(PIXELS, PixelLayout.I420, received_at=1.0))

    def fail(self, failure: Exception) -> None:
        """The connection ends."""
        self._failure = failure
        self.come_back()


async def play(camera: Camera) -> "asyncio.Task[None]":
    """Has the connection run."""
    return asyncio.create_task(camera.connection.run())


async def end(task: "asyncio.Task[None]") -> None:
    """Ends it."""
    task.cancel()
    await asyncio.wait([task])


async def test_waits_longer_each_time() -> None:
    """One second, two, four, up to the most; a little less by chance, so that not all cameras come at once."""
    camera = Camera(patience=Patience(most_wait_s=6))
    task = await play(camera)
    for number, wait_s in enumerate((0.75, 1.5, 3.0, 4.5, 4.5), 1):
        (await camera.connects(number)).fail(CameraFailed("No such path."))
        async with asyncio.timeout(20):
            while len(camera.reports) <= number:  # noqa: ASYNC110 - as above
                await asyncio.sleep(0.01)
        report = camera.reports[-1]
        assert (report.state, report.reason, report.next_try_s) == (CameraState.UNREACHABLE, "No such path.", wait_s)
        camera.connection._nudged.set()  # the wait is over
    await end(task)


async def test_a_connection_that_is_ended_leaves_no_task() -> None:
    """A camera that is removed or changed while it plays: nobody waits for anything any more."""
    before = asyncio.all_tasks()
    camera = Camera()
    task = await play(camera)
    (await camera.connects(1)).deliver()
    await end(task)
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == before


async def test_a_good_connection_that_breaks_is_made_again_at_once() -> None:
    """What was live has not failed before."""
    camera = Camera()
    task = await play(camera)
    (await camera.connects(1)).deliver()
    await camera.becomes(CameraState.LIVE)
    camera.now += 60
    camera.readers[0].feed.last_packet_at = camera.now
    camera.readers[0].fail(CameraFailed("It has ended the video."))
    report = await camera.becomes(CameraState.CONNECTING)
    assert (report.reason, report.next_try_s) == ("It has ended the video.", 0.1)
    (await camera.connects(2)).deliver()
    await camera.becomes(CameraState.LIVE)
    await end(task)


async def test_silence_is_a_stall_whatever_the_thread_does() -> None:
    """A reader that hangs is left behind, and another takes its place."""
    camera = Camera()
    task = await play(camera)
    (await camera.connects(1)).deliver()
    await camera.becomes(CameraState.LIVE)
    camera.now += 4.5
    report = await camera.becomes(CameraState.STALLED)
    assert report.reason == "No new picture has come for 4 s."
    assert camera.readers[0].stopped
    (await camera.connects(2)).deliver()
    await camera.becomes(CameraState.LIVE)
    await end(task)


async def test_a_camera_that_connects_and_shows_nothing() -> None:
    """After the time that connecting and a key frame may take it counts as unreachable."""
    camera = Camera()
    task = await play(camera)
    await camera.connects(1)
    camera.now += 15
    report = await camera.becomes(CameraState.UNREACHABLE)
    assert report.reason == "The camera is connected, but no picture comes."
    await end(task)


async def test_wrong_passwords_are_not_tried_again_soon() -> None:
    """Cameras lock out who guesses."""
    camera = Camera()
    task = await play(camera)
    (await camera.connects(1)).fail(CameraFailed("Wrong.", unauthorised=True))
    assert (await camera.becomes(CameraState.UNAUTHORISED)).next_try_s == 30
    await end(task)


async def test_a_refused_address_is_unreachable() -> None:
    """As its name may stand for something else later, it is tried again, seldom."""
    camera = Camera()
    task = await play(camera)
    (await camera.connects(1)).fail(AddressRefused("Not here."))
    report = await camera.becomes(CameraState.UNREACHABLE)
    assert (report.reason, report.next_try_s) == ("Not here.", 30)
    await end(task)


async def test_whoever_asks_gets_a_new_connection_at_once() -> None:
    """In the middle of a wait, and in the middle of a connection."""
    camera = Camera()
    task = await play(camera)
    (await camera.connects(1)).fail(CameraFailed("Wrong.", unauthorised=True))
    await camera.becomes(CameraState.UNAUTHORISED)
    camera.connection.reconnect()
    await camera.connects(2)
    camera.connection.reconnect()
    await camera.connects(3)
    assert camera.readers[1].stopped
    assert camera.reports[-1].state is CameraState.CONNECTING
    await end(task)


async def test_whoever_asks_leaves_no_more_threads_behind_than_may_hang() -> None:
    """With more of them the next connection begins when one has come back."""
    camera = Camera(hangs=True)
    task = await play(camera)
    most = MOST_HANGING + 1  # those left behind, and the one that runs
    for count in range(1, most + 1):
        await camera.connects(count)
        camera.connection.reconnect()
    async with asyncio.timeout(20):
        while not camera.readers[-1].stopped:  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.01)
    await asyncio.sleep(0.05)
    assert len(camera.readers) == most
    camera.readers[0].come_back()
    await camera.connects(most + 1)
    await end(task)
    for reader in camera.readers:
        reader.come_back()


async def test_what_goes_wrong_in_a_reader_ends_that_connection_alone() -> None:
    """A fault of ours is logged, and the camera is tried again."""
    camera = Camera()
    task = await play(camera)
    (await camera.connects(1)).fail(RuntimeError("a fault"))
    report = await camera.becomes(CameraState.UNREACHABLE)
    assert report.reason is not None
    assert "a fault" not in report.reason
    await end(task)


async def test_only_the_newest_picture_waits_for_the_loop() -> None:
    """A loop that is held up finds one picture, however many came; they are numbered over all connections."""
    source = CameraSource()

    def deliver() -> None:
        for number in range(50):
            source.put_frame(Frame(PIXELS, PixelLayout.I420, received_at=float(number)))

    thread = threading.Thread(target=deliver)
    thread.start()
    thread.join()  # the loop does nothing meanwhile
    frames = source.frames()
    frame = await anext(frames)
    assert (frame.index, frame.received_at) == (49, 49.0)
    assert source.lost == 49
    await frames.aclose()  # type: ignore[attr-defined]  # an async generator
