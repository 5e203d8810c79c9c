"""How often something happens."""

from collections import deque


class RateMeter:
    """Counts events and their rate over the last two seconds; times are a clock's readings in seconds."""

    def __init__(self, *, window_s: float = 2.0, largest_fps: int = 240) -> None:
        self._window_s = window_s
        # Bounded so that a source that floods us cannot make it grow; a faster rate than this is not told apart.
        self._times: deque[float] = deque(maxlen=int(window_s * largest_fps))
        self.count = 0

    def record(self, now_s: float) -> None:
        """Notes one event."""
        self.count += 1
        self._times.append(now_s)

    def rate_fps(self, now_s: float) -> float:
        """Events a second in the window that ends now."""
        while self._times and self._times[0] <= now_s - self._window_s:
            self._times.popleft()
        return len(self._times) / self._window_s
