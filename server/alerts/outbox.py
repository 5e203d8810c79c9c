"""Outbox: the messages that one event makes, one for each channel."""

import json
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from server.domain.alert import Alert
from server.domain.delivery import Delivery, Event

Message = tuple[Delivery, str]


class Outbox:
    """Makes messages; any thread. They are kept in the transaction of what they tell of, and the worker sends them.

    `describe` gives an alert the form in which it is told. Each event goes to every channel, so that whoever got a candidate
    gets what became of it, too.
    """

    def __init__(
        self,
        channels: Sequence[str],
        *,
        describe: Callable[[Alert], Mapping[str, Any]],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._channels = tuple(channels)
        self._describe = describe
        self._clock = clock

    def alert_messages(self, event: Event, alert: Alert) -> list[Message]:
        """What is told of an alert."""
        return self.messages(event, subject=alert.id, payload={"alert": self._describe(alert)})

    def messages(self, event: Event, *, subject: str, payload: Mapping[str, Any]) -> list[Message]:
        """What is told of `subject`; `payload` is JSON."""
        now, text = self._clock(), json.dumps(payload, separators=(",", ":"))
        return [(self._delivery(channel, event, subject, now), text) for channel in self._channels]

    def _delivery(self, channel: str, event: Event, subject: str, now: float) -> Delivery:
        return Delivery(id=uuid.uuid4().hex, subject=subject, channel=channel, event=event, next_try_at=now, created_at=now)
