"""Admission: how many uploads are taken in at once."""

from collections.abc import Iterator
from contextlib import contextmanager

from server.domain.errors import Overloaded


class Admission:
    """Counts what is in work and refuses what comes above the limit, in the words of `what`; on the event loop."""

    def __init__(self, *, limit: int, what: str = "pictures are in work") -> None:
        self._limit = limit
        self._what = what
        self.active = 0

    @contextmanager
    def enter(self) -> Iterator[None]:
        """Holds a place inside the block; raises Overloaded when all are taken."""
        if self.active >= self._limit:
            raise Overloaded(f"{self.active} {self._what}, as many as are taken at once", retry_after_s=1)
        self.active += 1
        try:
            yield
        finally:
            self.active -= 1
