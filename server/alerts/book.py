"""Book: alerts in the records, each step with its messages in one transaction; who follows alerts hears of it."""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from server.alerts.sources import AlertMessages
from server.domain.alert import Alert, AlertState
from server.domain.delivery import Event
from server.domain.errors import NotFound, RecordsUnavailable
from server.pipeline.broadcast import Broadcast
from server.storage.alerts import AlertRecords

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class AlertChanged:
    """An alert is new, or another than before."""

    alert: Alert


@dataclass(frozen=True, slots=True)
class AlertRemoved:
    """An alert is gone, with its files."""

    id: str


AlertChange = AlertChanged | AlertRemoved


class AlertBook:
    """Reads and writes alerts on `executor`; on the event loop. All raise RecordsUnavailable when the records do not answer.

    One step is written at a time, and told of before the next, so that nobody hears of a verdict before the candidate. `wake`
    is called when there are messages to be sent. `counts` are the steps taken since the start.
    """

    def __init__(self, records: AlertRecords, *, executor: Executor, outbox: AlertMessages, wake: Callable[[], None]) -> None:
        self.changes: Broadcast[AlertChange] = Broadcast()
        self.counts: Counter[AlertState] = Counter()
        self.waiting = 0
        self.records = records
        self._executor = executor
        self._outbox = outbox
        self._wake = wake
        self._writing = asyncio.Lock()

    async def read(self, question: Callable[[], T]) -> T:
        """Asks the records something."""
        return await asyncio.get_running_loop().run_in_executor(self._executor, question)

    async def open(self, alert: Alert, *, again: bool = False) -> None:
        """Writes a candidate, with the messages that tell of it.

        `again` says that a try before has failed, perhaps behind the writing.
        """

        def step() -> None:
            if not (again and self._is_known(alert.id)):
                self.records.open(alert, self._outbox.alert_messages(Event.CANDIDATE, alert))

        async with self._writing:
            await self.read(step)
            await self._tell_step(alert)

    async def decide(self, alert_id: str, state: AlertState, *, values: Mapping[str, Any]) -> Alert:
        """Brings an alert into another state, with the messages that tell of it; raises NotFound and Conflict."""
        messages = partial(self._outbox.alert_messages, Event(state.value))
        async with self._writing:
            alert = await self.read(lambda: self.records.decide(alert_id, state, values=values, messages=messages))
            await self._tell_step(alert)
        return alert

    async def update(self, alert_id: str, **values: Any) -> Alert:
        """Writes what is known better now, which is no step; raises NotFound."""
        async with self._writing:
            alert = await self.read(lambda: self.records.update(alert_id, values))
            self.changes.publish(AlertChanged(alert))
        return alert

    async def remove(self, alert_id: str) -> None:
        """Forgets one that is no candidate; raises NotFound and Conflict."""
        async with self._writing:
            await self.read(lambda: self.records.remove(alert_id))
            self.changes.publish(AlertRemoved(alert_id))

    async def forget_deliveries(self, *, before: float) -> None:
        """Forgets messages older than that which have ended and belong to nothing that is there."""
        async with self._writing:
            await self.read(lambda: self.records.forget_deliveries(before))

    async def count(self) -> None:
        """Reads how many wait."""
        self.waiting = await self.read(self.records.waiting)

    async def _tell_step(self, alert: Alert) -> None:
        self.counts[alert.state] += 1
        self._wake()
        self.changes.publish(AlertChanged(alert))
        try:
            await self.count()
        except RecordsUnavailable:  # the step itself is written; whoever counts next finds the number
            pass

    def _is_known(self, alert_id: str) -> bool:
        try:
            self.records.get(alert_id)
        except NotFound:
            return False
        return True
