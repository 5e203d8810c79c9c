"""What comes with Sightline: its version, and where its files are, inside an installed wheel or beside the package."""

from functools import cache
from importlib import metadata
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent
_INSTALLED = PACKAGE / "_data"  # laid out like a checkout, without the package itself
_CHECKOUT = PACKAGE.parent
_DELIVERED_MODEL = "models/firearm-yolov8n"

# What the source is made of beside the package, and nothing else that happens to lie there: it is given to every user.
_SOURCE = (
    ".ci/run",
    ".dockerignore",
    ".gitignore",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "LICENSE",
    "Makefile",
    "README.md",
    "SECURITY.md",
    "constraints.txt",
    "hatch_build.py",
    "pyproject.toml",
    "benchmarks/*.py",
    "benchmarks/README.md",
    "benchmarks/load/*.js",
    "benchmarks/load/*.py",
    "benchmarks/meters/*.py",
    "benchmarks/peers/*.py",
    "benchmarks/peers/requirements/*.txt",
    "benchmarks/plots/*.png",
    "benchmarks/report/*.py",
    "benchmarks/results/*.json",
    "benchmarks/servers/*.py",
    "container/*.py",
    "container/*.sh",
    "container/*.yaml",
    "container/Caddyfile",
    "container/Dockerfile",
    "docs/*.md",
    "docs/adr/*.md",
    "docs/images/*.png",
    "docs/openapi.yaml",
    "ecs/*.json",
    "ecs/*.py",
    "ecs/*.sh",
    "ecs/*.yaml",
    "ecs/beanstalk/*",
    "examples/*.md",
    "examples/*.py",
    "examples/oidc/*",
    f"{_DELIVERED_MODEL}/*.png",
    f"{_DELIVERED_MODEL}/MODEL_CARD.md",
    f"{_DELIVERED_MODEL}/firearm-yolov8n*.*",
    f"{_DELIVERED_MODEL}/metrics.json",
    f"{_DELIVERED_MODEL}/model.toml",
    "static/**/*.*",
    "tests/**/*.py",
    "tests/**/*.sql",
    "tests/e2e/vendor/*",
    "tests/fuzz/offers/*.sdp",
    "tests/golden/*.json",
)


def static_dir() -> Path:
    """The folder with the page."""
    return _beside() / "static"


def delivered_model() -> Path:
    """The folder with the model that is served when none is named."""
    return _beside() / _DELIVERED_MODEL


def openapi_file() -> Path:
    """The description of the HTTP interface."""
    return _beside() / "docs" / "openapi.yaml"


def source_files() -> dict[str, Path]:
    """Where each file of the source lies, by its path in a checkout. Searches folders."""
    root = _beside()
    found = {file.relative_to(root).as_posix(): file for pattern in _SOURCE for file in root.glob(pattern)}
    for file in PACKAGE.rglob("*.py"):
        if not file.is_relative_to(_INSTALLED):
            found[file.relative_to(_CHECKOUT).as_posix()] = file
    # A link could lead to anything, and of what is hidden only what is named above was meant.
    return {
        name: file
        for name, file in sorted(found.items())
        if file.is_file() and not file.is_symlink() and (name in _SOURCE or "/." not in f"/{name}")
    }


@cache  # reading it opens files, and answers name it
def version() -> str:
    """The installed version, `0+source` where the package was never installed."""
    try:
        return metadata.version("sightline")
    except metadata.PackageNotFoundError:
        return "0+source"


def _beside() -> Path:
    return _INSTALLED if _INSTALLED.is_dir() else _CHECKOUT
