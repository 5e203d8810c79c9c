"""Delivery: each message once or marked as unsure, in order, across failures."""

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import UTC
from pathlib import Path

import pytest

from server.alerts import delivery
from server.alerts.channels import Message
from server.alerts.delivery import GIVE_UP_AFTER_S, DeliveryWorker
from server.alerts.outbox import Outbox
from server.domain.delivery import Delivery, DeliveryState, Event
from server.domain.errors import ChannelFailed
from server.storage.database import open_database, sqlite_url
from server.storage.deliveries import DeliveryRecords
from tests.transports.rig import eventually

REFUSED = ChannelFailed("refused", may_have_arrived=False, retry=True)
BROKEN = ChannelFailed("no answer", may_have_arrived=True, retry=True)
FINAL = ChannelFailed("gone", may_have_arrived=False, retry=False)


class ScriptedChannel:
    """A channel that takes messages, or fails as the test says: `failures` are used up one by one."""

    kind, target = "webhook", "test"

    def __init__(self, name: str = "hook", *, failures: list[ChannelFailed] | None = None) -> None:
        self.name = name
        self.failures = failures or []
        self.taken: list[Message] = []
        self.hold = asyncio.Event()
        self.hold.set()

    async def open(self) -> None:
        """Nothing is needed."""

    async def aclose(self) -> None:
        """Nothing is left."""

    async def send(self, message: Message) -> None:
        """Takes it, or fails."""
        await self.hold.wait()
        if self.failures:
            raise self.failures.pop(0)
        self.taken.append(message)


class Rig:
    """A database with its outbox, and a clock that the test moves."""

    def __init__(self, records: DeliveryRecords, executor: ThreadPoolExecutor) -> None:
        self.records = records
        self.executor = executor
        self.now = 1000.0

    @asynccontextmanager
    async def worker(self, *channels: ScriptedChannel) -> AsyncIterator[DeliveryWorker]:
        """A worker that runs inside the block."""
        made = DeliveryWorker(
            channels,
            records=self.records,
            executor=self.executor,
            snapshots=_no_snapshot,
            link_to=lambda alert_id: f"https://here/#/alerts/{alert_id}",
            zone=UTC,
            wall_clock=lambda: self.now,
            jitter=lambda: 0.5,
        )
        made.start()
        try:
            yield made
        finally:
            await made.aclose()

    def add(self, subject: str, *events: Event, channels: tuple[str, ...] = ("hook",)) -> None:
        """Has messages about a subject wait."""
        outbox = Outbox(channels, describe=lambda alert: {}, clock=lambda: self.now)
        for event in events:
            self.records.add(outbox.messages(event, subject=subject, payload={"camera": {"name": subject}}))

    def rows(self, subject: str) -> list[Delivery]:
        """What became of them."""
        return self.records.of_subject(subject)


async def _no_snapshot(alert_id: str) -> bytes | None:
    del alert_id
    return None


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    """A new database."""
    database = open_database(sqlite_url(tmp_path / "records.db"))
    with ThreadPoolExecutor(2) as executor:
        yield Rig(DeliveryRecords(database), executor)
    database.close()


async def test_messages_of_one_subject_arrive_in_order(rig: Rig) -> None:
    """The candidate is refused at first: the verdict waits for it."""
    channel = ScriptedChannel(failures=[REFUSED])
    rig.add("a", Event.CAMERA_LOST, Event.CAMERA_BACK)
    async with rig.worker(channel) as worker:
        await eventually(lambda: rig.rows("a")[0].attempts == 1 and rig.rows("a")[0].state is DeliveryState.PENDING)
        assert channel.taken == []
        rig.now += 10
        worker.wake()
        await eventually(lambda: len(channel.taken) == 2)
    assert [message.event for message in channel.taken] == [Event.CAMERA_LOST, Event.CAMERA_BACK]
    assert [message.repeated for message in channel.taken] == [True, False]
    assert [(row.state, row.unsure) for row in rig.rows("a")] == [(DeliveryState.SENT, False)] * 2


