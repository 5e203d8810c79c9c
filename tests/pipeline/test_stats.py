"""LiveTotals: sums that outlive the streams."""

from server.pipeline.freshness import FreshnessMeter
from server.pipeline.stats import LiveTotals, StreamStats


class _Stream:
    def __init__(self, received: int) -> None:
        self.received = received
        self.meter = FreshnessMeter()

    def stats(self) -> StreamStats:
        """A snapshot in which only the received frames and the ages count."""
        age, box_age = self.meter.age.stats(), self.meter.box_age.stats()
        return StreamStats(self.received, 0, 0, self.meter.delivered, 0, 0.0, 0.0, None, None, None, age, box_age)


def test_totals_outlive_a_stream() -> None:
    """What a stream reached stays in the sums when it has ended, and is not counted twice."""
    totals = LiveTotals()
    ended, running = _Stream(3), _Stream(4)
    with totals.counting(ended):
        ended.meter.record_picture(20.0)
        assert totals.stats().received == 3
        ended.received = 5
    with totals.counting(running):
        running.meter.record_picture(30.0)
        sums = totals.stats()
    assert sums.received == 9
    assert sums.delivered == 2
    assert sums.box_age.count == 2
    assert sums.box_age.sum_ms == 50.0
    assert totals.stats() == sums


def test_the_line_of_the_end_tells_what_became_of_the_frames() -> None:
    """Received, dropped, processed and sent are told, and the age of the boxes as far as it is known."""
    meter = FreshnessMeter()
    unknown = meter.box_age.stats()
    meter.record_picture(84.6)
    told = StreamStats(9, 4, 5, 6, 0, 0.0, 0.0, None, None, None, unknown, meter.box_age.stats()).in_words
    assert told == "9 frames received, 4 dropped, 5 processed, 6 pictures sent, box age p95 85 ms"
    assert unknown.p95_in_words == "unknown"
