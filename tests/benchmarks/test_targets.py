"""What is called reached, and what is not."""

from typing import Any

from benchmarks.capacity import holds
from benchmarks.report.targets import TARGETS, targets_table


def row(text: str, figures: dict[str, Any]) -> list[str]:
    """The cells of one target's row."""
    (line,) = [line for line in targets_table(figures).splitlines() if line.startswith(f"| {text} |")]
    return [cell.strip() for cell in line.strip("|").split("|")]


def spread(low: float, median: float, high: float) -> dict[str, float]:
    """A figure that was measured several times."""
    return {"min": low, "median": median, "max": high}


def test_medians_are_judged() -> None:
    """A single bad round of a ratio is no failure, and a single good one no success."""
    text = "Pictures, 4 clients: base64 answers a second over the Flask service's"

    def verdict(measured: dict[str, float]) -> str:
        ratios = {"sightline, base64 over flask run": measured, "sightline bf16, base64 over flask run": spread(1, 2, 3)}
        return row(text, {"picture": {"4 clients": {"times as many answers": ratios}}})[3]

    assert verdict(spread(2, 3, 4)) == "reached"
    assert verdict(spread(2, 2.9, 4)) == "**not reached**"


def test_the_longest_freeze_is_judged_by_its_worst_round() -> None:
    """`No freeze over 300 ms` is a promise about all of them."""
    figures = {"live": {"no loss": {"sightline h264": {"longest_gap_ms": spread(60, 70, 310)}}}}
    assert row("Live, 60 ms of sleeping inference: longest freeze, ms", figures)[3] == "**not reached**"


def test_what_was_not_measured_has_no_verdict() -> None:
    """Nothing is called reached without a figure."""
    assert row("Start to ready, s", {})[2:4] == ["not measured", ""]


def test_companions_stand_beside_without_a_verdict() -> None:
    """bf16 and float32 are told, whatever they are."""
    streams = {name: {"streams": spread(value, value, value)} for name, value in (("640 px", 6), ("640 px, float32", 3))}
    assert row("Capacity: streams of 640x480 at 15 a second, input 640", {"capacity": streams})[3:] == [
        "reached",
        "",
        "**3** (3 to 3)",
    ]


def test_what_stands_in_the_way_is_told_where_it_does() -> None:
    """The note of a target appears with its failure, and only then."""
    (target,) = [target for target in TARGETS if target.path == ("picture", "resident_mib", "sightline")]
    assert target.note in targets_table({"picture": {"resident_mib": {"sightline": 306}}})
    assert target.note not in targets_table({"picture": {"resident_mib": {"sightline": 300}}})


def full_at(box_age_ms: float | None, *, least_fps: float) -> bool:
    """Whether a server with such figures has one stream too many."""
    return not holds({"box_age_p95_ms": box_age_ms, "detected_fps": {"least": least_fps, "each": 9.0}})


def test_a_server_is_full_where_boxes_are_old_or_detections_rare() -> None:
    """Both have to hold, and boxes that nobody has seen are not fresh."""
    assert not full_at(250.0, least_fps=5.0)
    assert full_at(250.1, least_fps=9.0)
    assert full_at(90.0, least_fps=4.9)
    assert full_at(None, least_fps=9.0)