async def test_waits_double_and_end_after_a_day(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """A receiver that is down for a weekend is not asked every second."""
    monkeypatch.setattr(delivery, "FEWEST_TRIES", 4)
    channel = ScriptedChannel(failures=[REFUSED] * 4)
    rig.add("a", Event.CAMERA_LOST)
    waits = []
    async with rig.worker(channel) as worker:
        for attempt in range(1, 4):
            await eventually(lambda n=attempt: rig.rows("a")[0].attempts == n and rig.rows("a")[0].error == "refused")  # type: ignore[misc]
            await eventually(lambda: rig.rows("a")[0].state is DeliveryState.PENDING)
            waits.append(rig.rows("a")[0].next_try_at - rig.now)
            rig.now = rig.rows("a")[0].next_try_at + (GIVE_UP_AFTER_S if attempt == 3 else 0)
            worker.wake()
        await eventually(lambda: rig.rows("a")[0].state is DeliveryState.FAILED)
    assert waits == [1.0, 2.0, 4.0]
    assert worker.outcomes["hook", "failed"] == 1


async def test_a_broken_connection_leaves_doubt_and_the_message_comes_again(rig: Rig) -> None:
    """The same id, marked as repeated; the row says that it may have come twice."""
    channel = ScriptedChannel(failures=[BROKEN])
    rig.add("a", Event.CAMERA_LOST)
    async with rig.worker(channel) as worker:
        await eventually(lambda: rig.rows("a")[0].unsure and rig.rows("a")[0].state is DeliveryState.PENDING)
        rig.now += 10
        worker.wake()
        await eventually(lambda: len(channel.taken) == 1)
    row = rig.rows("a")[0]
    assert (channel.taken[0].id, channel.taken[0].repeated, row.state, row.unsure) == (row.id, True, DeliveryState.SENT, True)


async def test_a_final_refusal_is_not_repeated(rig: Rig) -> None:
    """And what follows it is sent: a verdict matters to whoever could not take the candidate, too."""
    channel = ScriptedChannel(failures=[FINAL])
    rig.add("a", Event.CAMERA_LOST, Event.CAMERA_BACK)
    async with rig.worker(channel):
        await eventually(lambda: len(channel.taken) == 1)
    assert [row.state for row in rig.rows("a")] == [DeliveryState.FAILED, DeliveryState.SENT]


async def test_what_is_being_sent_at_a_clean_end_is_finished(rig: Rig) -> None:
    """A restart for an update leaves no doubt."""
    channel = ScriptedChannel()
    channel.hold.clear()
    rig.add("a", Event.CAMERA_LOST)
    async with rig.worker(channel):
        await eventually(lambda: rig.rows("a")[0].state is DeliveryState.SENDING)
        asyncio.get_running_loop().call_later(0.2, channel.hold.set)
    assert (rig.rows("a")[0].state, rig.rows("a")[0].unsure) == (DeliveryState.SENT, False)


async def test_nobody_waits_for_a_channel_or_an_alert_that_hangs(rig: Rig) -> None:
    """One channel hangs, and one message of the other fails: all else arrives."""
    hanging, working = ScriptedChannel("hanging"), ScriptedChannel("working", failures=[REFUSED])
    hanging.hold.clear()
    for subject in ("a", "b", "c"):
        rig.add(subject, Event.CAMERA_LOST, channels=("hanging", "working"))
    async with rig.worker(hanging, working):
        await eventually(lambda: len(working.taken) == 2)
        assert hanging.taken == []


async def test_what_was_being_sent_at_the_end_is_sent_again_at_the_start(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first worker ends in the middle of it."""
    channel = ScriptedChannel()
    channel.hold.clear()
    rig.add("a", Event.CAMERA_LOST)
    monkeypatch.setattr(delivery, "CLOSE_S", 0.05)
    async with rig.worker(channel):
        await eventually(lambda: rig.rows("a")[0].state is DeliveryState.SENDING)
    channel.hold.set()
    async with rig.worker(channel):
        await eventually(lambda: len(channel.taken) == 1)
    assert (rig.rows("a")[0].state, rig.rows("a")[0].unsure) == (DeliveryState.SENT, True)


async def test_a_clock_that_is_set_costs_no_message(rig: Rig) -> None:
    """Set forward it makes none too old that was hardly tried; set back it makes none wait for the time that was."""
    channel = ScriptedChannel(failures=[REFUSED] * 2)
    rig.add("a", Event.CAMERA_LOST)
    rig.now += 2 * GIVE_UP_AFTER_S
    async with rig.worker(channel) as worker:
        await eventually(lambda: rig.rows("a")[0].error == "refused" and rig.rows("a")[0].state is DeliveryState.PENDING)
        rig.now -= 3 * GIVE_UP_AFTER_S
        worker.wake()
        await eventually(lambda: rig.rows("a")[0].attempts == 2 and rig.rows("a")[0].state is DeliveryState.PENDING)
        rig.now += 10
        worker.wake()
        await eventually(lambda: rig.rows("a")[0].state is DeliveryState.SENT)
