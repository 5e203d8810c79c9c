"""Places for viewers: how many watch at once, on one stream and in all."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from server.domain.errors import AtCapacity


class ViewerPlaces:
    """Counts the viewers of each stream, those being opened included, and refuses what comes above the limits.

    Everybody who watches counts, whatever the transport: each costs an encoder or a share of the network.
    """

    def __init__(self, *, per_stream: int, in_all: int) -> None:
        self._per_stream = per_stream
        self._in_all = in_all
        self._taken: Counter[str] = Counter()

    @property
    def active(self) -> int:
        """Viewers of all streams."""
        return self._taken.total()

    @contextmanager
    def hold(self, stream_id: str) -> Iterator[None]:
        """Holds a place at a stream inside the block; raises AtCapacity where there is none."""
        self._check(stream_id)
        self._taken[stream_id] += 1
        try:
            yield
        finally:
            self._taken[stream_id] -= 1
            self._taken += Counter()  # which drops streams without viewers

    def _check(self, stream_id: str) -> None:
        at_stream, in_all = self._taken[stream_id], self.active
        if at_stream >= self._per_stream:
            message = f"all {self._per_stream} places of viewers of this stream are taken"
            raise AtCapacity(message, capacity=self._per_stream, active=at_stream)
        if in_all >= self._in_all:
            raise AtCapacity(f"all {self._in_all} places of viewers are taken", capacity=self._in_all, active=in_all)
