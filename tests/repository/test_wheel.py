"""The wheel: it carries the page and the delivered model, and serves from any directory."""

import subprocess
import sys
import urllib.request
import zipfile
from pathlib import Path

import pytest

from tests.server_process import REPOSITORY, ServerProcess


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from this checkout without a network."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(REPOSITORY)]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    (built,) = folder.glob("sightline-*.whl")
    return built


def test_the_wheel_carries_what_serving_needs_and_no_more(wheel: Path) -> None:
    """Page, interface description and delivered model are inside; tests, tools and other models are not."""
    names = zipfile.ZipFile(wheel).namelist()
    for needed in ("static/index.html", "openapi.yaml", "models/firearm-yolov8n/model.toml"):
        assert f"server/_data/{needed}" in names
    assert {name.split("/")[0] for name in names} == {"server", names[-1].split("/")[0]}


def test_an_unpacked_wheel_serves_from_any_directory(wheel: Path, tmp_path: Path) -> None:
    """What an installation puts into site-packages serves the page and the model, far from the checkout."""
    site, elsewhere = tmp_path / "site", tmp_path / "elsewhere"
    elsewhere.mkdir()
    zipfile.ZipFile(wheel).extractall(site)
    # -P keeps the working directory off the path, so that nothing but the wheel can be found.
    command = (sys.executable, "-P", "-m", "server", "serve", "--port", "0")
    with ServerProcess(cwd=elsewhere, environ={"PYTHONPATH": str(site)}, command=command) as server:
        for path in ("", "readyz", "openapi.yaml", "static/manifest.webmanifest"):
            with urllib.request.urlopen(f"{server.url}{path}", timeout=10) as answer:
                assert answer.status == 200
    assert (site / "server" / "_data" / "static" / "index.html").is_file()
