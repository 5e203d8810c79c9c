"""Schedules: the hours of a week in which a camera is watched, by the clock on the wall."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta, tzinfo

from server.domain.camera import Span

_DAY_MIN = 24 * 60


def is_watched(schedule: Sequence[Span], at: datetime) -> bool:
    """Whether a camera is watched at a moment, `at` being aware and of the schedule's time zone; always with none."""
    if not schedule:
        return True
    minute, today = at.hour * 60 + at.minute, at.weekday()
    return any(_covers(span, minute=minute, today=today) for span in schedule)


def next_change(schedule: Sequence[Span], at: datetime) -> datetime | None:
    """When that changes next, in UTC; None where it never does. A night in which the clocks change is as long as it is."""
    now = is_watched(schedule, at)
    zone = at.tzinfo or UTC
    for moment in sorted(_edges(schedule, at, zone=zone)):
        if moment > at and is_watched(schedule, moment.astimezone(zone)) is not now:
            return moment
    return None


def _covers(span: Span, *, minute: int, today: int) -> bool:
    if span.start_min < span.end_min:
        return today in span.days and span.start_min <= minute < span.end_min
    began_today = today in span.days and minute >= span.start_min
    return began_today or ((today - 1) % 7 in span.days and minute < span.end_min)


def _edges(schedule: Sequence[Span], at: datetime, *, zone: tzinfo) -> Iterator[datetime]:
    """All beginnings and ends from yesterday to eight days on, in UTC."""
    for day in range(-1, 9):
        midnight = at.replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None) + timedelta(days=day)
        for span in schedule:
            for minute in (span.start_min, span.end_min):
                # By the clock on the wall: in between there may be an hour more or less.
                local = midnight + timedelta(minutes=minute % _DAY_MIN)
                yield local.replace(tzinfo=zone).astimezone(UTC)
