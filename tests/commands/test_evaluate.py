"""`sightline evaluate`: what it writes and prints, and how it ends."""

import csv
import importlib.util
import signal
import time
from pathlib import Path

import pytest

from server.training.metrics_file import read_metrics
from tests.commands.running import run, start
from tests.commands.table_clip import CLIP_FRAMES, write_table_clip
from tests.drawn_set import write_drawn_set


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The drawn set's data.yaml."""
    return write_drawn_set(tmp_path_factory.mktemp("drawn") / "set")


@pytest.fixture(scope="module")
def drawn_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The scene's clip, in which a pistol comes into the picture."""
    return write_table_clip(tmp_path_factory.mktemp("clips") / "table.mp4")


@pytest.mark.usefixtures("delivered_model_dir")
def test_pictures_are_evaluated(data: Path, tmp_path: Path) -> None:
    """Figures, a report that is also printed, curves and a list of pictures for each size; exit code 0."""
    out = tmp_path / "out"
    manifest = str(data.with_name("manifest.csv"))
    code, printed, err = run(
        "evaluate", "--data", str(data), "--by-source", manifest, "--imgsz", "640", "320", "--conf", "0.5", "--out", str(out)
    )
    assert (code, err) == (0, "")
    metrics = read_metrics(out / "metrics.json")
    assert list(metrics.by_imgsz) == ["640", "320"]
    assert metrics.model.confidence == metrics.by_imgsz["320"].default.confidence == 0.5
    assert metrics.data is not None
    assert metrics.data.sources == {"empty": 4, "far": 9, "near": 9, "small": 9}
    assert metrics.sample is not None
    assert metrics.sample.pictures == 8
    assert (out / "report.txt").read_text() in printed
    assert printed.endswith(f"{out / 'metrics.json'}\n")
    written = {
        f"{kind}-{size}.{form}" for size in (320, 640) for kind in ("confidence", "precision-recall") for form in ("csv", "png")
    }
    written |= {"metrics.json", "report.txt", "pictures-320.csv", "pictures-640.csv"}
    assert {path.name for path in out.iterdir()} == written
    with (out / "pictures-640.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert sum(int(row["found"]) for row in rows) == metrics.by_imgsz["640"].default.found
    assert [float(row["surest_false_alarm"]) for row in rows] == sorted(
        (float(row["surest_false_alarm"]) for row in rows), reverse=True
    )


@pytest.mark.usefixtures("delivered_model_dir")
def test_clips_are_evaluated(drawn_clip: Path, tmp_path: Path) -> None:
    """An alert comes soon after the pistol; with no file that says so the same alert is a false one."""
    raised = tmp_path / "raised.toml"
    raised.write_text('"table.mp4" = 1.6\n')
    arguments = ("evaluate", "--clips", str(drawn_clip), "--rule", "2/3", "--sweep")
    code, _, err = run(*arguments, "--raised", str(raised), "--out", str(tmp_path / "gun"))
    assert (code, err) == (0, "")
    (figures,) = read_metrics(tmp_path / "gun" / "metrics.json").clips.values()
    assert (figures.rule.hits, figures.rule.frames) == (2, 3)
    assert (figures.alerts.count, figures.alerts.hours) == (0, 0)
    (one,) = figures.clips
    assert one.frames == CLIP_FRAMES
    assert one.early_alerts == 0
    assert one.time_to_alert_s is not None
    assert one.time_to_alert_s < 1
    assert (tmp_path / "gun" / "alert-sweep.csv").read_text().splitlines()[0].endswith(",table.mp4")

    code, printed, _ = run(*arguments, "--out", str(tmp_path / "none"))
    assert code == 0
    (figures,) = read_metrics(tmp_path / "none" / "metrics.json").clips.values()
    assert figures.alerts.count >= 1
    assert figures.alerts.hours == pytest.approx(4 / 3600, abs=1e-4)
    assert "false alerts: 1" in printed


@pytest.mark.usefixtures("delivered_model_dir")
def test_a_damaged_picture_is_exit_code_1(data: Path, tmp_path: Path) -> None:
    """It is named, and the others are evaluated."""
    damaged = write_drawn_set(tmp_path / "set")
    (tmp_path / "set" / "images" / "val" / "near-0.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    code, _, err = run("evaluate", "--data", str(damaged), "--out", str(tmp_path / "out"))
    (line,) = err.splitlines()
    assert code == 1
    assert "near-0.png" in line
    figures = read_metrics(tmp_path / "out" / "metrics.json").by_imgsz["640"]
    assert figures.default.found + figures.default.missed == 26


@pytest.mark.usefixtures("delivered_model_dir")
@pytest.mark.parametrize("what", ["pictures", "clips"])
def test_ctrl_c_leaves_no_figures(what: str, data: Path, drawn_clip: Path, tmp_path: Path) -> None:
    """Half an evaluation says nothing: exit code 130, no metrics, no traceback."""
    out = tmp_path / "out"
    order = ("--data", str(data)) if what == "pictures" else ("--clips", str(drawn_clip))
    with start("evaluate", *order, "--imgsz", *(str(side) for side in range(640, 1281, 32)), "--out", str(out)) as process:
        while not out.exists() and process.poll() is None:
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        printed, err = process.communicate(timeout=60)
    assert (process.returncode, printed, err) == (130, "", "")
    assert not (out / "metrics.json").exists()


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ((), "--data"),
        (("--data", "no/data.yaml"), "no/data.yaml"),
        (("--data", "DATA", "--split", "test"), "'test'"),
        (("--data", "DATA", "--imgsz", "640", "333"), "333"),
        (("--data", "DATA", "--model", "no/model"), "no/model"),
        (("--data", "DATA", "--by-source", "README.md"), "README.md"),
        (("--data", "DATA", "--out", "README.md/below"), "README.md"),
        (("--data", "DATA", "--against", "no/best.pt"), "no/best.pt"),
        (("--clips", "no/clips"), "no/clips"),
        (("--clips", "static", "--rule", "5/3"), "5 of 3"),
        (("--clips", "static", "--rule", "three"), "'three'"),
        (("--clips", "static", "--raised", "no/raised.toml"), "no/raised.toml"),
    ],
)
@pytest.mark.usefixtures("delivered_model_dir")
def test_what_cannot_be_used_is_one_line_and_exit_code_2(
    arguments: tuple[str, ...], named: str, data: Path, tmp_path: Path
) -> None:
    """Nothing is written when the order itself is wrong."""
    where = () if "--out" in arguments else ("--out", str(tmp_path / "out"))
    code, out, err = run("evaluate", *(str(data) if one == "DATA" else one for one in arguments), *where)
    (line,) = err.splitlines()
    assert (code, out) == (2, "")
    assert line.startswith("sightline: ")
    assert named in line
    assert not (tmp_path / "out").exists()


@pytest.mark.extra
@pytest.mark.skipif(importlib.util.find_spec("ultralytics") is None, reason="the ultralytics extra is not installed")
def test_the_served_form_is_close_to_its_weights(data: Path, delivered_model_dir: Path, tmp_path: Path) -> None:
    """Both are run over the same pictures, and the difference is told."""
    weights = delivered_model_dir / "firearm-yolov8n.pt"
    code, printed, err = run("evaluate", "--data", str(data), "--against", str(weights), "--out", str(tmp_path))
    assert (code, err) == (0, "")
    against = read_metrics(tmp_path / "metrics.json").against
    assert against is not None
    assert against.name == "firearm-yolov8n.pt"
    difference = against.difference_map50["640"]
    assert difference is not None
    assert abs(difference) < 0.03
    assert "The served form against firearm-yolov8n.pt" in printed
