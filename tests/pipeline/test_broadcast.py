"""Broadcast: one publisher, many sinks."""

from server.pipeline.broadcast import Broadcast
from tests.builders import ListSink


def test_every_sink_gets_every_item_from_its_subscription_on() -> None:
    """A later sink misses what came before it."""
    broadcast: Broadcast[object] = Broadcast()
    early, late = ListSink(), ListSink()
    broadcast.subscribe(early)
    broadcast.publish(1)
    broadcast.subscribe(late)
    broadcast.publish(2)
    assert early.items == [1, 2]
    assert late.items == [2]


def test_unsubscribed_sink_gets_nothing_more() -> None:
    """Unsubscribing twice does no harm."""
    broadcast: Broadcast[object] = Broadcast()
    sink = ListSink()
    broadcast.subscribe(sink)
    broadcast.unsubscribe(sink)
    broadcast.unsubscribe(sink)
    broadcast.publish(1)
    assert sink.items == []
    assert len(broadcast) == 0


def test_sink_may_leave_while_it_is_being_served() -> None:
    """A sink that unsubscribes itself does not make another one miss the item."""
    broadcast: Broadcast[object] = Broadcast()
    other = ListSink()

    class Leaving:
        def put(self, item: object) -> None:
            del item
            broadcast.unsubscribe(self)

    broadcast.subscribe(Leaving())
    broadcast.subscribe(other)
    broadcast.publish(1)
    assert other.items == [1]
    assert len(broadcast) == 1
