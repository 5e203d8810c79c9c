"""Real `.pt` weights are served both ways: exported by the second environment, or run by ultralytics itself."""

import importlib.util
import json
import shutil
import urllib.request
from pathlib import Path
from typing import Any

import cv2
import pytest

from tests.scenes import draw_firearm
from tests.server_process import REPOSITORY, ServerProcess

pytestmark = [
    pytest.mark.extra,
    pytest.mark.shared,
    pytest.mark.skipif(importlib.util.find_spec("ultralytics") is None, reason="the ultralytics extra is not installed"),
]


@pytest.fixture
def weights(shared_dir: Path, tmp_path: Path) -> Path:
    """Somebody's own weights, in a folder of theirs."""
    return Path(shutil.copyfile(shared_dir / "pretrained" / "firearm-320.pt", tmp_path / "best.pt"))


def _predict(url: str) -> dict[str, Any]:
    """The answer for the drawn firearm."""
    picture = cv2.imencode(".png", draw_firearm().bgr)[1].tobytes()
    request = urllib.request.Request(f"{url}predict?format=json", data=picture, headers={"Content-Type": "image/png"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        checked: dict[str, Any] = json.load(answer)
    return checked


def test_ultralytics_serves_the_weights_as_they_are(weights: Path) -> None:
    """`--backend ultralytics` needs no export, and finds the firearm."""
    with ServerProcess("--backend", "ultralytics", "--model", str(weights)) as server:
        checked = _predict(server.url)
    assert checked["metadata"]["model"] == "best"
    assert [result["name"] for result in checked["images"][0]["results"]] == ["firearm"]
    assert not (weights.parent / "best_sightline").exists()


def test_make_run_exports_once_and_serves_the_export(weights: Path) -> None:
    """`make run MODEL=best.pt` leaves the export beside the weights, and the serving environment runs it."""
    stamps = [REPOSITORY / ".venv" / "serving.stamp", REPOSITORY / ".venv-ultralytics" / "export.stamp"]
    if not all(stamp.exists() for stamp in stamps):
        pytest.skip("the two environments of the Makefile are not made: make extra test")
    with ServerProcess(command=("make", "--silent", "run", "PORT=0", f"MODEL={weights}")) as server:
        checked = _predict(server.url)
    assert checked["metadata"]["version"]["openvino"]
    assert [result["name"] for result in checked["images"][0]["results"]] == ["firearm"]
    assert (weights.parent / "best_sightline" / "model.toml").is_file()
