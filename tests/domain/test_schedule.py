"""Tests of the hours in which a camera is watched."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from server.domain.camera import Span
from server.domain.schedule import is_watched, next_change

BERLIN = ZoneInfo("Europe/Berlin")
NIGHTS = (Span(frozenset(range(5)), 18 * 60, 6 * 60),)
OFFICE = (Span(frozenset({0, 1}), 9 * 60, 17 * 60),)
DAY = (Span(frozenset({6}), 0, 0),)


def at(day: int, hour: int, minute: int = 0) -> datetime:
    """A moment in the week of Monday, 2 November 2026."""
    return datetime(2026, 11, 1 + day, hour, minute, tzinfo=BERLIN)


@pytest.mark.parametrize(
    ("schedule", "moment", "watched"),
    [
        ((), at(1, 3), True),
        (OFFICE, at(1, 8, 59), False),
        (OFFICE, at(1, 9), True),
        (OFFICE, at(2, 16, 59), True),
        (OFFICE, at(2, 17), False),
        (OFFICE, at(3, 12), False),
        (NIGHTS, at(1, 5, 59), False),  # Sunday's night is none
        (NIGHTS, at(1, 18), True),
        (NIGHTS, at(2, 5, 59), True),
        (NIGHTS, at(2, 6), False),
        (NIGHTS, at(6, 5), True),  # Friday's
        (NIGHTS, at(6, 18), False),
        (DAY, at(7, 0), True),
        (DAY, at(7, 23, 59), True),
        (DAY, at(8, 0), False),
    ],
)
def test_hours(schedule: tuple[Span, ...], moment: datetime, *, watched: bool) -> None:
    """Days are those on which a span begins; an end that is not after the beginning lies on the next."""
    assert is_watched(schedule, moment) is watched


def test_the_next_change() -> None:
    """When it begins, when it ends, over a weekend, and never."""
    assert next_change(NIGHTS, at(1, 12)) == at(1, 18)
    assert next_change(NIGHTS, at(1, 19)) == at(2, 6)
    assert next_change(NIGHTS, at(6, 7)) == at(9 - 1, 18)
    assert next_change((), at(1, 12)) is None
    assert next_change((Span(frozenset(range(7)), 0, 0),), at(1, 12)) is None


def test_nights_in_which_the_clocks_change() -> None:
    """The end is that of the clock on the wall: the night is an hour longer, or shorter."""
    everyday = (Span(frozenset(range(7)), 22 * 60, 6 * 60),)
    for day, hours in ((datetime(2026, 10, 24, 22, tzinfo=BERLIN), 9), (datetime(2026, 3, 28, 22, tzinfo=BERLIN), 7)):
        end = next_change(everyday, day)
        assert end is not None
        assert end - day.astimezone(UTC) == timedelta(hours=hours)
        assert end.astimezone(BERLIN).hour == 6
