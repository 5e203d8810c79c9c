"""Tests of the figures of clips: bounds, footage that counts once, times to alert, and the sweep over rules."""

import csv
from collections.abc import Mapping
from pathlib import Path

import pytest

from server.alerts.rules import AlertRule
from server.domain.detection import Box, Detections
from server.domain.errors import InvalidRequest
from server.training.alert_list import write_alert_list
from server.training.alert_sweep import COLUMNS, CONFIDENCES, HITS_OF_FRAMES, promising, sweep, write_sweep
from server.training.clip_checks import CheckedClip
from server.training.clip_files import check_headers, find_clips, read_raised
from server.training.clip_metrics import alarm_rate, measure_clips, poisson_upper_bound
from server.training.metrics_file import ClipsMetrics
from tests.builders import make_detections
from tests.video_clips import make_clip as write_clip

BOX: Box = (100, 100, 140, 120)
RULE = AlertRule(confidence=0.4, hits=3, frames=5, rearm_s=0)


def make_clip(pattern: str, *, name: str = "clip.mp4", fps: float = 10.0, distinct: bool = True) -> CheckedClip:
    """A clip in which one object is seen where the pattern has an `x`."""
    detections = [make_detections([BOX]) if sign == "x" else Detections.empty() for sign in pattern]
    return CheckedClip(name, [number / fps for number in range(len(pattern))], detections, [distinct] * len(pattern))


def measured(*clips: CheckedClip, raised_s: Mapping[str, float] | None = None) -> ClipsMetrics:
    """The figures of clips at three of five frames."""
    return measure_clips(clips, rule=RULE, raised_s=raised_s or {})


@pytest.mark.parametrize(("count", "bound"), [(0, 2.996), (1, 4.744), (3, 7.754), (10, 16.962), (100, 118.08), (1000, 1053.6)])
def test_the_bound_is_the_exact_one(count: int, bound: float) -> None:
    """Half the 95 % quantile of chi-squared with 2 (n + 1) degrees of freedom, from its tables."""
    assert poisson_upper_bound(count) == pytest.approx(bound, abs=0.06 if count > 99 else 0.001)


def test_a_rate_is_told_by_the_hour() -> None:
    """Nothing in half an hour is below six an hour; without footage there is no rate."""
    rate = alarm_rate(0, hours=0.5)
    assert (rate.per_hour, rate.per_hour_upper_95) == pytest.approx((0, 5.99), abs=0.01)
    assert alarm_rate(0, hours=0).per_hour_upper_95 is None


def test_false_alarms_are_counted_at_both_levels() -> None:
    """Five frames with a detection, one alert, six seconds of footage."""
    clips = measured(make_clip("." * 20 + "xx" + "." * 20 + "xxx" + "." * 15))
    assert (clips.frames, clips.frame_alarms.count, clips.alerts.count) == (60, 5, 1)
    assert clips.alerts.hours == pytest.approx(6 / 3600)
    assert clips.clips[0].alerts_s == [pytest.approx(4.4)]


def test_a_copy_of_a_clip_adds_nothing() -> None:
    """What was seen before is neither footage nor a false alarm."""
    clip = make_clip("xxx" + "." * 27)
    once, twice = measured(clip), measured(clip, make_clip("xxx" + "." * 27, name="copy.mp4", distinct=False))
    assert once.alerts == twice.alerts
    assert once.frame_alarms == twice.frame_alarms


def test_time_to_alert_runs_from_the_raising() -> None:
    """Raised at 1 s, seen from 1.2 s on, alert at 1.4 s; the clip is no footage without a firearm."""
    clips = measured(make_clip("." * 12 + "x" * 20), raised_s={"clip.mp4": 1.0})
    (clip,) = clips.clips
    assert (clip.time_to_alert_s, clip.early_alerts) == pytest.approx((0.4, 0))
    assert (clips.alerts.count, clips.alerts.hours) == (0, 0)


def test_an_alert_before_the_raising_is_early() -> None:
    """It is told apart, and does not count as the one that was waited for."""
    (clip,) = measured(make_clip("xxx" + "." * 30), raised_s={"clip.mp4": 1.0}).clips
    assert (clip.time_to_alert_s, clip.early_alerts) == (None, 1)


