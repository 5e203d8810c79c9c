"""A clock that tells the time of day and is never set."""

import time
from collections.abc import Callable
from datetime import UTC, datetime


class SteadyClock:
    """The wall's clock as it was when this was made, which goes on by one that cannot be set.

    aiortc measures durations with the wall's clock. When that is set forward, its rate counter goes through every millisecond
    in between, for minutes, on the event loop; and what it has to report about a peer does not fit into its packet any more.
    """

    def __init__(self, *, wall_clock: Callable[[], float] = time.time, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._ahead_s = wall_clock() - clock()

    def time(self) -> float:
        """Seconds since 1970, as `time.time` has them."""
        return self._ahead_s + self._clock()

    def current_datetime(self) -> datetime:
        """The same as a datetime in UTC."""
        return datetime.fromtimestamp(self.time(), UTC)
