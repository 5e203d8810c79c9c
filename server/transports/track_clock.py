"""The times of a video track, and the ages of what it sends."""

import fractions
import time
from collections.abc import Callable

from aiortc.mediastreams import VIDEO_CLOCK_RATE

from server.pipeline.freshness import FreshnessMeter

TIME_BASE = fractions.Fraction(1, VIDEO_CLOCK_RATE)
# A gap in the source's own times that is no pause of a camera: its clock was set. The track then goes on one frame later.
LONGEST_STEP = 10 * VIDEO_CLOCK_RATE
ONE_FRAME = VIDEO_CLOCK_RATE // 30


class TrackClock:
    """Turns the source's times into those of one track: on RTP's 90 kHz clock, from zero, as far apart, and never back."""

    def __init__(self) -> None:
        self._source_pts: int | None = None
        self._pts = 0

    def pts_of(self, source_time_s: float) -> int:
        """The track's time of the next picture, which has `source_time_s` at its source."""
        source_pts = round(source_time_s * VIDEO_CLOCK_RATE)
        if self._source_pts is not None:
            step = source_pts - self._source_pts
            self._pts += step if 0 < step <= LONGEST_STEP else ONE_FRAME
        self._source_pts = source_pts
        return self._pts


class SentPictures:
    """Measures the age of each picture when it has been sent: aiortc's sender asks for the next one then."""

    def __init__(self, meter: FreshnessMeter, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._meter = meter
        self._clock = clock
        self._is_under_way = False
        self._boxes_received_at: float | None = None

    def begin(self, boxes_received_at: float | None) -> None:
        """A picture whose boxes come from a frame that was received then is on its way."""
        self._is_under_way, self._boxes_received_at = True, boxes_received_at

    def end(self) -> None:
        """It has been sent; does nothing where none was on its way."""
        if not self._is_under_way:
            return
        at = self._boxes_received_at
        self._meter.record_picture(None if at is None else (self._clock() - at) * 1000)
        self._is_under_way = False