def test_the_sweep_has_a_row_for_each_confidence_and_rule(tmp_path: Path) -> None:
    """With what the one-rule figures say, and a column for each clip with a firearm."""
    clips = [make_clip("xxx" + "." * 27), make_clip("." * 12 + "x" * 20, name="gun.mp4")]
    rows = list(sweep(clips, imgsz=416, raised_s={"gun.mp4": 1.0}))
    write_sweep(rows, tmp_path / "sweep.csv", clips=["gun.mp4"])
    with (tmp_path / "sweep.csv").open(newline="") as file:
        table = list(csv.DictReader(file))
    assert list(table[0]) == [*COLUMNS, "gun.mp4"]
    assert len(table) == len(CONFIDENCES) * len(HITS_OF_FRAMES)
    (row,) = [one for one in table if (one["confidence"], one["hits"], one["frames"]) == ("0.4", "3", "5")]
    assert (row["false_alerts"], row["distinct_s"], row["gun.mp4"]) == ("1", "3.0", "0.4")
    (row,) = [one for one in table if (one["confidence"], one["hits"], one["frames"]) == ("0.4", "4", "5")]
    assert (row["false_alerts"], row["per_hour_upper_95"], row["gun.mp4"]) == ("0", "3594.88", "0.5")


def test_promising_rules_alert_everywhere_with_the_fewest_false_alerts() -> None:
    """The flicker of three frames is told apart from the firearm by four hits; rules that miss a clip are left out."""
    clips = [make_clip("xxx" + "." * 27), make_clip("." * 12 + "x" * 6 + "." * 20, name="gun.mp4")]
    lines = promising(list(sweep(clips, imgsz=416, raised_s={"gun.mp4": 1.0})))
    assert lines[0] == "416 px, confidence 0.8, 4/5: 0 false alerts, 0 early, after 0.50 s"
    assert not [line for line in lines if "8/10" in line]
    assert promising(list(sweep(clips, imgsz=416, raised_s={}))) == []


def test_alerts_are_listed_with_what_met_the_rule(tmp_path: Path) -> None:
    """A row for each, with the box to look at."""
    write_alert_list([make_clip("..xxx."), make_clip("......", name="quiet.mp4")], tmp_path / "alerts.csv", rule=RULE)
    assert (tmp_path / "alerts.csv").read_text().splitlines() == [
        "clip,time_s,class,confidence,x1,y1,x2,y2",
        "clip.mp4,0.4,0,0.9,100,100,140,120",
    ]


def test_clips_are_found_in_folders(tmp_path: Path) -> None:
    """Videos below it by name; pictures and notes are left alone."""
    for name in ("b.mp4", "a.MKV", "notes.txt", "picture.jpg", "below/c.mp4"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert [path.name for path in find_clips([str(tmp_path), str(tmp_path / "b.mp4")])] == ["a.MKV", "b.mp4", "c.mp4"]


@pytest.mark.parametrize("name", ["raised.toml", "raised.csv"])
def test_when_firearms_are_raised_is_read(name: str, tmp_path: Path) -> None:
    """From TOML and from CSV."""
    text = {"raised.toml": '"hall.mp4" = 2\n', "raised.csv": "clip,start_s\nhall.mp4,2\n"}[name]
    (tmp_path / name).write_text(text)
    assert read_raised(tmp_path / name, clips=[Path("hall.mp4")]) == {"hall.mp4": 2.0}


@pytest.mark.parametrize("text", ['"elsewhere.mp4" = 2', '"hall.mp4" = "soon"', "hall.mp4 = ", '["hall.mp4"]\nraised = 2'])
def test_what_does_not_say_it_is_refused(text: str, tmp_path: Path) -> None:
    """A clip that is not there, a time that is none, a file that is no TOML."""
    (tmp_path / "raised.toml").write_text(text)
    with pytest.raises(InvalidRequest, match=r"raised\.toml"):
        read_raised(tmp_path / "raised.toml", clips=[Path("hall.mp4")])


def test_sources_without_videos_are_refused(tmp_path: Path) -> None:
    """A folder without one, a path that is not there, and two that could not be told apart."""
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
    with pytest.raises(InvalidRequest, match="no videos"):
        find_clips([str(tmp_path)])
    with pytest.raises(InvalidRequest, match="no such file"):
        find_clips([str(tmp_path / "three")])
    for folder in ("one", "two"):
        (tmp_path / folder / "clip.mp4").touch()
    with pytest.raises(InvalidRequest, match="same name"):
        find_clips([str(tmp_path)])


def test_a_clip_that_is_no_video_is_told_before_any_is_checked(tmp_path: Path) -> None:
    """By its name."""
    good, bad = write_clip(tmp_path / "a.mp4"), tmp_path / "b.mp4"
    check_headers([good])
    bad.write_text("Dear all,")
    with pytest.raises(InvalidRequest, match=r"b\.mp4: b\.mp4 is not a video"):
        check_headers([good, bad])
    with pytest.raises(InvalidRequest, match=r"c\.mp4: No such file"):
        check_headers([tmp_path / "c.mp4"])
