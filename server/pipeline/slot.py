"""A slot for one item, where the newest wins: what keeps a live stream fresh when its reader is slower than its writer."""

import asyncio
from collections.abc import AsyncIterator
from typing import Generic, TypeVar

Item = TypeVar("Item")


class SlotClosed(Exception):
    """The slot is closed and empty: nothing will come any more."""


class LatestSlot(Generic[Item]):
    """Holds the newest item only; one reader, any number of writers, all on the event loop.

    `dropped` counts the items that were overwritten before they were read.
    """

    def __init__(self) -> None:
        self._items: list[Item] = []
        self._changed = asyncio.Event()
        self._closed = False
        self.dropped = 0

    def put(self, item: Item) -> None:
        """Takes an item at once and drops the one that was waiting; ignored after `close()`."""
        if self._closed:
            return
        self.dropped += len(self._items)
        self._items = [item]
        self._changed.set()

    async def get(self) -> Item:
        """Returns the newest item as soon as there is one; raises SlotClosed once the slot is closed and empty."""
        while not self._items:
            if self._closed:
                raise SlotClosed
            self._changed.clear()
            await self._changed.wait()
        return self._items.pop()

    def poll(self) -> Item | None:
        """The newest item if there is one that waits, None otherwise."""
        return self._items.pop() if self._items else None

    def newest(self, item: Item) -> Item:
        """The item that waits, else `item`, which was read before; that counts as dropped where it was overtaken."""
        if not self._items:
            return item
        self.dropped += 1
        return self._items.pop()

    def close(self) -> None:
        """Ends the reader after the item that still waits, if any."""
        self._closed = True
        self._changed.set()

    async def __aiter__(self) -> AsyncIterator[Item]:
        """Yields the newest items until the slot is closed."""
        try:
            while True:
                yield await self.get()
        except SlotClosed:
            return
