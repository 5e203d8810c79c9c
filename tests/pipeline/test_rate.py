"""RateMeter: events a second."""

import pytest

from server.pipeline.rate import RateMeter


def test_rate_is_counted_over_two_seconds() -> None:
    """Thirty events a second read as thirty."""
    meter = RateMeter()
    for number in range(90):
        meter.record(number / 30)
    assert meter.rate_fps(89 / 30) == pytest.approx(30.0)
    assert meter.count == 90


def test_rate_falls_to_nothing_when_events_stop() -> None:
    """After the window nothing is left."""
    meter = RateMeter()
    meter.record(0.0)
    assert meter.rate_fps(1.0) == 0.5
    assert meter.rate_fps(10.0) == 0.0


def test_a_flood_takes_bounded_memory() -> None:
    """Far more events than any source sends keep at most the window's share."""
    meter = RateMeter(largest_fps=100)
    for number in range(10_000):
        meter.record(number / 100_000)
    assert meter.rate_fps(0.1) <= 100.0
    assert meter.count == 10_000
