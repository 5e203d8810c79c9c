"""The mean of weights is made, is read by all that reads weights, and refuses what does not fit together."""

import importlib.util
from pathlib import Path
from typing import Any

import pytest

from server.domain.errors import InvalidRequest, ModelError
from server.inference.ultralytics import load_weights
from server.training.average import average
from tests.commands.running import run

HAS_EXTRA = importlib.util.find_spec("ultralytics") is not None
needs_extra = pytest.mark.skipif(not HAS_EXTRA, reason="the ultralytics extra is not installed")


def write_weights(path: Path, *, seed: int, classes: tuple[str, ...] = ("firearm",), of: str = "yolov8n.yaml") -> Path:
    """Untrained weights, as Ultralytics writes them after a training."""
    import torch  # noqa: PLC0415 - the extra
    from ultralytics.nn.tasks import DetectionModel  # noqa: PLC0415 - the extra

    torch.manual_seed(seed)
    model = DetectionModel(of, nc=len(classes), verbose=False)
    model.names = dict(enumerate(classes))
    told = {"task": "detect", "imgsz": 416, "data": "/home/somebody/set/data.yaml"}
    torch.save({"model": model.half(), "train_args": told}, path)
    return path


def tensors(path: Path) -> dict[str, Any]:
    """All of them as 32-bit floats."""
    return {name: tensor.float() for name, tensor in load_weights(path).model.state_dict().items()}


@pytest.mark.extra
@pytest.mark.timeout(300)
@needs_extra
def test_each_weight_is_the_mean(tmp_path: Path) -> None:
    """Of three files, running statistics included; printed is the file."""
    import torch  # noqa: PLC0415 - the extra

    parts = [write_weights(tmp_path / f"{seed}.pt", seed=seed) for seed in range(3)]
    code, printed, err = run("average", *map(str, parts), "--out", str(tmp_path / "mean.pt"))
    assert (code, printed, err) == (0, f"{tmp_path / 'mean.pt'}\n", "")
    first, second, third, mean = (tensors(path) for path in (*parts, tmp_path / "mean.pt"))
    assert mean.keys() == first.keys()
    for name, tensor in mean.items():
        torch.testing.assert_close(tensor, (first[name] + second[name] + third[name]) / 3, atol=2e-3, rtol=2e-3)
    assert any(not torch.equal(first[name], mean[name]) for name in mean)


@pytest.mark.extra
@pytest.mark.timeout(300)
@needs_extra
def test_the_mean_tells_what_is_needed_and_no_folder(tmp_path: Path) -> None:
    """Input size and classes go along; where somebody trained does not."""
    parts = [write_weights(tmp_path / f"{seed}.pt", seed=seed) for seed in range(2)]
    average(parts, tmp_path / "mean.pt")
    mean = load_weights(tmp_path / "mean.pt")
    assert mean.names == {0: "firearm"}
    assert mean.overrides["imgsz"] == 416
    assert b"somebody" not in (tmp_path / "mean.pt").read_bytes()


@pytest.mark.extra
@pytest.mark.timeout(300)
@needs_extra
def test_what_does_not_fit_is_refused(tmp_path: Path) -> None:
    """Other classes, another architecture, one file alone, one that is none; nothing is written."""
    good, mean = write_weights(tmp_path / "good.pt", seed=0), tmp_path / "mean.pt"
    average([good, good], mean)
    mean.unlink()
    others = write_weights(tmp_path / "others.pt", seed=1, classes=("knife",))
    more = write_weights(tmp_path / "more.pt", seed=1, classes=("firearm", "knife"))
    larger = write_weights(tmp_path / "larger.pt", seed=1, of="yolov8s.yaml")
    for other, why in (
        (others, "its classes are knife, not firearm"),
        (more, "its classes are"),
        (larger, "another architecture"),
    ):
        with pytest.raises(InvalidRequest, match=rf"{other.name}: does not fit .*good\.pt: .*{why}"):
            average([good, other], mean)
    with pytest.raises(InvalidRequest, match="two trainings"):
        average([good], mean)
    with pytest.raises(InvalidRequest, match=r"away\.pt: there is no such file"):
        average([good, tmp_path / "away.pt"], mean)
    (tmp_path / "none.pt").write_bytes(b"no weights")
    with pytest.raises(ModelError, match=r"none\.pt"):
        average([good, tmp_path / "none.pt"], mean)
    assert not mean.exists()


@pytest.mark.extra
@pytest.mark.timeout(300)
@needs_extra
def test_a_file_that_is_there_stays(tmp_path: Path) -> None:
    """Unless --force says otherwise."""
    parts = [write_weights(tmp_path / f"{seed}.pt", seed=seed) for seed in range(2)]
    mean = tmp_path / "mean.pt"
    mean.write_bytes(b"mine")
    code, _, err = run("average", *map(str, parts), "--out", str(mean))
    assert (code, mean.read_bytes()) == (2, b"mine")
    assert "--force" in err
    assert run("average", *map(str, parts), "--out", str(mean), "--force")[0] == 0
    assert len(tensors(mean)) > 100


@pytest.mark.skipif(HAS_EXTRA, reason="the ultralytics extra is installed")
def test_without_the_extra_it_says_how_to_get_it(tmp_path: Path) -> None:
    """One line, and exit code 2."""
    weights = tmp_path / "some.pt"
    weights.write_bytes(b"weights")
    code, printed, err = run("average", str(weights), str(weights), "--out", str(tmp_path / "mean.pt"))
    assert (code, printed, len(err.splitlines())) == (2, "", 1)
    assert "make extra" in err
