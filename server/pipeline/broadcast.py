"""One publisher, many sinks."""

from typing import Generic, TypeVar

from server.domain.protocols import Sink

Item = TypeVar("Item")


class Broadcast(Generic[Item]):
    """Gives each item to every subscribed sink, on the event loop; a sink never waits, so none can hold up another."""

    def __init__(self) -> None:
        self._sinks: list[Sink[Item]] = []

    def __len__(self) -> int:
        return len(self._sinks)

    def subscribe(self, sink: Sink[Item]) -> None:
        """Adds a sink, which gets everything published from now on."""
        self._sinks.append(sink)

    def unsubscribe(self, sink: Sink[Item]) -> None:
        """Removes a sink; does nothing when it is not subscribed."""
        if sink in self._sinks:
            self._sinks.remove(sink)

    def publish(self, item: Item) -> None:
        """Hands the item to every sink."""
        for sink in tuple(self._sinks):
            sink.put(item)
