"""Detectors that go wrong under one stream: that of the witness goes on, and one line tells of it."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import aiohttp
import msgspec
import pytest

from server.config.settings import Inference, Settings, Videos
from server.config.watching import Alerts
from server.domain.detection import DetectionResult, DetectOptions
from server.domain.frame import Frame
from tests.conftest import Client, ClientFactory
from tests.faults.witness import Witness
from tests.marked_video import MarkedVideoTrack
from tests.transports.rig import Client as Peer
from tests.transports.rig import FixedDetector, eventually

VICTIM_WIDTH = 544
SDP = {"Content-Type": "application/sdp"}


class FaultyDetector(FixedDetector):
    """A detector that works, but calls `fault` before each frame of the victim's width."""

    def __init__(self, fault: Callable[[Frame], None]) -> None:
        super().__init__()
        self._fault = fault

    def create_request(self) -> "FaultyDetector":
        """All workers share it."""
        return self

    def detect(self, frame: Frame, options: DetectOptions) -> DetectionResult:
        """One box in the middle, or what goes wrong."""
        if frame.width == VICTIM_WIDTH:
            self._fault(frame)
        return super().detect(frame, options)


Beside = Callable[[Callable[[Frame], None]], AbstractAsyncContextManager[tuple[Client, Witness, Peer]]]


@pytest.fixture
def beside(start_client: ClientFactory, settings: Settings) -> Beside:
    """Starts a server whose detector has a fault, with the witness and the victim on it."""
    short = msgspec.structs.replace(
        settings, inference=Inference(workers=2, hang_s=0.4), alerts=Alerts(enabled=False), videos=Videos(enabled=False)
    )

    @asynccontextmanager
    async def start(fault: Callable[[Frame], None]) -> AsyncIterator[tuple[Client, Witness, Peer]]:
        server = await start_client(short, detector=FaultyDetector(fault))
        url = str(server.make_url("/"))
        victim = Peer(track=MarkedVideoTrack(fps=12, width=VICTIM_WIDTH, height=128))
        async with aiohttp.ClientSession() as client, Witness.publishing(client, url) as witness:
            async with client.post(f"{url}whip?return=annotated", data=await victim.offer(), headers=SDP) as answer:
                await victim.accept(await answer.text())
            yield server, witness, victim
            assert (await server.get("/healthz")).status == 200
            await victim.close()

    return start


@pytest.mark.fault("the detector raises on one frame")
async def test_raising_on_one_frame(beside: Beside, caplog: pytest.LogCaptureFixture) -> None:
    """That frame has no result, the next one has."""

    def fail(frame: Frame) -> None:
        if frame.index == 5:
            raise RuntimeError("not this one")

    async with beside(fail) as (server, witness, victim):
        await eventually(lambda: any(message["frame"] > 7 for message in victim.messages))
        assert 5 not in [message["frame"] for message in victim.messages]
        await witness.keeps_up()
        assert (await server.get("/readyz")).status == 200
    assert [record.getMessage() for record in caplog.records if record.levelname in ("WARNING", "ERROR")] == [
        "the detector failed on frame 5, and on 0 more since the last line"
    ]


@pytest.mark.fault("the detector raises on every frame of a stream")
async def test_raising_on_every_frame(beside: Beside, caplog: pytest.LogCaptureFixture) -> None:
    """Its pictures come back without boxes; the log is not filled."""

    def fail(frame: Frame) -> None:
        raise RuntimeError("none of them")

    async with beside(fail) as (server, witness, victim):
        await eventually(lambda: len(victim.numbers) > 20)
        assert not any("frame" in message for message in victim.messages)
        await witness.keeps_up()
        assert (await server.get("/readyz")).status == 200
    told = [record.getMessage() for record in caplog.records if record.levelname in ("WARNING", "ERROR")]
    assert len(told) == 1
    assert "the detector failed on frame" in told[0]


@pytest.mark.fault("the detector hangs on one frame")
async def test_hanging_on_one_frame(beside: Beside, caplog: pytest.LogCaptureFixture) -> None:
    """Its worker is replaced, and the stream goes on with later frames."""
    released = threading.Event()

    def hang(frame: Frame) -> None:
        if frame.index == 5:
            released.wait(20)

    async with beside(hang) as (server, witness, victim):
        await eventually(lambda: any(message["frame"] > 7 for message in victim.messages))
        await witness.keeps_up()
        assert (await server.get("/readyz")).status == 200
        released.set()
    told = [record.getMessage() for record in caplog.records if record.levelname in ("WARNING", "ERROR")]
    assert told == ["the detector hangs on frame 5: no result within 0.4 s, its worker is replaced (1 hang)"]


@pytest.mark.fault("the detector hangs on every frame of a stream")
async def test_hanging_on_every_frame(beside: Beside) -> None:
    """Readiness goes when all of its threads hang, and video goes on without boxes; it comes back with the detector."""
    released = threading.Event()

    def hang(frame: Frame) -> None:
        released.wait(20)

    async with beside(hang) as (server, witness, victim):

        async def ready() -> bool:
            return (await server.get("/readyz")).status == 200

        while await ready():  # noqa: ASYNC110 - the server tells nobody
            await asyncio.sleep(0.05)
        pictures = len(witness.numbers), len(victim.numbers)
        await eventually(lambda: len(witness.numbers) > pictures[0] + 5 and len(victim.numbers) > pictures[1] + 5)
        released.set()
        await eventually(lambda: any("frame" in message for message in victim.messages))
        await witness.keeps_up()
        assert await ready()
