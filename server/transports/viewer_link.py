"""What a viewer's receiver says of its connection, and whether that keeps up with the other viewers'."""

from collections import deque

# An estimate dips for a moment whenever something else passes by.
BEHIND_S = 2.0
# So many seconds, of the newest fifteen, in which a key frame was asked for: one a second is the most that anyone gets.
REQUESTS = 5
REQUESTS_S = 15.0
REQUEST_STEP_S = 1.0
# How long a connection has to be good before it is tried again; twice as long each time that it was not.
FIRST_WAIT_S = 15.0
LONGEST_WAIT_S = 240.0


class ViewerLink:
    """One viewer's estimate of its bitrate and its requests of key frames; `now` is a reading of one clock, in seconds."""

    def __init__(self) -> None:
        self.estimate_bps: int | None = None
        self._requests: deque[float] = deque(maxlen=REQUESTS)
        self._since: float | None = None
        self._wait_s = FIRST_WAIT_S

    def note_request(self, now: float) -> None:
        """A key frame is asked for; until it comes the same one is asked for again."""
        if not self._requests or now - self._requests[-1] >= REQUEST_STEP_S:
            self._requests.append(now)

    def falls_behind(self, *, needed_bps: float, now: float) -> bool:
        """Whether it has had less than `needed_bps` for a while, or needs one key frame after the other."""
        if len(self._requests) == REQUESTS and now - self._requests[0] < REQUESTS_S:
            return True
        return self._for_a_while(self.estimate_bps is not None and self.estimate_bps < needed_bps, now=now, seconds=BEHIND_S)

    def has_recovered(self, *, needed_bps: float, now: float) -> bool:
        """Whether it has had `needed_bps` for long enough, and lost nothing."""
        is_quiet = not self._requests or now - self._requests[-1] >= REQUESTS_S
        is_wide = self.estimate_bps is None or self.estimate_bps >= needed_bps
        return self._for_a_while(is_quiet and is_wide, now=now, seconds=self._wait_s)

    def set_apart(self) -> None:
        """It has been given an encoding of less bitrate; the next time it waits longer to come back."""
        self._since = None
        self._requests.clear()

    def taken_back(self) -> None:
        """It gets what the others get again."""
        self._since = None
        self._wait_s = min(2 * self._wait_s, LONGEST_WAIT_S)

    def _for_a_while(self, holds: bool, *, now: float, seconds: float) -> bool:  # noqa: FBT001 - what is asked about
        if not holds:
            self._since = None
            return False
        if self._since is None:
            self._since = now
        return now - self._since >= seconds
