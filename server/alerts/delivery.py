"""Delivery: sends what the outbox holds, each channel at its own pace, across restarts."""

import asyncio
import json
import logging
import random
import time
import uuid
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Executor
from datetime import tzinfo
from functools import partial
from typing import ParamSpec, Protocol, TypeVar

from server.alerts.channels import Channel, Message
from server.alerts.words import TEST_TITLE, title_of
from server.domain.delivery import Delivery, Event
from server.domain.errors import ChannelFailed, RecordsUnavailable
from server.pipeline.supervised_task import SupervisedTask
from server.storage.deliveries import DeliveryRecords

logger = logging.getLogger(__name__)

FIRST_WAIT_S, MOST_WAIT_S = 1.0, 300.0
GIVE_UP_AFTER_S = 24 * 3600.0
# A clock that is set right after the start makes a message a day old that was never tried.
FEWEST_TRIES = 10
SEND_TIMEOUT_S = 20.0
# Messages about different things that one channel has under way: a dead receiver of one must not hold up the others.
AT_ONCE = 4
CLOSE_S = 3.0
# What is due is found out this often at the latest; a new message wakes the channel at once.
MOST_SLEEP_S = 30.0
LOOK_AGAIN_S = 1.0
RECORDS_WAIT_S = 2.0

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


class Snapshots(Protocol):
    """Where the pictures of alerts are."""

    async def __call__(self, alert_id: str) -> bytes | None:
        """The annotated picture as JPEG, None where there is none."""


