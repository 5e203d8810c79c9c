"""Records of deliveries, which are the queue of messages at the same time. Everything here blocks: never on the event loop."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, fields, replace
from typing import Any

from sqlalchemy import Connection, RowMapping, Select, func, insert, select, update

from server.domain.delivery import Delivery, DeliveryState, Event
from server.domain.errors import Conflict, NotFound
from server.storage.database import Database
from server.storage.schema import deliveries

Message = tuple[Delivery, str]
"""A delivery, and what it tells as JSON."""
Messages = Sequence[Message]

_FIELDS = frozenset(field.name for field in fields(Delivery))
_UNFINISHED = (DeliveryState.PENDING, DeliveryState.SENDING)


def insert_deliveries(connection: Connection, messages: Messages) -> None:
    """Puts messages behind all others, inside the caller's transaction."""
    rows = [{**asdict(delivery), "payload": payload} for delivery, payload in messages]
    for row in rows:
        del row["position"]  # the database counts
    if rows:
        connection.execute(insert(deliveries), rows)


class DeliveryRecords:
    """The deliveries in one database; any thread but the event loop's. All raise RecordsUnavailable when it does not answer."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, messages: Messages) -> None:
        """Keeps messages that belong to no other change."""
        with self._database.write() as connection:
            insert_deliveries(connection, messages)

    def due(self, channel: str, now: float, *, limit: int, furthest_s: float = float("inf")) -> list[Message]:
        """What a channel is to be sent now: of each subject the oldest unfinished message, if its time has come.

        One that would wait for longer than `furthest_s` is due as well: the clock was set back since it was tried.
        """
        wanted = (
            select(deliveries)
            .where(
                deliveries.c.position.in_(_first_of_each(channel)),
                deliveries.c.state == DeliveryState.PENDING,
                (deliveries.c.next_try_at <= now) | (deliveries.c.next_try_at > now + furthest_s),
            )
            .order_by(deliveries.c.position)
            .limit(limit)
        )
        with self._database.read() as connection:
            return [(_delivery(row), row["payload"]) for row in connection.execute(wanted).mappings()]

    def next_try_at(self, channel: str) -> float | None:
        """When the next message of a channel is due that waits for no other one; None without any."""
        with self._database.read() as connection:
            waits = deliveries.c.position.in_(_first_of_each(channel)) & (deliveries.c.state == DeliveryState.PENDING)
            found: float | None = connection.scalar(select(func.min(deliveries.c.next_try_at)).where(waits))
            return found

    def begin(self, delivery_id: str) -> bool:
        """Marks a message as being sent, before it is; False where it does not wait any more."""
        with self._database.write() as connection:
            waits = (deliveries.c.id == delivery_id) & (deliveries.c.state == DeliveryState.PENDING)
            values = {"state": DeliveryState.SENDING, "attempts": deliveries.c.attempts + 1}
            return connection.execute(update(deliveries).where(waits).values(values)).rowcount == 1

    def sent(self, delivery_id: str, *, now: float) -> Delivery:
        """It arrived."""
        return self._end(delivery_id, {"state": DeliveryState.SENT, "sent_at": now, "error": None})

    def failed(self, delivery_id: str, *, error: str, unsure: bool = False) -> Delivery:
        """It is given up; `unsure` where it may have arrived."""
        return self._end(delivery_id, {"state": DeliveryState.FAILED, "error": error}, unsure=unsure)

    def retry(self, delivery_id: str, *, error: str, next_try_at: float, unsure: bool = False) -> Delivery:
        """It waits for another try; `unsure` where it may have arrived."""
        values = {"state": DeliveryState.PENDING, "error": error, "next_try_at": next_try_at}
        return self._end(delivery_id, values, unsure=unsure)

    def of_subjects(self, subjects: Iterable[str]) -> dict[str, list[Delivery]]:
        """The messages about each of these, in their order."""
        found: dict[str, list[Delivery]] = {}
        wanted = select(deliveries).where(deliveries.c.subject.in_(list(subjects))).order_by(deliveries.c.position)
        with self._database.read() as connection:
            for row in connection.execute(wanted).mappings():
                found.setdefault(row["subject"], []).append(_delivery(row))
        return found

    def of_subject(self, subject: str) -> list[Delivery]:
        """The messages about one alert or camera, in their order."""
        return self.of_subjects([subject]).get(subject, [])

    def lost(self, cameras: Iterable[str]) -> set[str]:
        """Those of these cameras of which was told last that they stay away."""
        outages = deliveries.c.event.in_((Event.CAMERA_LOST, Event.CAMERA_BACK)) & deliveries.c.subject.in_(list(cameras))
        newest = select(func.max(deliveries.c.position)).where(outages).group_by(deliveries.c.subject)
        wanted = select(deliveries.c.subject).where(deliveries.c.position.in_(newest), deliveries.c.event == Event.CAMERA_LOST)
        with self._database.read() as connection:
            return set(connection.scalars(wanted))

    def again(self, delivery_id: str, *, subject: str, now: float) -> Delivery:
        """Has a message sent again that has ended; raises NotFound, and Conflict while it is on its way."""
        with self._database.write() as connection:
            delivery = _find(connection, delivery_id)
            if delivery.subject != subject:
                raise NotFound(f"there is no delivery {delivery_id!r}")
            if delivery.state in _UNFINISHED:
                raise Conflict("the message is on its way already")
            # Whoever got it may get it twice now: that is what was asked for.
            arrived = delivery.state is DeliveryState.SENT
            values = {
                "state": DeliveryState.PENDING,
                "attempts": 0,
                "next_try_at": now,
                "created_at": now,
                "unsure": delivery.unsure or arrived,
            }
            return _update(connection, delivery, values)

    def recover(self) -> int:
        """Has those sent again that were being sent when the server ended, and marks them as unsure; returns how many."""
        with self._database.write() as connection:
            broken = deliveries.c.state == DeliveryState.SENDING
            values = {"state": DeliveryState.PENDING, "unsure": True}
            return connection.execute(update(deliveries).where(broken).values(values)).rowcount

    def last(self, channel: str) -> tuple[float | None, str | None]:
        """When something arrived last through a channel, and why its newest message did not; None where it did."""
        with self._database.read() as connection:
            mine = deliveries.c.channel == channel
            sent_at = connection.scalar(select(func.max(deliveries.c.sent_at)).where(mine))
            tried = mine & (deliveries.c.attempts > 0)
            newest = select(deliveries.c.error).where(tried).order_by(deliveries.c.position.desc()).limit(1)
            return sent_at, connection.scalar(newest)

    def _end(self, delivery_id: str, values: Mapping[str, Any], *, unsure: bool = False) -> Delivery:
        with self._database.write() as connection:
            delivery = _find(connection, delivery_id)
            return _update(connection, delivery, {**values, "unsure": delivery.unsure or unsure})


def _first_of_each(channel: str) -> Select[tuple[int]]:
    """The oldest unfinished message of each subject: those behind it wait for it."""
    unfinished = (deliveries.c.channel == channel) & deliveries.c.state.in_(_UNFINISHED)
    return select(func.min(deliveries.c.position)).where(unfinished).group_by(deliveries.c.subject)


def _find(connection: Connection, delivery_id: str) -> Delivery:
    row = connection.execute(select(deliveries).where(deliveries.c.id == delivery_id)).mappings().first()
    if row is None:
        raise NotFound(f"there is no delivery {delivery_id!r}")
    return _delivery(row)


def _update(connection: Connection, delivery: Delivery, values: Mapping[str, Any]) -> Delivery:
    connection.execute(update(deliveries).where(deliveries.c.id == delivery.id).values(values))
    return replace(delivery, **values)


def _delivery(row: RowMapping) -> Delivery:
    values = {name: value for name, value in row.items() if name in _FIELDS}
    return Delivery(**{**values, "event": Event(values["event"]), "state": DeliveryState(values["state"])})
