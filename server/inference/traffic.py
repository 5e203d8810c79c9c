"""Traffic: how many threads are in the same place at once."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Traffic:
    """Counts who is inside; any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0

    @contextmanager
    def enter(self) -> Iterator[int]:
        """Counts the caller as inside for the block; yields how many others were there when it came."""
        with self._lock:
            others = self._inside
            self._inside += 1
        try:
            yield others
        finally:
            with self._lock:
                self._inside -= 1
