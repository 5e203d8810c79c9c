"""FreshnessMeter: ages and deliveries."""

from server.pipeline.freshness import BUCKETS_MS, RECENT, WINDOW, AgeMeter, FreshnessMeter


def test_percentiles_describe_the_newest_values() -> None:
    """Old values leave the window but stay in the totals."""
    meter = AgeMeter()
    for _ in range(WINDOW):
        meter.record(5000.0)
    for value in range(WINDOW):
        meter.record(float(value))
    stats = meter.stats()
    assert stats.last_ms == WINDOW - 1
    assert stats.p50_ms == WINDOW // 2
    assert stats.p95_ms == WINDOW * 95 // 100
    assert stats.count == 2 * WINDOW


def test_the_recent_age_forgets_soon() -> None:
    """Fifteen values after a burst nothing is left of it."""
    meter = AgeMeter()
    for _ in range(WINDOW):
        meter.record(5000.0)
    assert meter.stats().recent_ms == 5000
    for value in range(RECENT):
        meter.record(float(value))
    assert meter.stats().recent_ms == RECENT * 3 // 4


def test_empty_meter_knows_no_age() -> None:
    """Before the first value there is nothing to show."""
    stats = AgeMeter().stats()
    assert (stats.last_ms, stats.p50_ms, stats.p95_ms, stats.recent_ms, stats.count) == (None, None, None, None, 0)


def test_buckets_count_up_to_their_bound() -> None:
    """A value on a bound belongs to that bucket, one above all bounds to the last place."""
    meter = AgeMeter()
    for value in (BUCKETS_MS[0], BUCKETS_MS[0] + 1, BUCKETS_MS[-1] * 2):
        meter.record(value)
    buckets = meter.stats().buckets
    assert buckets[0] == 1
    assert buckets[1] == 1
    assert buckets[-1] == 1
    assert sum(buckets) == 3


def test_a_picture_without_boxes_has_no_age() -> None:
    """It counts as delivered only."""
    meter = FreshnessMeter()
    meter.record_picture(None)
    meter.record_picture(20.0)
    meter.record_age(10.0)
    assert meter.delivered == 2
    assert meter.box_age.stats().count == 1
    assert meter.age.last_ms == 10.0


def test_the_newest_picture_s_box_age_goes_with_its_boxes() -> None:
    """It is None as soon as a picture without boxes was sent; the window keeps what was measured."""
    meter = FreshnessMeter()
    meter.record_picture(20.0)
    assert meter.last_box_age_ms == 20.0
    meter.record_picture(None)
    assert meter.last_box_age_ms is None
    assert meter.box_age.last_ms == 20.0
