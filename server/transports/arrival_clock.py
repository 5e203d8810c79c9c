"""The arrival clock: when a frame should have been here, so that one which was held up on its way does not pass as fresh."""

from collections import deque

# A frame may come this much later than the stream's best ones: large key frames take longer to send.
TOLERANCE_S = 0.25
# Baselines older than this are forgotten: the clock of a camera is not quite ours.
MEMORY_S = 60.0
# What comes equally late for so long, to a reader that waits for it, is not held up: the camera itself has paused.
PAUSED_S = 1.0
# What was held up comes faster than it happened: by more than this in that time.
CATCHING_UP_S = 0.05
# A reader that waits for a smaller part of the time has packets lying ready: it is itself what is late.
WAITING_SHARE = 0.1
# A jump of the camera's times by more than this begins a new reckoning.
JUMP_S = 30.0


class ArrivalClock:
    """Compares the times of a camera with ours; for one connection, on the thread that reads it.

    `late_s` is by how much the newest frame came later than usual, 0 while all is well.
    """

    def __init__(self) -> None:
        self._best: deque[tuple[float, float]] = deque()  # (when, arrival less the frame's time), growing
        self._settled: tuple[float, float] | None = None  # (since when, how late)
        self._waited_s = 0.0
        self.late_s = 0.0

    def received(self, time_s: float, *, now: float, waited_s: float) -> float:
        """When the frame of that time would have arrived as the others do: what its age is counted from.

        `waited_s` is how long the read of its last packet took.
        """
        offset = now - time_s
        if self._best and abs(offset - self._best[0][1]) > JUMP_S:
            self._begin_anew()
        self._remember(offset, now=now)
        late_s = offset - self._best[0][1]
        if late_s <= TOLERANCE_S:
            self.late_s, self._settled = 0.0, None
            return now
        if self._has_paused(late_s, now=now, waited_s=waited_s):
            self._begin_anew()
            self._remember(offset, now=now)
            self.late_s = 0.0
            return now
        self.late_s = late_s
        return now - late_s

    def _remember(self, offset: float, *, now: float) -> None:
        """Keeps the least offset of the last minute, at the left."""
        while self._best and self._best[-1][1] >= offset:
            self._best.pop()
        self._best.append((now, offset))
        while self._best[0][0] < now - MEMORY_S:
            self._best.popleft()

    def _has_paused(self, late_s: float, *, now: float, waited_s: float) -> bool:
        """Whether frames have come equally late for a while, one by one or in bursts, and were waited for."""
        if self._settled is None or late_s < self._settled[1] - CATCHING_UP_S:
            self._settle(late_s, now=now)
            return False
        self._waited_s += waited_s
        for_s = now - self._settled[0]
        if for_s < PAUSED_S:
            return False
        has_paused = self._waited_s >= WAITING_SHARE * for_s
        self._settle(late_s, now=now)
        return has_paused

    def _settle(self, late_s: float, *, now: float) -> None:
        self._settled, self._waited_s = (now, late_s), 0.0

    def _begin_anew(self) -> None:
        self._best.clear()
        self._settled = None
