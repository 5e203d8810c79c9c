"""Records of alerts."""

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError

from server.domain.alert import Alert, AlertState, ClipState
from server.domain.delivery import Event
from server.domain.errors import Conflict, NotFound
from server.storage.alerts import AlertRecords
from server.storage.cameras import CameraRecords
from server.storage.database import Database
from server.storage.deliveries import DeliveryRecords, Messages
from tests.builders import make_alert, make_delivery
from tests.storage.test_cameras import PLAIN


@pytest.fixture
def alerts(database: Database) -> AlertRecords:
    """The alerts of a new database."""
    return AlertRecords(database)


@pytest.fixture
def deliveries(database: Database) -> DeliveryRecords:
    """The deliveries of the same database."""
    return DeliveryRecords(database)


def _verdict(alert: Alert) -> Messages:
    return [(make_delivery(f"v{alert.id}", subject=alert.id, event=Event(alert.state)), "{}")]


def test_an_alert_is_kept_as_it_is(alerts: AlertRecords) -> None:
    """Every field comes back."""
    alert = make_alert("a", camera_id="c", xyxy=(1.5, 2, 3, 4.25))
    alerts.open(alert, [])
    assert alerts.get("a") == alert
    with pytest.raises(NotFound):
        alerts.get("b")


def test_an_alert_and_its_messages_are_kept_together(alerts: AlertRecords, deliveries: DeliveryRecords) -> None:
    """Where a message cannot be kept the alert is not, either: nobody would ever be told of it."""
    alerts.open(make_alert("a"), [(make_delivery("d", subject="a"), "{}")])
    with pytest.raises(IntegrityError):
        alerts.open(make_alert("b"), [(make_delivery("d", subject="b"), "{}")])
    assert [alert.id for alert in alerts.find()] == ["a"]
    assert [delivery.id for delivery in deliveries.of_subject("a")] == ["d"]


def test_the_second_verdict_is_refused_and_told_who_was_first(alerts: AlertRecords, deliveries: DeliveryRecords) -> None:
    """Two people decide at once: the second learns of the first, and nobody is told two things."""
    alerts.open(make_alert("a"), [])
    alerts.decide("a", AlertState.DISMISSED, values={"decided_by": "Ben", "decided_at": 5.0}, messages=_verdict)
    with pytest.raises(Conflict, match="dismissed by Ben already"):
        alerts.decide("a", AlertState.CONFIRMED, values={"decided_by": "Ana"}, messages=_verdict)
    assert alerts.get("a").decided_by == "Ben"
    assert [delivery.event for delivery in deliveries.of_subject("a")] == [Event.DISMISSED]


def test_an_expired_alert_can_still_be_answered(alerts: AlertRecords) -> None:
    """Late, for the record."""
    alerts.open(make_alert("a"), [])
    alerts.decide("a", AlertState.EXPIRED, values={}, messages=_verdict)
    assert alerts.decide("a", AlertState.CONFIRMED, values={}, messages=lambda _: []).state is AlertState.CONFIRMED


def test_alerts_are_found_by_state_time_and_source(alerts: AlertRecords) -> None:
    """Newest first; what begins a span is in it, what ends it is not."""
    for number, name in enumerate("abcd"):
        alerts.open(make_alert(name, opened_at=float(number), camera_id="hall" if name in "ab" else None, stream_id=name), [])
    alerts.decide("b", AlertState.CONFIRMED, values={}, messages=lambda _: [])

    def ids(**wanted: Any) -> str:
        return "".join(alert.id for alert in alerts.find(**wanted))

    assert ids() == "dcba"
    assert ids(states=frozenset({AlertState.CANDIDATE})) == "dca"
    assert ids(since=1.0, until=3.0) == "cb"
    assert (ids(source="hall"), ids(source="d")) == ("ba", "d")
    assert (ids(limit=2), ids(before="c", limit=1)) == ("dc", "b")
    assert alerts.waiting() == 3


def test_alerts_of_the_same_moment_are_paged_without_loss(alerts: AlertRecords) -> None:
    """The id decides where the time does not."""
    for name in "abc":
        alerts.open(make_alert(name, opened_at=7.0), [])
    assert [alert.id for alert in alerts.find(before="c")] == ["b", "a"]


def test_the_state_changes_by_a_verdict_alone(alerts: AlertRecords) -> None:
    """All else may be changed."""
    alerts.open(make_alert("a"), [])
    changed = alerts.update("a", {"clip": ClipState.READY, "note": "x", "xyxy": (0, 0, 1, 1)})
    assert changed == alerts.get("a") == replace(make_alert("a"), clip=ClipState.READY, note="x", xyxy=(0, 0, 1, 1))
    with pytest.raises(ValueError, match="decide"):
        alerts.update("a", {"state": AlertState.CONFIRMED})


def test_candidates_come_due_and_are_never_removed(alerts: AlertRecords, deliveries: DeliveryRecords) -> None:
    """What waits for a person stays; what is decided goes, but for messages that are still on their way."""
    messages = [(make_delivery(name, subject="a"), "{}") for name in ("d", "e")]
    alerts.open(make_alert("a", expires_at=10.0), messages)
    deliveries.begin("d")
    deliveries.sent("d", now=5.0)
    alerts.open(make_alert("b", expires_at=20.0), [])
    assert [alert.id for alert in alerts.due(10.0)] == ["a"]
    with pytest.raises(Conflict):
        alerts.remove("a")
    alerts.decide("a", AlertState.EXPIRED, values={}, messages=lambda _: [])
    alerts.remove("a")
    assert [alert.id for alert in alerts.find()] == ["b"]
    assert [delivery.id for delivery in deliveries.of_subject("a")] == ["e"]


def test_old_messages_that_belong_to_nothing_are_forgotten(
    alerts: AlertRecords, deliveries: DeliveryRecords, database: Database
) -> None:
    """Not what is on its way, nor what tells of an alert that is there, nor the newest about a camera."""
    CameraRecords(database).add(PLAIN)
    alerts.open(make_alert("kept"), [(make_delivery("told", subject="kept"), "{}")])
    camera = [make_delivery(event.value, subject=PLAIN.id, event=event) for event in (Event.CAMERA_LOST, Event.CAMERA_BACK)]
    gone = [make_delivery("old", subject="gone"), make_delivery("new", subject="gone", created_at=50.0)]
    deliveries.add([(one, "{}") for one in (*camera, *gone, make_delivery("waits", subject="gone"))])
    for ended in ("told", "camera_lost", "camera_back", "old", "new"):
        deliveries.failed(ended, error="410")
    alerts.forget_deliveries(10.0)
    left = deliveries.of_subjects(["kept", PLAIN.id, "gone"])
    assert {one.id for told in left.values() for one in told} == {"told", "camera_back", "new", "waits"}
