"""Records of alerts. Everything here blocks: never on the event loop."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, fields, replace
from typing import Any

import msgspec
from sqlalchemy import Connection, RowMapping, Select, delete, func, insert, select, update

from server.domain.alert import Alert, AlertState, ClipState, SourceKind, check_transition
from server.domain.delivery import DeliveryState
from server.domain.detection import Box
from server.domain.errors import Conflict, NotFound
from server.storage.database import Database
from server.storage.deliveries import Messages, insert_deliveries
from server.storage.schema import alerts, cameras, deliveries

_FIELDS = frozenset(field.name for field in fields(Alert))
_ENDED = deliveries.c.state.not_in((DeliveryState.PENDING, DeliveryState.SENDING))


class AlertRecords:
    """The alerts in one database; any thread but the event loop's. All raise RecordsUnavailable when it does not answer."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def open(self, alert: Alert, messages: Messages) -> None:
        """Keeps a new alert together with the messages that tell of it: both or neither."""
        with self._database.write() as connection:
            connection.execute(insert(alerts).values(_row(asdict(alert))))
            insert_deliveries(connection, messages)

    def get(self, alert_id: str) -> Alert:
        """One alert; raises NotFound."""
        with self._database.read() as connection:
            return _find(connection, alert_id)

    def find(
        self,
        *,
        states: frozenset[AlertState] | None = None,
        since: float | None = None,
        until: float | None = None,
        source: str | None = None,
        before: str | None = None,
        limit: int | None = None,
    ) -> list[Alert]:
        """Alerts, newest first: of these states, opened from `since` to before `until`, of one camera or stream.

        `before` is the id of an alert: only older ones follow, for the next page; raises NotFound where there is none.
        """
        wanted = select(alerts).order_by(alerts.c.opened_at.desc(), alerts.c.id.desc()).limit(limit)
        if states is not None:
            wanted = wanted.where(alerts.c.state.in_(states))
        if since is not None:
            wanted = wanted.where(alerts.c.opened_at >= since)
        if until is not None:
            wanted = wanted.where(alerts.c.opened_at < until)
        if source is not None:
            wanted = wanted.where((alerts.c.camera_id == source) | (alerts.c.stream_id == source))
        with self._database.read() as connection:
            if before is not None:
                wanted = _older(wanted, than=_find(connection, before))
            return [_alert(row) for row in connection.execute(wanted).mappings()]

    def waiting(self) -> int:
        """How many candidates there are."""
        with self._database.read() as connection:
            count = select(func.count()).select_from(alerts).where(alerts.c.state == AlertState.CANDIDATE)
            return connection.scalar(count) or 0

    def update(self, alert_id: str, values: Mapping[str, Any]) -> Alert:
        """Changes what is known of an alert, never its state; raises NotFound."""
        if "state" in values:
            raise ValueError("the state of an alert changes by decide() alone")
        with self._database.write() as connection:
            return _update(connection, _find(connection, alert_id), values)

    def decide(
        self,
        alert_id: str,
        state: AlertState,
        *,
        values: Mapping[str, Any],
        messages: Callable[[Alert], Messages],
    ) -> Alert:
        """Brings an alert into another state, with further values and the messages that tell of it; returns it as it is then.

        Raises NotFound, and Conflict for a step that TRANSITIONS does not have: of two people who decide at once one is told.
        """
        with self._database.write() as connection:
            alert = _find(connection, alert_id, for_update=True)
            check_transition(alert, state)
            decided = _update(connection, alert, {**values, "state": state})
            insert_deliveries(connection, messages(decided))
            return decided

    def due(self, now: float) -> list[Alert]:
        """The candidates that nobody has answered in time."""
        with self._database.read() as connection:
            wanted = select(alerts).where(alerts.c.state == AlertState.CANDIDATE, alerts.c.expires_at <= now)
            return [_alert(row) for row in connection.execute(wanted.order_by(alerts.c.expires_at)).mappings()]

    def remove(self, alert_id: str) -> None:
        """Forgets an alert and its deliveries that have ended; raises NotFound, and Conflict for a candidate."""
        with self._database.write() as connection:
            alert = _find(connection, alert_id, for_update=True)
            if alert.state is AlertState.CANDIDATE:
                raise Conflict("the alert waits for an answer: confirm or dismiss it first")
            # What is still on its way gets there: whoever was told of the candidate has to hear of the verdict.
            connection.execute(delete(deliveries).where((deliveries.c.subject == alert_id) & _ENDED))
            connection.execute(delete(alerts).where(alerts.c.id == alert_id))

    def forget_deliveries(self, before: float) -> None:
        """Forgets messages that were made before that time, have ended, and belong to no alert that is there.

        The newest one about each camera that is there stays: it says whether people believe that it is away.
        """
        newest = select(func.max(deliveries.c.position)).where(deliveries.c.subject.in_(select(cameras.c.id)))
        of_cameras = deliveries.c.position.in_(newest.group_by(deliveries.c.subject))
        kept = of_cameras | deliveries.c.subject.in_(select(alerts.c.id))
        with self._database.write() as connection:
            connection.execute(delete(deliveries).where(deliveries.c.created_at < before, _ENDED, ~kept))


def _older(wanted: Select[Any], *, than: Alert) -> Select[Any]:
    same = (alerts.c.opened_at == than.opened_at) & (alerts.c.id < than.id)
    return wanted.where((alerts.c.opened_at < than.opened_at) | same)


def _find(connection: Connection, alert_id: str, *, for_update: bool = False) -> Alert:
    wanted = select(alerts).where(alerts.c.id == alert_id)
    row = connection.execute(wanted.with_for_update() if for_update else wanted).mappings().first()
    if row is None:
        raise NotFound(f"there is no alert {alert_id!r}")
    return _alert(row)


def _update(connection: Connection, alert: Alert, values: Mapping[str, Any]) -> Alert:
    connection.execute(update(alerts).where(alerts.c.id == alert.id).values(_row(values)))
    return replace(alert, **values)


def _row(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values as the table has them."""
    box: Sequence[float] | None = values.get("xyxy")
    return {**values, **({} if box is None else {"xyxy": msgspec.json.encode(box).decode()})}


def _alert(row: RowMapping) -> Alert:
    values = {name: value for name, value in row.items() if name in _FIELDS}
    kinds = {
        "state": AlertState(values["state"]),
        "source_kind": SourceKind(values["source_kind"]),
        "clip": ClipState(values["clip"]),
        "xyxy": msgspec.json.decode(values["xyxy"], type=Box),
    }
    return Alert(**{**values, **kinds})
