"""The wheel: it carries the page, the delivered model and its own source, and serves from any directory."""

import io
import runpy
import shutil
import subprocess
import sys
import tarfile
import urllib.request
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from server.resources import source_files
from tests.server_process import REPOSITORY, ServerProcess

PRIVATE = (
    ".env",
    "notes.md",
    "benchmarks/.peers/flask/peer.py",
    "docs/plan.txt",
    "docs/images/.secret.png",
    "models/firearm-yolov8n/.secret",
    "models/firearm-yolov8n/notes.txt",
    "models/mine/best.pt",
    "models/mine/model.toml",
    "server/web/keys.pem",
    "static/.hidden/secret.js",
    "static/.secret.js",
)


def build(checkout: Path, folder: Path) -> Path:
    """The wheel of a checkout, built without a network."""
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(checkout)]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    (built,) = folder.glob("sightline-*.whl")
    return built


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout."""
    return build(REPOSITORY, tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def site(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What an installation puts into site-packages."""
    folder = tmp_path_factory.mktemp("site")
    zipfile.ZipFile(wheel).extractall(folder)
    return folder


@pytest.fixture(scope="module")
def server(site: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """The unpacked wheel, serving from a directory far from the checkout."""
    # -P keeps the working directory off the path, so that nothing but the wheel can be found.
    command = (sys.executable, "-P", "-m", "server", "serve", "--port", "0")
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    with ServerProcess(cwd=elsewhere, environ={"PYTHONPATH": str(site)}, command=command) as running:
        yield running


def get(address: str) -> bytes:
    """The content of an answer, which must be a 200."""
    with urllib.request.urlopen(address, timeout=10) as answer:
        assert answer.status == 200
        content: bytes = answer.read()
    return content


def test_the_wheel_carries_the_package_and_the_rest_of_its_source(wheel: Path) -> None:
    """The package stands at its place, every other file of the source below it, and nothing else is inside."""
    names = zipfile.ZipFile(wheel).namelist()
    (metadata,) = {name.split("/")[0] for name in names if name.split("/")[0] != "server"}
    carried = {name for name in names if not name.startswith(f"{metadata}/")}
    assert metadata.endswith(".dist-info")
    assert carried == {name if name.startswith("server/") else f"server/_data/{name}" for name in source_files()}


def test_an_unpacked_wheel_serves_from_any_directory(server: ServerProcess, site: Path) -> None:
    """What an installation puts into site-packages serves the page and the model, far from the checkout."""
    for path in ("", "readyz", "openapi.yaml", "static/manifest.webmanifest"):
        get(f"{server.url}{path}")
    assert (site / "server" / "_data" / "static" / "index.html").is_file()


def test_the_source_that_a_wheel_serves_builds_the_same_wheel(server: ServerProcess, wheel: Path, tmp_path: Path) -> None:
    """Whoever uses an installed server gets all that it takes to build it again."""
    with tarfile.open(fileobj=io.BytesIO(get(f"{server.url}source.tar.gz"))) as archive:
        archive.extractall(tmp_path, filter="data")
    again = zipfile.ZipFile(build(tmp_path / "sightline", tmp_path / "dist"))
    first = zipfile.ZipFile(wheel)
    assert {name: again.getinfo(name).CRC for name in again.namelist()} == {
        name: first.getinfo(name).CRC for name in first.namelist()
    }


def test_what_lies_beside_the_source_stays_here(tmp_path: Path) -> None:
    """Other models, notes and caches in the folders of a checkout go neither into the archive nor into the wheel."""
    checkout = tmp_path / "checkout"
    for name, file in source_files().items():
        (checkout / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, checkout / name)
    for name in PRIVATE:
        (checkout / name).parent.mkdir(parents=True, exist_ok=True)
        (checkout / name).write_text("private")
    (checkout / "docs" / "linked.md").symlink_to(checkout / ".env")
    found = runpy.run_path(str(checkout / "server" / "resources.py"))["source_files"]()
    assert set(found) == set(source_files())
    names = zipfile.ZipFile(build(checkout, tmp_path / "dist")).namelist()
    assert not [name for name in names if name.removeprefix("server/_data/") in {*PRIVATE, "docs/linked.md"}]


def test_the_source_is_all_that_is_kept_in_the_repository() -> None:
    """A new file that the list in server/resources.py does not cover shows here."""
    kept = subprocess.run(["git", "ls-files", "-z"], cwd=REPOSITORY, capture_output=True, check=False, text=True)
    if kept.returncode:
        pytest.skip("this is no git checkout")
    existing = {name for name in kept.stdout.split("\0") if (REPOSITORY / name).is_file()}
    assert existing - set(source_files()) == set()
