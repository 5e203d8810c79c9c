"""Targets: what was promised, beside what was measured."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.result_tables import SPREAD, cell

Figures = Mapping[str, Mapping[str, Any]]
Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Target:
    """A figure by the names that lead to it through the results, and what it shall be; `float32` leads to its companion.

    Medians count where there is a spread. `least` and `most` themselves are good enough.
    """

    text: str
    path: Path
    least: float | None = None
    most: float | None = None
    float32: Path = ()

    def holds(self, value: float) -> bool:
        """Whether a figure is as promised."""
        return (self.least is None or value >= self.least) and (self.most is None or value <= self.most)

    @property
    def bound(self) -> str:
        """What is promised."""
        return f"at least {self.least:g}" if self.least is not None else f"at most {self.most:g}"


_CLIP_240, _CLIP_720 = "roboflow_night_street_people_426x240.mp4", "sofwerx_hall_aiming_720p.mp4"


def _pictures(form: str, least: float) -> Target:
    ratio = ("picture", "4 clients", "times as many answers")
    text = f"Pictures, 4 clients: {form} answers a second over the Flask service's"
    own, float32 = (*ratio, f"sightline, {form} over flask run"), (*ratio, f"sightline float32, {form} over flask run")
    return Target(text, own, least=least, float32=float32)


def _video(clip: str, name: str, *, over: float, share: float) -> tuple[Target, Target]:
    text = f"Video file, {name}: frames a second"
    return (
        Target(
            f"{text} over `yolo predict save=True`",
            ("video", clip, "sightline over yolo predict"),
            least=over,
            float32=("video", clip, "sightline float32 over yolo predict"),
        ),
        Target(
            f"{text}, share of the detector alone",
            ("video", clip, "sightline, share of the detector alone"),
            least=share,
            float32=("video", clip, "sightline float32, share of the detector alone"),
        ),
    )


def _live(text: str, case: str, figure: str, most: float) -> Target:
    return Target(f"Live, 60 ms of sleeping inference: {text}", ("live", case, "sightline h264", figure), most=most)


def _capacity(imgsz: int, least: int) -> Target:
    text = f"Capacity: streams of 640x480 at 15 a second, input {imgsz}"
    return Target(
        text, ("capacity", f"{imgsz} px", "streams"), least=least, float32=("capacity", f"{imgsz} px, float32", "streams")
    )


TARGETS: Sequence[Target] = (
    _pictures("base64", 3),
    _pictures("json", 4.5),
    Target("Pictures: resident memory, MiB", ("picture", "resident_mib", "sightline"), most=305),  # 320 MB
    *_video(_CLIP_240, "426x240", over=4.3, share=0.85),
    *_video(_CLIP_720, "1280x720", over=3.8, share=0.72),
    _live("round trip p95, ms", "no loss", "p95_ms", 80),
    _live("round trip p95 with 2 % loss, ms", "2% loss each way", "p95_ms", 150),
    _live("longest freeze, ms", "no loss", "longest_gap_ms", 300),
    _live("longest freeze with 2 % loss, ms", "2% loss each way", "longest_gap_ms", 300),
    _live("growth of memory in a minute, MiB", "one run of 60 s, no loss", "growth_mib", 5),
    Target(
        "Live, 60 ms of sleeping inference: round trip p95 in Chromium, ms", ("live", "chromium, sightline", "p95_ms"), most=90
    ),
    Target(
        "One stream at the default input size: pictures back a second",
        ("roundtrip", "h264", "returned_fps"),
        least=29.5,  # 30, as far as a count over seconds can tell
        float32=("roundtrip", "h264 float32", "returned_fps"),
    ),
    Target(
        "One stream at the default input size: detections a second",
        ("roundtrip", "h264", "detected_fps"),
        least=20,
        float32=("roundtrip", "h264 float32", "detected_fps"),
    ),
    _capacity(416, 6),
    _capacity(640, 4),
    Target("Overload: frames that come for each that is detected", ("overload", "received_over_processed"), least=3),
    Target("Overload: box age p95, last minute over first", ("overload", "box_age_last_over_first"), most=1),
    Target("Overload: growth of memory after the first minute, MiB", ("overload", "growth_mib"), most=5),
    Target(
        "1,000 sessions opened and closed: memory, most away from its plateau, %",
        ("churn", "most_away_from_the_plateau_percent"),
        most=10,
    ),
    Target("1,000 sessions opened and closed: descriptors more", ("churn", "descriptors", "more"), most=3),
    Target("1,000 sessions opened and closed: threads more", ("churn", "threads", "more"), most=3),
    Target("Start to ready, s", ("startup", "ready_s"), most=2),
    Target("Idle memory with the model, MiB", ("startup", "resident_mib"), most=286),  # 300 MB
)


def targets_table(figures: Figures) -> str:
    """All targets as a table of Markdown."""
    lines = ["| figure | target | measured | float32 | |", "|---|---|---|---|---|"]
    for target in TARGETS:
        found, beside = _find(figures, target.path), _find(figures, target.float32)
        value = _median(found)
        verdict = "" if value is None else "reached" if target.holds(value) else "**not reached**"
        measured = "not measured" if found is None else cell(found)
        lines.append(f"| {target.text} | {target.bound} | {measured} | {'' if beside is None else cell(beside)} | {verdict} |")
    return "\n".join(lines)


def _find(figures: Figures, path: Path) -> Any:
    """What the names lead to, None where it was not measured."""
    found: Any = figures if path else None
    for name in path:
        found = found.get(name) if isinstance(found, Mapping) else None
    return found


def _median(found: Any) -> float | None:
    if isinstance(found, Mapping) and set(found) == SPREAD:
        return float(found["median"])
    return None if found is None else float(found)
