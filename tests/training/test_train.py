"""Training, as a process of its own: killed in the middle, taken up again, without a network, and its weights served."""

import csv
import importlib.util
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from server.domain.detection import DetectOptions
from server.domain.frame import Frame, PixelLayout
from server.inference.loader import load_detector
from server.training.export import export_model
from server.training.training_folder import TrainingFolder
from tests.scenes import draw_firearm
from tests.server_process import REPOSITORY
from tests.training.planted import GOOD, write_set

pytestmark = [
    pytest.mark.extra,
    pytest.mark.timeout(900),  # a slow machine that does other things, too
    pytest.mark.skipif(importlib.util.find_spec("ultralytics") is None, reason="the ultralytics extra is not installed"),
]

EPOCHS = 3
LIMIT_S = 600

# Python runs this when it starts: whoever asks for a name or an address is written down and refused.
GUARD = """
import os, sys
def refuse(event, arguments):
    asked = event in ("socket.getaddrinfo", "socket.gethostbyname") or (
        event in ("socket.connect", "socket.sendto") and isinstance(arguments[1], tuple))
    if asked:
        with open({log!r}, "a") as log:
            log.write(f"{{event}} {{arguments[-1] if event.endswith('to') else arguments}}\\n")
        raise OSError("there is no network in this test")
sys.addaudithook(refuse)
"""


@dataclass(frozen=True)
class Training:
    """What a killed and resumed training left and said."""

    folder: TrainingFolder
    code: int
    out: str
    err: str
    epochs_before: int
    asked_for_network: str


def start(*arguments: str, guard: Path) -> subprocess.Popen[str]:
    """Starts `sightline train` with the guard in place."""
    return subprocess.Popen(
        [sys.executable, "-m", "server", "train", *arguments],
        cwd=REPOSITORY,
        env={**os.environ, "PYTHONPATH": str(guard)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for(path: Path, process: subprocess.Popen[str]) -> None:
    """Until the file is there, or the process has ended without it."""
    deadline = time.monotonic() + LIMIT_S
    while not path.exists():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.1)


@pytest.fixture(scope="module")
def training(tmp_path_factory: pytest.TempPathFactory) -> Training:
    """Three epochs of eight pictures, killed when the first one is safe, in the middle of the second or later."""
    room = tmp_path_factory.mktemp("training")
    data = write_set(room / "set", {**{f"train/{number}": GOOD for number in range(8)}, "val/0": GOOD, "val/1": ""})
    guard, network = room / "guard", room / "network.log"
    guard.mkdir()
    (guard / "sitecustomize.py").write_text(GUARD.format(log=str(network)))
    folder = TrainingFolder(room / "out")
    order = ("--data", str(data), "--base", "yolov8n.yaml", "--imgsz", "160", "--epochs", str(EPOCHS), "--batch", "4")
    with start(*order, "--set", "multi_scale=0.0", "--device", "cpu", "--out", str(folder.path), guard=guard) as process:
        wait_for(folder.checkpoint, process)
        process.send_signal(signal.SIGKILL)
    before = len(rows(folder.epochs))
    with start("--resume", "--device", "cpu", "--out", str(folder.path), guard=guard) as process:
        out, err = process.communicate(timeout=LIMIT_S)
    return Training(folder, process.returncode, out, err, before, network.read_text() if network.exists() else "")


def rows(table: Path) -> list[dict[str, str]]:
    """The rows of a CSV."""
    with table.open(newline="") as file:
        return list(csv.DictReader(file))


def test_a_killed_training_ends_with_all_its_epochs(training: Training) -> None:
    """The second process does what the first one did not, and says what to type next."""
    assert training.code == 0, training.err
    assert 0 < training.epochs_before < EPOCHS
    assert "epoch 1 of" not in training.err
    assert f"epoch {EPOCHS} of {EPOCHS}  loss: box " in training.err
    assert f"best.pt: {EPOCHS} epochs" in training.out
    assert f"sightline export {training.folder.best}" in training.out
    assert [int(row["epoch"]) for row in rows(training.folder.path / "training.csv")] == [1, 2, 3]
    assert (training.folder.path / "training.png").read_bytes().startswith(b"\x89PNG")
    assert not training.folder.checkpoint.exists()
    assert not training.folder.checkpoint_best.exists()


def test_nobody_asks_for_the_network(training: Training) -> None:
    """No name is looked up and no address connected to, in either process."""
    assert training.code == 0, training.err
    assert training.asked_for_network == ""


def test_the_guard_sees_who_asks(tmp_path: Path) -> None:
    """Otherwise the test above could not fail."""
    (tmp_path / "sitecustomize.py").write_text(GUARD.format(log=str(tmp_path / "network.log")))
    line = "import urllib.request; urllib.request.urlopen('http://example.com', timeout=1)"
    ended = subprocess.run(
        [sys.executable, "-c", line],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert ended.returncode == 1
    assert "example.com" in (tmp_path / "network.log").read_text()


def test_the_weights_are_exported_and_served(training: Training) -> None:
    """The class names and the input size are those of the training."""
    detector = load_detector(export_model(training.folder.best))
    assert (detector.info.labels, detector.info.imgsz) == (("firearm",), 160)
    frame = Frame(draw_firearm().bgr, PixelLayout.BGR)
    result = detector.create_request().detect(frame, DetectOptions(confidence=0.0, iou=0.7))
    assert len(result.detections) > 0


def test_a_finished_training_is_not_resumed_nor_written_over(training: Training, tmp_path: Path) -> None:
    """Both are refused by one line."""
    for arguments in (("--resume",), ("--data", str(training.folder.path / "data.yaml"), "--base", "yolov8n.yaml")):
        with start(*arguments, "--out", str(training.folder.path), guard=tmp_path) as process:
            _, err = process.communicate(timeout=LIMIT_S)
        (line,) = err.splitlines()
        assert process.returncode == 2
        assert "finished" in line


def test_a_processor_computes_in_bfloat16_while_training_only() -> None:
    """Ultralytics refuses it; the change is undone afterwards, and other precisions stay Ultralytics' affair."""
    import torch  # noqa: PLC0415 - the extra
    from ultralytics.engine import trainer  # noqa: PLC0415 - the extra

    from server.training import bfloat16  # noqa: PLC0415 - with it

    assert bfloat16.can_be_applied()
    theirs = trainer.autocast
    with bfloat16.on_processor():
        with trainer.autocast(torch.bfloat16, device="cpu"):
            assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype is torch.bfloat16
        with trainer.autocast(False, device="cpu"):
            assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype is torch.float32
    assert trainer.autocast is theirs
    with pytest.raises(RuntimeError, match="bfloat16"):
        trainer.autocast(torch.bfloat16, device="cpu")
