"""Connection places: how many TCP connections there are at once, in all and of one client."""

import resource
from collections import Counter

# A server whose limit of files is endless, or not known, takes so many.
_WHERE_ENDLESS = 8192


class ConnectionPlaces:
    """Counts connections, `most` in all and `per_client` of one client; on the event loop.

    Those above get an answer that says so. There is room for a few of these only, so that saying it does not use up what the
    limit is there to keep.
    """

    def __init__(self, *, most: int, per_client: int) -> None:
        self.most = most
        self.per_client = per_client
        self._most_refused = max(8, most // 8)
        self._taken: Counter[str] = Counter()
        self._refused = 0

    @property
    def active(self) -> int:
        """Connections that have a place."""
        return self._taken.total()

    def take(self, client: str, *, many: bool) -> str | None:
        """Takes a place, and returns None; else says why there is none. One who speaks for `many` has no limit of his own."""
        if self.active >= self.most:
            return f"all {self.most} connections are taken (server.max_connections)"
        if not many and self._taken[client] >= self.per_client:
            return f"one address may have {self.per_client} connections at once (server.max_connections_per_client)"
        self._taken[client] += 1
        return None

    def free(self, client: str) -> None:
        """Gives a place back."""
        self._taken[client] -= 1
        if not self._taken[client]:
            del self._taken[client]

    def refuse(self) -> bool:
        """Whether one that has no place may stay until it has its answer; `refused()` follows then."""
        if self._refused >= self._most_refused:
            return False
        self._refused += 1
        return True

    def refused(self) -> None:
        """One that had no place has gone."""
        self._refused -= 1


def default_connections() -> int:
    """Half of the files that this process may open: the others are for videos, records, cameras and media."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return _WHERE_ENDLESS if soft == resource.RLIM_INFINITY else min(_WHERE_ENDLESS, max(16, soft // 2))
