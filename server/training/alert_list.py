"""Alert list: every alert of some clips with its time and its box, to look at what was taken for a firearm."""

from collections.abc import Sequence
from pathlib import Path

from server.alerts.rules import AlertRule
from server.training.clip_checks import CheckedClip
from server.training.clip_metrics import TrackedClip
from server.training.table_file import write_table

COLUMNS = ("clip", "time_s", "class", "confidence", "x1", "y1", "x2", "y2")


def write_alert_list(clips: Sequence[CheckedClip], path: Path, *, rule: AlertRule) -> None:
    """Writes a CSV; boxes are in pixels of the clip's pictures. Blocks."""
    rows: list[Sequence[object]] = [COLUMNS]
    for clip in clips:
        for time_s, one in TrackedClip.follow(clip, confidence=rule.confidence).alerts(rule):
            rows.append((clip.name, round(time_s, 3), one.class_id, round(one.confidence, 4), *map(round, one.xyxy)))
    write_table(path, rows)
