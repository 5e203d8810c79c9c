"""What a page follows of alerts: those that wait at first, then each as it changes."""

import asyncio

import msgspec

from server.alerts.book import AlertChange, AlertChanged
from server.domain.alert import AlertState
from server.domain.errors import RecordsUnavailable
from server.web.alert_answers import AlertRemovedEvent, WaitingAlertsEvent, alert_answer
from server.web.alert_orders import AlertFilter
from server.web.alerts import AlertDesk

_WAITING = AlertFilter(states=frozenset({AlertState.CANDIDATE}), limit=200)


class AlertEvents:
    """A sink that keeps the newest of each alert until it is taken; on the event loop."""

    def __init__(self, desk: AlertDesk, *, changed: asyncio.Event) -> None:
        self._desk = desk
        self._changed = changed
        self._waiting: WaitingAlertsEvent | None = None
        self._newest: dict[str, AlertChange] = {}
        desk.service.changes.subscribe(self)

    async def begin(self) -> None:
        """Puts those that wait in front of what comes; raises RecordsUnavailable."""
        self._waiting = WaitingAlertsEvent((await self._desk.find(_WAITING)).alerts)
        self._changed.set()

    def put(self, item: AlertChange) -> None:
        """Keeps it in place of the one before."""
        alert_id = item.alert.id if isinstance(item, AlertChanged) else item.id
        self._newest.pop(alert_id, None)  # the newest change is told last
        self._newest[alert_id] = item
        self._changed.set()

    async def take(self) -> list[tuple[str, msgspec.Struct]]:
        """What was not taken yet."""
        waiting, self._waiting = self._waiting, None
        newest, self._newest = self._newest, {}
        events: list[tuple[str, msgspec.Struct]] = [] if waiting is None else [("alerts", waiting)]
        for alert_id, item in newest.items():
            if isinstance(item, AlertChanged):
                events.append(("alert", await self._answer(item)))
            else:
                events.append(("alert_removed", AlertRemovedEvent(alert_id)))
        return events

    def close(self) -> None:
        """Takes the sink off."""
        self._desk.service.changes.unsubscribe(self)

    async def _answer(self, item: AlertChanged) -> msgspec.Struct:
        try:
            return await self._desk.answer(item.alert)
        except RecordsUnavailable:  # the alert itself matters more than who was told
            return alert_answer(item.alert)
