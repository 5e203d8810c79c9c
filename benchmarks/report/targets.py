"""Targets: what was promised, beside what was measured."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.report.tables import SPREAD, cell

Figures = Mapping[str, Mapping[str, Any]]
Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Target:
    """A figure by the names that lead to it through the results, and what it shall be.

    `bf16` and `float32` lead to its companions, which were computed as they say. Medians count where there is a spread; the
    worst value where it is `worst` that must hold. `least` and `most` themselves are good enough. `note` says, where it is not
    reached, what stands in the way.
    """

    text: str
    path: Path
    least: float | None = None
    most: float | None = None
    bf16: Path = ()
    float32: Path = ()
    worst: bool = False
    note: str = ""

    def holds(self, value: float) -> bool:
        """Whether a figure is as promised."""
        return (self.least is None or value >= self.least) and (self.most is None or value <= self.most)

    @property
    def bound(self) -> str:
        """What is promised."""
        return f"at least {self.least:g}" if self.least is not None else f"at most {self.most:g}"


NOT_REACHED = "**not reached**"

_MEMORY_NOTE = """135 MiB are Python and its libraries, 90 the model compiled for a frame alone and for several at once, 65
  the input sizes that a first start times (a restart does without them), 20 the shape of these pictures; the rest are
  buffers, and what the heap keeps of them. One engine instead of two would save 35, and take four of ten frames a second;
  giving back what the heap keeps costs a quarter more processor time a picture ([ADR
  11](../docs/adr/0011-few-input-shapes-at-hand.md))."""
_SHARE_NOTE = """decoding, drawing and encoding take what they took, while the detector in 8-bit integers takes less than
  half of what it takes in float32: see `ms of processor time a frame` below. More would need an encoder that is not
  software; the quickest preset of x264 saves a millisecond of a 720p frame and makes files three times as large
  (`encoding`)."""
_TIMED_NOTE = """the engine keeps what it made for each input size that was timed. Loading the model a second time afterwards
  was tried: it saves 25 MiB and takes 0.7 s of every first start."""
_HEAP_NOTE = """what is allocated and not freed does not grow (`in_use_mib`): the heap fragments, ever more slowly, under
  packets that are held for seconds among pictures that are not. In half an hour of `make soak` it was level from minute 16."""
_CLIP_240, _CLIP_720 = "roboflow_night_street_people_426x240.mp4", "sofwerx_hall_aiming_720p.mp4"


def _pictures(form: str, least: float) -> Target:
    ratio = ("picture", "4 clients", "times as many answers")
    text = f"Pictures, 4 clients: {form} answers a second over the Flask service's"
    own, bf16, float32 = ((*ratio, f"sightline{how}, {form} over flask run") for how in ("", " bf16", " float32"))
    return Target(text, own, least=least, bf16=bf16, float32=float32)


def _video(clip: str, name: str, *, over: float, share: float) -> tuple[Target, Target]:
    text = f"Video file, {name}: frames a second"
    return (
        Target(
            f"{text} over `yolo predict save=True`",
            ("video", clip, "sightline over yolo predict"),
            least=over,
            bf16=("video", clip, "sightline bf16 over yolo predict"),
            float32=("video", clip, "sightline float32 over yolo predict"),
        ),
        Target(
            f"{text}, share of the detector alone",
            ("video", clip, "sightline, share of the detector alone"),
            least=share,
            bf16=("video", clip, "sightline bf16, share of the detector alone"),
            note=_SHARE_NOTE,
            float32=("video", clip, "sightline float32, share of the detector alone"),
        ),
    )


def _live(text: str, case: str, figure: str, most: float) -> Target:
    path = ("live", case, "sightline h264", figure)
    return Target(f"Live, 60 ms of sleeping inference: {text}", path, most=most, worst=figure == "longest_gap_ms")


def _capacity(imgsz: int, least: int) -> Target:
    text = f"Capacity: streams of 640x480 at 15 a second, input {imgsz}"
    own, bf16, float32 = (("capacity", f"{imgsz} px{how}", "streams") for how in ("", ", bf16", ", float32"))
    return Target(text, own, least=least, bf16=bf16, float32=float32)


TARGETS: Sequence[Target] = (
    _pictures("base64", 3),
    _pictures("json", 4.5),
    Target(
        "Pictures: resident memory, MiB",
        ("picture", "resident_mib", "sightline"),
        most=305,  # 320 MB
        note=_MEMORY_NOTE,
    ),
    *_video(_CLIP_240, "426x240", over=4.3, share=0.85),
    *_video(_CLIP_720, "1280x720", over=3.8, share=0.72),
    _live("round trip p95, ms", "no loss", "p95_ms", 80),
    _live("round trip p95 with 2 % loss, ms", "2% loss each way", "p95_ms", 150),
    _live("longest freeze, ms", "no loss", "longest_gap_ms", 300),
    _live("longest freeze with 2 % loss, ms", "2% loss each way", "longest_gap_ms", 300),
    _live("growth of memory in a minute, MiB", "no loss", "growth_mib", 5),
    Target(
        "Live, 60 ms of sleeping inference: round trip p95 in Chromium, ms", ("live", "chromium, sightline", "p95_ms"), most=90
    ),
    Target(
        "One stream at the default input size: pictures back a second",
        ("roundtrip", "h264", "returned_fps"),
        least=29.5,  # 30, as far as a count over seconds can tell
        bf16=("roundtrip", "h264 bf16", "returned_fps"),
        float32=("roundtrip", "h264 float32", "returned_fps"),
    ),
    Target(
        "One stream at the default input size: detections a second",
        ("roundtrip", "h264", "detected_fps"),
        least=20,
        bf16=("roundtrip", "h264 bf16", "detected_fps"),
        float32=("roundtrip", "h264 float32", "detected_fps"),
    ),
    _capacity(416, 6),
    _capacity(640, 4),
    Target("Overload: frames that come for each that is detected", ("overload", "received_over_processed"), least=3),
    Target("Overload: box age p95, last minute over first", ("overload", "box_age_last_over_first"), most=1),
    Target("Overload: growth of memory after the first minute, MiB", ("overload", "growth_mib"), most=5, note=_HEAP_NOTE),
    Target("Overload: growth of what is allocated and not freed, MiB", ("overload", "in_use_growth_mib"), most=1),
    Target(
        "1,000 sessions opened and closed: memory, most away from its plateau, %",
        ("churn", "most_away_from_the_plateau_percent"),
        most=10,
    ),
    Target("1,000 sessions opened and closed: descriptors more", ("churn", "descriptors", "more"), most=3),
    Target("1,000 sessions opened and closed: threads more", ("churn", "threads", "more"), most=3),
    Target("Start to ready, s", ("startup", "ready_s"), most=2),
    Target("Idle memory with the model, MiB", ("startup", "resident_mib"), most=286),  # 300 MB
    Target(
        "Idle memory with the model, when it has just been timed for the first time, MiB",
        ("startup", "resident_mib, first start of a model"),
        most=286,
        note=_TIMED_NOTE,
    ),
)


def targets_table(figures: Figures) -> str:
    """All targets as a table of Markdown, and below it what stands in the way of those that are not reached."""
    lines = ["| figure | target | measured | | bf16 | float32 |", "|---|---|---|---|---|---|"]
    notes = []
    for target in TARGETS:
        found, bf16, float32 = (_find(figures, path) for path in (target.path, target.bf16, target.float32))
        verdict = _verdict(target, found)
        measured = "not measured" if found is None else cell(found)
        beside = " | ".join("" if one is None else cell(one) for one in (bf16, float32))
        lines.append(f"| {target.text} | {target.bound} | {measured} | {verdict} | {beside} |")
        if verdict == NOT_REACHED and target.note:
            notes.append(f"- **{target.text}**: {target.note}")
    return "\n".join([*lines, *(["", *notes] if notes else [])])


def _verdict(target: Target, found: Any) -> str:
    value = _value(found, worst=target.worst, most=target.most is not None)
    if value is None:
        return ""
    return "reached" if target.holds(value) else NOT_REACHED


def _find(figures: Figures, path: Path) -> Any:
    """What the names lead to, None where it was not measured."""
    found: Any = figures if path else None
    for name in path:
        found = found.get(name) if isinstance(found, Mapping) else None
    return found


def _value(found: Any, *, worst: bool, most: bool) -> float | None:
    """What counts of a figure: where it has a spread its median, or the end that is worse."""
    if isinstance(found, Mapping) and set(found) == SPREAD:
        return float(found[("max" if most else "min") if worst else "median"])
    return None if found is None else float(found)