class DeliveryWorker:
    """Sends messages from `start()` to `aclose()`; on the event loop, with `executor` for the records.

    A message is marked before it is sent and again when it was: what is found between both at the start may have arrived, is
    marked as unsure and sent again under the same id. `link_to` gives the address of an alert on the page, where there is one.
    """

    def __init__(
        self,
        channels: Sequence[Channel],
        *,
        records: DeliveryRecords,
        executor: Executor,
        snapshots: Snapshots,
        link_to: Callable[[str], str | None],
        zone: tzinfo,
        wall_clock: Callable[[], float] = time.time,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self.outcomes: Counter[tuple[str, str]] = Counter()
        """Messages by channel and outcome: sent, retried, failed."""
        self._lines = [_Line(self, channel) for channel in channels]
        self._records = records
        self._executor = executor
        self._snapshots = snapshots
        self._link_to = link_to
        self._zone = zone
        self._wall_clock = wall_clock
        self._sleep = sleep
        self._jitter = jitter
        self._task = SupervisedTask(self._run, name="deliver messages")

    def start(self) -> None:
        """Begins to send what waits."""
        self._task.start()

    def wake(self) -> None:
        """Says that there are new messages."""
        for line in self._lines:
            line.wake()

    async def aclose(self) -> None:
        """Stops; what is being sent gets some seconds to end, and what does not is sent again at the next start."""
        under_way = [task for line in self._lines for task in line.stop()]
        if under_way:
            await asyncio.wait(under_way, timeout=CLOSE_S)
        await self._task.aclose()

    async def on_records(
        self, function: Callable[Arguments, Result], *args: Arguments.args, **kwargs: Arguments.kwargs
    ) -> Result:
        """Speaks with the database; raises RecordsUnavailable."""
        return await asyncio.get_running_loop().run_in_executor(self._executor, partial(function, *args, **kwargs))

    async def patiently(
        self, function: Callable[Arguments, Result], *args: Arguments.args, **kwargs: Arguments.kwargs
    ) -> Result:
        """The same until the database answers: what was sent must not be forgotten."""
        while True:
            try:
                return await self.on_records(function, *args, **kwargs)
            except RecordsUnavailable:  # the database has told of it
                await self._sleep(RECORDS_WAIT_S)

    async def attempt(self, channel: Channel, delivery: Delivery, *, payload: str) -> None:
        """Sends one message and records what came of it."""
        if not await self.patiently(self._records.begin, delivery.id):
            return
        try:
            message = await self._message(delivery, payload)
            async with asyncio.timeout(SEND_TIMEOUT_S):
                await channel.send(message)
        except TimeoutError:
            reason = f"no answer within {SEND_TIMEOUT_S:g} s"
            await self._settle(channel, delivery, ChannelFailed(reason, may_have_arrived=True, retry=True))
        except ChannelFailed as failure:
            await self._settle(channel, delivery, failure)
        else:
            self.outcomes[channel.name, "sent"] += 1
            await self.patiently(self._records.sent, delivery.id, now=self._wall_clock())

    async def due(self, channel: Channel) -> tuple[list[tuple[Delivery, str]], float]:
        """What a channel is to send now, and how many seconds later there is more."""
        now = self._wall_clock()
        found = await self.patiently(self._records.due, channel.name, now, limit=AT_ONCE, furthest_s=2 * MOST_WAIT_S)
        if found:
            return found, LOOK_AGAIN_S
        later = await self.patiently(self._records.next_try_at, channel.name)
        return found, MOST_SLEEP_S if later is None else min(max(later - now, 0.05), MOST_SLEEP_S)

    async def _run(self) -> None:
        broken = await self.patiently(self._records.recover)
        if broken:
            logger.warning("%d messages were being sent when the server ended: they are sent again", broken)
        async with asyncio.TaskGroup() as tasks:
            for line in self._lines:
                tasks.create_task(line.run(), name=f"deliver by {line.name}")

    async def _message(self, delivery: Delivery, payload: str) -> Message:
        told = json.loads(payload)
        about_alert = "alert" in told
        return Message(
            id=delivery.id,
            event=delivery.event,
            title=title_of(delivery.event, told, zone=self._zone),
            thread=delivery.subject,
            payload=told,
            repeated=delivery.unsure or delivery.attempts > 0,
            snapshot=await self._snapshots(delivery.subject) if about_alert else None,
            link=self._link_to(delivery.subject) if about_alert else None,
        )

    async def send_test(self, channel: Channel) -> None:
        """Sends a message that tells of nothing, at once and once; raises ChannelFailed."""
        message = Message(id=uuid.uuid4().hex, event=Event.TEST, title=TEST_TITLE, thread=uuid.uuid4().hex)
        try:
            async with asyncio.timeout(SEND_TIMEOUT_S):
                await channel.send(message)
        except TimeoutError:
            reason = f"no answer within {SEND_TIMEOUT_S:g} s"
            raise ChannelFailed(reason, may_have_arrived=True, retry=True) from None

    async def _settle(self, channel: Channel, delivery: Delivery, failure: ChannelFailed) -> None:
        """Has it sent again later, or gives it up."""
        now, unsure = self._wall_clock(), failure.may_have_arrived
        old = now - delivery.created_at > GIVE_UP_AFTER_S and delivery.attempts + 1 >= FEWEST_TRIES
        if not failure.retry or old:
            logger.error("%s was not told (%s): %s", channel.name, delivery.event, failure)
            self.outcomes[channel.name, "failed"] += 1
            await self.patiently(self._records.failed, delivery.id, error=str(failure), unsure=unsure)
            return
        wait_s = min(FIRST_WAIT_S * 2 ** min(delivery.attempts, 20), MOST_WAIT_S) * (0.75 + self._jitter() / 2)
        logger.warning("%s could not be told (%s), next try in %.0f s: %s", channel.name, delivery.event, wait_s, failure)
        self.outcomes[channel.name, "retried"] += 1
        await self.patiently(self._records.retry, delivery.id, error=str(failure), next_try_at=now + wait_s, unsure=unsure)


class _Line:
    """The messages of one channel, a few of them under way at once."""

    def __init__(self, worker: DeliveryWorker, channel: Channel) -> None:
        self.name = channel.name
        self._worker = worker
        self._channel = channel
        self._wake = asyncio.Event()
        self._under_way: dict[str, asyncio.Task[None]] = {}
        self._stopped = False

    def stop(self) -> list[asyncio.Task[None]]:
        """Begins no further message; returns those that are being sent."""
        self._stopped = True
        return list(self._under_way.values())

    def wake(self) -> None:
        """Says that there may be something to send."""
        self._wake.set()

    async def run(self) -> None:
        """Sends until it is cancelled."""
        try:
            async with asyncio.TaskGroup() as tasks:
                while True:
                    self._wake.clear()
                    found, wait_s = await self._worker.due(self._channel)
                    for delivery, payload in found:
                        if not self._stopped and delivery.id not in self._under_way and len(self._under_way) < AT_ONCE:
                            sending = self._worker.attempt(self._channel, delivery, payload=payload)
                            task = tasks.create_task(sending, name=f"deliver {delivery.id}")
                            self._under_way[delivery.id] = task
                            task.add_done_callback(partial(self._ended, delivery.id))
                    await self._rest(wait_s if len(self._under_way) < AT_ONCE else MOST_SLEEP_S)
        finally:
            self._under_way.clear()

    def _ended(self, delivery_id: str, _task: "asyncio.Task[None]") -> None:
        self._under_way.pop(delivery_id, None)
        self._wake.set()

    async def _rest(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._wake.wait()
        except TimeoutError:
            return
