"""`sightline train`: what it says of a data set, and what it refuses before time is spent (tests/training has a training)."""

import json
from pathlib import Path

import pytest

from server.commands.train import epoch_line
from server.training.training_watch import Epoch
from tests.commands.running import run
from tests.training.planted import GOOD, write_set


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A sound data set's data.yaml."""
    return write_set(tmp_path / "set", {"train/a": GOOD, "train/b": "", "val/c": GOOD})


def test_check_only_prints_and_writes_what_the_data_set_is(data: Path, tmp_path: Path) -> None:
    """It needs neither a base nor Ultralytics; a sound set is exit code 0."""
    out = tmp_path / "out"
    code, printed, err = run("train", "--check-only", "--data", str(data), "--imgsz", "320", "--out", str(out))
    assert (code, err) == (0, "")
    assert sorted(path.name for path in out.iterdir()) == ["dataset.json", "dataset.txt"]
    assert (out / "dataset.txt").read_text() == printed
    assert json.loads((out / "dataset.json").read_bytes())["splits"]["train"]["pictures"] == 2


def test_errors_in_the_data_set_are_exit_code_1_and_no_training(data: Path, tmp_path: Path) -> None:
    """A check says so, a training does not begin without --force."""
    (data.parent / "labels" / "train" / "b.txt").write_text("3 0.5 0.5 0.1 0.1\n")
    flags = ("--data", str(data), "--out", str(tmp_path / "out"))
    assert run("train", "--check-only", *flags)[0] == 1
    code, printed, err = run("train", "--base", "yolov8n.yaml", *flags)
    assert code == 2
    assert "error: 1 x class without a name (train)" in printed
    assert "--force trains all the same" in err
    assert not (tmp_path / "out" / "data.yaml").exists()


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ((), "--data"),
        (("--data", "DATA"), "--base"),
        (("--data", "DATA", "--base", "no/such.pt"), "no/such.pt"),
        (("--data", "DATA", "--base", "README.md"), "README.md"),
        (("--data", "no/data.yaml", "--base", "yolov8n.yaml"), "no/data.yaml"),
        (("--data", "DATA", "--base", "yolov8n.yaml", "--imgsz", "333"), "333"),
        (("--data", "DATA", "--base", "yolov8n.yaml", "--epochs", "0"), "--epochs"),
        (("--data", "DATA", "--base", "yolov8n.yaml", "--batch", "-1"), "--batch"),
        (("--data", "DATA", "--base", "yolov8n.yaml", "--minutes", "0"), "--minutes"),
        (("--data", "DATA", "--base", "yolov8n.yaml", "--set", "mosaic"), "key=value"),
        (("--data", "DATA", "--base", "yolov8n.yaml", "--recipe", "no.toml"), "no.toml"),
        (("--data", "DATA", "--base", "yolov8n.yaml", "--set", "cache=gpu", "--teachers", "README.md", "no.pt"), "no.pt"),
        (("--data", "DATA", "--base", "yolov8n.yaml", "--teachers", "README.md"), "--set cache=gpu"),
        (("--resume", "--teachers", "README.md"), "--resume goes on with those"),
        (("--resume",), "cannot resume"),
    ],
)
def test_what_cannot_be_used_is_one_line_and_exit_code_2(
    arguments: tuple[str, ...], named: str, data: Path, tmp_path: Path
) -> None:
    """And nothing is written."""
    out = tmp_path / "out"
    code, printed, err = run("train", *(str(data) if one == "DATA" else one for one in arguments), "--out", str(out))
    (line,) = err.splitlines()
    assert (code, printed) == (2, "")
    assert line.startswith("sightline: ")
    assert named in line
    assert not out.exists()


@pytest.mark.parametrize(
    ("left", "named"), [("checkpoint.pt", "--resume goes on with it"), ("best.pt", "holds a finished training")]
)
def test_a_training_is_not_written_over(left: str, named: str, data: Path, tmp_path: Path) -> None:
    """Hours of work are not lost to a repeated line."""
    (tmp_path / left).write_bytes(b"weights")
    code, _, err = run("train", "--data", str(data), "--base", "yolov8n.yaml", "--out", str(tmp_path))
    assert code == 2
    assert named in err
    assert (tmp_path / left).read_bytes() == b"weights"


def test_an_epoch_is_one_line() -> None:
    """Losses always, accuracy where it was measured."""
    losses = {"box": 1.25, "cls": 0.5}
    assert epoch_line(Epoch(3, 50, losses, 0.61234, 0.4)) == (
        "epoch 3 of 50  loss: box 1.250  cls 0.500  mAP50 0.612  mAP50-95 0.400"
    )
    assert epoch_line(Epoch(3, 50, losses, None, None)) == "epoch 3 of 50  loss: box 1.250  cls 0.500"
