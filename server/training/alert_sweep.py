"""Alert sweep: false alerts and times to alert for many confidences and many N of M, to choose defaults from."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from server.alerts.rules import AlertRule
from server.training.clip_checks import CheckedClip
from server.training.clip_metrics import TrackedClip, alarm_rate
from server.training.table_file import write_table

CONFIDENCES = tuple(round(0.05 * step, 2) for step in range(3, 17))
HITS_OF_FRAMES = (
    (1, 1), (2, 3), (3, 3), (2, 5), (3, 5), (4, 5), (3, 8), (4, 8), (5, 8), (6, 8),
    (4, 10), (5, 10), (6, 10), (8, 10), (6, 15), (8, 15), (10, 15),
)  # fmt: skip
COLUMNS = (
    "imgsz",
    "confidence",
    "hits",
    "frames",
    "false_alerts",
    "distinct_s",
    "per_hour",
    "per_hour_upper_95",
    "early_alerts",
)

Row = list[Any]
"""The values of `COLUMNS`, then seconds, or an empty text where no alert came."""

_TIMES = len(COLUMNS)


def sweep(clips: Sequence[CheckedClip], *, imgsz: int, raised_s: Mapping[str, float]) -> Iterator[Row]:
    """Yields a row for each confidence and rule: `COLUMNS`, then the time to alert in each clip with a firearm, in order."""
    for confidence in CONFIDENCES:
        tracked = [TrackedClip.follow(clip, confidence=confidence) for clip in clips]
        for hits, frames in HITS_OF_FRAMES:
            rule = AlertRule(confidence=confidence, hits=hits, frames=frames, rearm_s=0)
            yield [imgsz, confidence, hits, frames, *_figures(tracked, rule=rule, raised_s=raised_s)]


def write_sweep(rows: Sequence[Row], path: Path, *, clips: Sequence[str]) -> None:
    """Writes the rows as CSV, `clips` being the names of those with a firearm. Blocks."""
    write_table(path, [[*COLUMNS, *clips], *rows])


def promising(rows: Sequence[Row], *, most: int = 12) -> list[str]:
    """A line for each of the rules that alert in every clip with a firearm, those with the fewest false alerts first.

    Of equal ones that with the shortest longest wait, and then the higher confidence, comes first. Needs a clip with a firearm.
    """
    complete = [row for row in rows if row[_TIMES:] and all(time != "" for time in row[_TIMES:])]
    return [_line(row) for row in sorted(complete, key=_order)[:most]]


def _order(row: Row) -> tuple[float, float, float]:
    false_alerts, early_alerts = row[4], row[8]
    return float(false_alerts) + float(early_alerts), max(map(float, row[_TIMES:])), -float(row[1])


def _line(row: Row) -> str:
    imgsz, confidence, hits, frames, false_alerts = row[:5]
    waits = ", ".join(f"{time:.2f}" for time in row[_TIMES:])
    return (
        f"{imgsz} px, confidence {confidence:g}, {hits}/{frames}: {false_alerts} false alerts, {row[8]} early, after {waits} s"
    )


def _figures(tracked: Sequence[TrackedClip], *, rule: AlertRule, raised_s: Mapping[str, float]) -> Row:
    without = [one for one in tracked if one.clip.name not in raised_s and one.clip.distinct_s > 0]
    distinct_s = sum(one.clip.distinct_s for one in without)
    rate = alarm_rate(sum(len(one.alerts_s(rule)) for one in without), hours=distinct_s / 3600)
    times: Row = []
    early = 0
    for one in tracked:
        if (raised := raised_s.get(one.clip.name)) is not None:
            alerts = one.alerts_s(rule)
            after = [at for at in alerts if at >= raised]
            early += len(alerts) - len(after)
            times.append(round(after[0] - raised, 2) if after else "")
    rates = ["" if value is None else round(value, 2) for value in (rate.per_hour, rate.per_hour_upper_95)]
    return [rate.count, round(distinct_s, 2), *rates, early, *times]
