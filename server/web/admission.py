"""Admission: how many uploads are taken in at once."""

from collections.abc import Iterator
from contextlib import contextmanager

from server.domain.errors import Overloaded


class Admission:
    """Counts what is in work and refuses what comes above the limit, which `setting` decides; on the event loop."""

    def __init__(self, *, limit: int, what: str = "pictures are in work", setting: str = "predict.max_waiting") -> None:
        self._limit = limit
        self._what = what
        self._setting = setting
        self.active = 0

    @contextmanager
    def enter(self) -> Iterator[None]:
        """Holds a place inside the block; raises Overloaded when all are taken."""
        if self.active >= self._limit:
            sentence = f"{self.active} {self._what}, as many as are taken at once ({self._setting})"
            raise Overloaded(sentence, retry_after_s=1)
        self.active += 1
        try:
            yield
        finally:
            self.active -= 1
