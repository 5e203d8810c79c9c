"""Jumps of the wall clock: it may be set while the server runs, and then says nothing of how old things are."""

import time
from collections.abc import Callable

# Time servers correct by less; a machine that slept for longer jumps too, and loses nothing by it.
JUMP_S = 600.0


class ClockJumps:
    """Compares the wall's clock with one that cannot be set, whenever it is asked; it should be asked every minute or so.

    After a jump `held` is true for `hold_s`: time enough for somebody to see it, and for the clock to be set right again.
    """

    def __init__(
        self,
        *,
        hold_s: float,
        wall_clock: Callable[[], float] = time.time,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._hold_s = hold_s
        self._wall_clock = wall_clock
        self._clock = clock
        self._offset_s = wall_clock() - clock()
        self._held_until_s = float("-inf")

    def jumped_s(self) -> float:
        """By how much the wall's clock has jumped since it was asked last; 0 where it has not, forward is positive."""
        now = self._clock()
        offset_s = self._wall_clock() - now
        jump_s, self._offset_s = offset_s - self._offset_s, offset_s
        if abs(jump_s) < JUMP_S:
            return 0.0
        self._held_until_s = now + self._hold_s
        return jump_s

    @property
    def held(self) -> bool:
        """Whether the last jump is so fresh that ages mean nothing yet."""
        return self._clock() < self._held_until_s
