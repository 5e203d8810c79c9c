"""Allowances: how much somebody may do in a while."""

import math
import time
from collections.abc import Callable

BURST_S = 2.0
"""As much as so many seconds bring may come at once."""


class Allowance:
    """A token bucket that fills with `rate_per_s` and holds BURST_S seconds' worth; full at first. One thread at a time."""

    def __init__(self, *, rate_per_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate_per_s = rate_per_s
        # A rate below one in two seconds still allows the first.
        self._most = max(1.0, BURST_S * rate_per_s)
        self._clock = clock
        self._tokens = self._most
        self._at = clock()

    @property
    def is_half_full(self) -> bool:
        """Whether a second's worth is left, as of the last `take()`."""
        return self._tokens >= self._most / 2

    @property
    def wait_s(self) -> int:
        """Whole seconds until the next one is allowed, one at least, as of the last `take()`."""
        return max(1, math.ceil((1 - self._tokens) / self._rate_per_s))

    def take(self) -> bool:
        """Whether one more is allowed now; a refused one costs nothing."""
        now = self._clock()
        # A clock that is set back takes nothing away.
        self._tokens = min(self._most, self._tokens + max(0.0, now - self._at) * self._rate_per_s)
        self._at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True
