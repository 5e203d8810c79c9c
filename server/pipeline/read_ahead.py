"""Reading ahead: an iterator that works on a thread of its own while its items are used."""

import queue
import threading
from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Generic, Self, TypeVar

Item = TypeVar("Item")


class ReadAhead(Generic[Item]):
    """Runs a generator on a thread `name`, at most `depth` items ahead; none is lost, and they keep their order.

    What the generator raises comes out of the iteration, at its place. Leaving the block ends the thread: it closes the
    generator, on that thread, after the item that is in work.
    """

    def __init__(self, items: Generator[Item, None, None], *, depth: int, name: str) -> None:
        self._items = items
        self._room = threading.Semaphore(depth)
        self._ready: queue.SimpleQueue[tuple[Item] | None] = queue.SimpleQueue()
        self._closed = threading.Event()
        self._executor = ThreadPoolExecutor(1, thread_name_prefix=name)
        self._done = self._executor.submit(self._read)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._closed.set()
        self._room.release()
        self._executor.shutdown(wait=True)

    def __iter__(self) -> Iterator[Item]:
        """Yields the items; once, on one thread."""
        while (boxed := self._ready.get()) is not None:
            self._room.release()
            yield boxed[0]
        self._done.result()

    def _read(self) -> None:
        try:
            for item in self._items:
                self._room.acquire()
                if self._closed.is_set():
                    return
                self._ready.put((item,))
        finally:
            self._items.close()
            self._ready.put(None)
