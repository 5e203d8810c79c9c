"""Records of deliveries."""

import pytest

from server.domain.delivery import DeliveryState, Event
from server.domain.errors import Conflict, NotFound
from server.storage.database import Database
from server.storage.deliveries import DeliveryRecords
from tests.builders import make_delivery


@pytest.fixture
def records(database: Database) -> DeliveryRecords:
    """The deliveries of a new database."""
    return DeliveryRecords(database)


def _due(records: DeliveryRecords, *, channel: str = "hook", now: float = 100.0) -> list[str]:
    return [delivery.id for delivery, _ in records.due(channel, now, limit=10)]


def test_a_verdict_waits_for_its_candidate(records: DeliveryRecords) -> None:
    """Messages of one subject and channel go out in order, whatever becomes of the first; other subjects do not wait."""
    records.add([(make_delivery(name, subject=name[0]), "{}") for name in ("a1", "a2", "b1")])
    assert _due(records) == ["a1", "b1"]
    assert records.begin("a1")
    assert _due(records) == ["b1"]
    records.retry("a1", error="no answer", next_try_at=200.0)
    assert _due(records) == ["b1"]
    assert _due(records, now=200.0) == ["a1", "b1"]
    records.begin("a1")
    records.failed("a1", error="given up")
    assert _due(records) == ["a2", "b1"]


def test_channels_do_not_wait_for_each_other(records: DeliveryRecords) -> None:
    """Each has a line of its own."""
    records.add([(make_delivery("a", subject="s"), "1"), (make_delivery("b", subject="s", channel="mqtt"), "2")])
    assert records.due("mqtt", 100.0, limit=10)[0][1] == "2"
    assert _due(records) == ["a"]


def test_a_message_is_begun_once(records: DeliveryRecords) -> None:
    """Of two workers one sends it."""
    records.add([(make_delivery("a"), "{}")])
    assert (records.begin("a"), records.begin("a")) == (True, False)
    assert records.of_subject("s")[0].attempts == 1


def test_what_was_being_sent_when_the_server_ended_is_sent_again_and_marked(records: DeliveryRecords) -> None:
    """It may have arrived: nothing is lost, and nobody claims that it came once."""
    records.add([(make_delivery("a"), "{}"), (make_delivery("b", subject="t"), "{}")])
    records.begin("a")
    assert records.recover() == 1
    records.begin("a")
    records.sent("a", now=50.0)
    delivery = records.of_subject("s")[0]
    assert (delivery.state, delivery.unsure, delivery.attempts, delivery.sent_at) == (DeliveryState.SENT, True, 2, 50.0)
    assert not records.of_subject("t")[0].unsure


def test_doubt_stays(records: DeliveryRecords) -> None:
    """A try that surely failed does not undo that an earlier one may have arrived."""
    records.add([(make_delivery("a"), "{}")])
    records.begin("a")
    records.retry("a", error="no answer", next_try_at=1.0, unsure=True)
    records.begin("a")
    assert records.retry("a", error="refused", next_try_at=2.0).unsure


def test_the_next_time_is_known(records: DeliveryRecords) -> None:
    """So that the worker sleeps until then."""
    assert records.next_try_at("hook") is None
    records.add([(make_delivery("a", next_try_at=30.0), "{}"), (make_delivery("b", next_try_at=10.0), "{}")])
    assert records.next_try_at("hook") == 30.0  # the second of one subject waits for the first
    records.add([(make_delivery("c", subject="t", next_try_at=20.0), "{}")])
    assert records.next_try_at("hook") == 20.0


def test_a_person_may_have_it_sent_again(records: DeliveryRecords) -> None:
    """Only what has ended, and of the alert that they look at."""
    records.add([(make_delivery("a", event=Event.CONFIRMED), "{}")])
    with pytest.raises(Conflict):
        records.again("a", subject="s", now=1.0)
    records.begin("a")
    records.failed("a", error="410")
    with pytest.raises(NotFound):
        records.again("a", subject="other", now=1.0)
    assert records.again("a", subject="s", now=60.0).state is DeliveryState.PENDING
    assert _due(records, now=60.0) == ["a"]


def test_the_newest_message_about_a_camera_says_whether_it_is_lost(records: DeliveryRecords) -> None:
    """Whatever became of the message, and only of the cameras that are asked for."""
    lost, back = Event.CAMERA_LOST, Event.CAMERA_BACK
    told = [("door", lost), ("gate", lost), ("gate", back), ("yard", lost), ("yard", back), ("yard", lost), ("gone", lost)]
    for number, (camera, event) in enumerate(told):
        for channel in ("hook", "mqtt"):
            message = make_delivery(f"{number}-{channel}", subject=camera, channel=channel, event=event)
            records.add([(message, "{}")])
    records.failed("5-hook", error="given up")
    assert records.lost(["door", "gate", "yard", "hall"]) == {"door", "yard"}
    assert records.lost([]) == set()


def test_a_channel_tells_how_it_does(records: DeliveryRecords) -> None:
    """Its last success, and the error of its newest message."""
    assert records.last("hook") == (None, None)
    records.add([(make_delivery("a"), "{}"), (make_delivery("b", subject="t"), "{}")])
    records.begin("a")
    records.sent("a", now=40.0)
    records.begin("b")
    records.retry("b", error="500", next_try_at=90.0)
    assert records.last("hook") == (40.0, "500")
