"""What `sightline replay` prints: text for a person, JSON, or a CSV line for each alert."""

import csv
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import msgspec

from server.alerts.rules import AlertRule
from server.domain.model import ModelInfo
from server.resources import version
from server.training.clip_replay import ReplayedAlert, ReplayedClip, false_alarms
from server.training.metrics_file import AlarmRate

COLUMNS = ("video", "time_s", "name", "confidence", "hits", "x1", "y1", "x2", "y2", "judged", "picture")


@dataclass(frozen=True, slots=True, eq=False)
class ReplayReport:
    """All that a replay says; `complete` is false where Ctrl-C has ended it."""

    clips: Sequence[ReplayedClip]
    rule: AlertRule
    model: ModelInfo
    complete: bool

    def in_form(self, form: str) -> str:
        """The report as `text`, `json` or `csv`, without the last line's end."""
        forms: Mapping[str, Callable[[], str]] = {"text": self._text, "json": self._json, "csv": self._csv}
        return forms[form]()

    def _text(self) -> str:
        return "\n".join(line for lines in (*map(self._clip_lines, self.clips), self._summary()) for line in lines)

    def _clip_lines(self, clip: ReplayedClip) -> Iterator[str]:
        yield f"{clip.name}: {clip.duration_s:.1f} s, {_count(len(clip.alerts), 'alert')}{_judgement(clip)}"
        for one in clip.alerts:
            picture = f"  {one.picture}" if one.picture else ""
            name = self.model.labels[one.best.class_id]
            yield f"  {one.time_s:9.2f} s  {name} {one.best.confidence:.2f}  {_count(one.hits, 'frame')}{picture}"

    def _summary(self) -> Iterator[str]:
        rule = self.rule
        yield f"rule: {rule.hits} of {rule.frames} frames at {rule.confidence:g}"
        waits = [wait for clip in self.clips if (wait := clip.time_to_alert_s) is not None]
        if raised := [clip for clip in self.clips if clip.raised_s is not None]:
            longest = f", at the latest {max(waits):.2f} s after the firearm is raised" if waits else ""
            yield f"firearms: {len(waits)} of {len(raised)} told of{longest}"
        if any(clip.gun_free for clip in self.clips):
            yield _false_alarms(false_alarms(self.clips))
        if not self.complete:
            yield "stopped before the end: what is above is what was replayed whole"

    def _json(self) -> str:
        rule = self.rule
        content = {
            "version": version(),
            "model": {"name": self.model.name, "imgsz": self.model.imgsz, "precision": self.model.precision},
            "rule": {
                **{key: getattr(rule, key) for key in ("confidence", "hits", "frames", "min_size_px", "cooldown_s", "rearm_s")},
                "mask": [{"kind": one.kind, "points": one.points} for one in rule.mask.regions],
            },
            "videos": [self._clip_fields(clip) for clip in self.clips],
            "false_alarms": msgspec.to_builtins(false_alarms(self.clips)),
            "complete": self.complete,
        }
        return msgspec.json.format(msgspec.json.encode(content), indent=2).decode()

    def _clip_fields(self, clip: ReplayedClip) -> dict[str, object]:
        wait = clip.time_to_alert_s
        return {
            "name": clip.name,
            "frames": clip.frames,
            "duration_s": round(clip.duration_s, 3),
            "distinct_s": round(clip.distinct_s, 3),
            "gun_free": clip.gun_free,
            "raised_s": clip.raised_s,
            "time_to_alert_s": None if wait is None else round(wait, 3),
            "early_alerts": len(clip.early),
            "alerts": [self._alert_fields(one) for one in clip.alerts],
        }

    def _alert_fields(self, one: ReplayedAlert) -> dict[str, object]:
        return {
            "time_s": round(one.time_s, 3),
            "class": one.best.class_id,
            "name": self.model.labels[one.best.class_id],
            "confidence": round(one.best.confidence, 4),
            "hits": one.hits,
            "track_id": one.best.track_id,
            "box": dict(zip(("x1", "y1", "x2", "y2"), (round(side, 1) for side in one.best.xyxy), strict=True)),
            "picture": one.picture,
        }

    def _csv(self) -> str:
        text = io.StringIO()
        table = csv.writer(text, lineterminator="\n")
        table.writerow(COLUMNS)
        for clip in self.clips:
            for one in clip.alerts:
                known = self._alert_fields(one)
                box = (round(side, 1) for side in one.best.xyxy)
                shown = (known["time_s"], known["name"], known["confidence"], one.hits)
                table.writerow((clip.name, *shown, *box, _judged(clip, one), one.picture or ""))
        return text.getvalue().rstrip("\n")


def _judged(clip: ReplayedClip, one: ReplayedAlert) -> str:
    """What an alert is, as far as somebody has said what the video shows."""
    if clip.gun_free:
        return "false"
    if clip.raised_s is None:
        return "unknown"
    return "early" if one.time_s < clip.raised_s else "true"


def _judgement(clip: ReplayedClip) -> str:
    if clip.gun_free:
        return ", all false" if clip.alerts else ""
    if clip.raised_s is None:
        return ""
    wait = clip.time_to_alert_s
    told = "the firearm is missed" if wait is None else f"{wait:.2f} s after the firearm is raised"
    return f", {told}" + (f", {len(clip.early)} before" if clip.early else "")


def _false_alarms(rate: AlarmRate) -> str:
    footage = f"{rate.hours:.2f} hours" if rate.hours >= 1 else f"{60 * rate.hours:.1f} minutes"
    text = f"false alarms: {rate.count} in {footage} of gun-free footage"
    if rate.per_hour_upper_95 is None:
        return text
    return f"{text}; with 95 % certainty below {rate.per_hour_upper_95:.3g} an hour"


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
