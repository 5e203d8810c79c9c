"""Places for viewers: how many watch at once, on one stream and in all."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from server.domain.errors import AtCapacity, TooMany


class ViewerPlaces:
    """Counts the viewers of each stream, those being opened included, and refuses what comes above the limits.

    Everybody who watches counts, whatever the transport: each costs an encoder or a share of the network. One client has at
    most `per_client` of them, where that is set.
    """

    def __init__(self, *, per_stream: int, in_all: int, per_client: int | None = None) -> None:
        self._per_stream = per_stream
        self._in_all = in_all
        self._per_client = per_client
        self._taken: Counter[str] = Counter()
        self._clients: Counter[str | None] = Counter()

    @property
    def active(self) -> int:
        """Viewers of all streams."""
        return self._taken.total()

    @contextmanager
    def hold(self, stream_id: str, *, client: str | None = None) -> Iterator[None]:
        """Holds a place of a client at a stream inside the block; raises AtCapacity where there is none, TooMany."""
        self._check(stream_id)
        self._check_client(client)
        self._taken[stream_id] += 1
        self._clients[client] += 1
        try:
            yield
        finally:
            self._taken[stream_id] -= 1
            self._clients[client] -= 1
            self._taken += Counter()  # which drops streams without viewers
            self._clients += Counter()

    def _check_client(self, client: str | None) -> None:
        if client is not None and self._per_client is not None and self._clients[client] >= self._per_client:
            raise TooMany(
                f"one client may watch {self._per_client} times at once (live.max_viewers_per_client)", retry_after_s=15
            )

    def _check(self, stream_id: str) -> None:
        at_stream, in_all = self._taken[stream_id], self.active
        if at_stream >= self._per_stream:
            message = f"all {self._per_stream} places of viewers of this stream are taken (live.max_viewers_per_stream)"
            raise AtCapacity(message, capacity=self._per_stream, active=at_stream)
        if in_all >= self._in_all:
            message = f"all {self._in_all} places of viewers are taken (live.max_viewers)"
            raise AtCapacity(message, capacity=self._in_all, active=in_all)
