"""A clock that is never set."""

from datetime import UTC, datetime

from server.transports.steady_clock import SteadyClock


def test_goes_on_when_the_wall_clock_is_set() -> None:
    """By as much as the other clock does, from the time of day at which it was made."""
    wall_s, steady_s = 1_000_000.0, 50.0
    clock = SteadyClock(wall_clock=lambda: wall_s, clock=lambda: steady_s)
    wall_s += 86_400.0
    steady_s += 2.5
    assert clock.time() == 1_000_002.5
    assert clock.current_datetime() == datetime.fromtimestamp(1_000_002.5, UTC)
