"""When pictures should come no faster than detections."""

# The output goes back to its own rate only well below the limit that slowed it down, so that it does not swing.
RELEASE = 0.5
SMOOTHING = 0.1


class Pressure:
    """Tells when the processor is short: then drawing and encoding more pictures than are detected would age the boxes.

    Two signs count, each smoothed over about ten values: the wait for a detector worker, as a share of the detection itself
    (limit: 0.5, other streams want the workers), and the time from asking for a drawing to having it (limit: 60 ms; without
    pressure it is below 5).
    """

    def __init__(self, *, wait_share_limit: float = 0.5, draw_delay_limit_ms: float = 60.0) -> None:
        self._wait = _Level(wait_share_limit)
        self._delay = _Level(draw_delay_limit_ms)

    @property
    def high(self) -> bool:
        """Whether the output should follow the detector."""
        return self._wait.high or self._delay.high

    def record_detection(self, *, queue_ms: float, detector_ms: float) -> None:
        """Notes how long one detection waited and took."""
        self._wait.record(queue_ms / max(detector_ms, 1.0))

    def record_draw(self, delay_ms: float) -> None:
        """Notes the time from asking for a drawing to having it."""
        self._delay.record(delay_ms)


class _Level:
    def __init__(self, limit: float) -> None:
        self._limit = limit
        self._value = 0.0
        self.high = False

    def record(self, value: float) -> None:
        self._value += SMOOTHING * (value - self._value)
        self.high = self._value > self._limit * (RELEASE if self.high else 1.0)
