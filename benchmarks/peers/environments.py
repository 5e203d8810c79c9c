"""Environments of the peers: one each under `benchmarks/.peers`, made from its pinned list when it is first needed.

The lists are complete and installed as they stand. Torch is large: `flask` and `fastapi` borrow it from the environment of
`make extra` where that is there, else from one that is made here.
"""

import json
import subprocess
import sys
from pathlib import Path

from tests.server_process import REPOSITORY

FOLDER = REPOSITORY / "benchmarks" / ".peers"
REQUIREMENTS = Path(__file__).resolve().parent / "requirements"
EXTRA = REPOSITORY / ".venv-ultralytics"
_STAMP = "made-from.txt"
_BORROWED = "borrowed-torch.pth"


def python_of(name: str, *, torch: bool = False) -> Path:
    """The interpreter of a peer's environment, made where it is missing or its list has changed, which takes minutes."""
    environment, wanted = FOLDER / name, (REQUIREMENTS / f"{name}.txt").read_text(encoding="utf-8")
    stamp = environment / _STAMP
    if not stamp.exists() or stamp.read_text(encoding="utf-8") != wanted:
        print(f"installing the peer {name} into {environment.relative_to(REPOSITORY)}", flush=True)
        _install(environment, name, complete=True)
        stamp.write_text(wanted, encoding="utf-8")
    if torch:
        (_packages(environment) / _BORROWED).write_text(f"{_packages(_torch_environment())}\n", encoding="utf-8")
    return environment / "bin" / "python"


def ultralytics_python() -> Path:
    """An interpreter with ultralytics and torch and nothing of a peer's."""
    return _torch_environment() / "bin" / "python"


def installed(python: Path, *packages: str) -> dict[str, str]:
    """The versions that an environment really has."""
    code = "import importlib.metadata as m, json, sys; print(json.dumps({name: m.version(name) for name in sys.argv[1:]}))"
    done = subprocess.run([str(python), "-c", code, *packages], capture_output=True, text=True, check=True)
    found: dict[str, str] = json.loads(done.stdout)
    return found


def _torch_environment() -> Path:
    """The environment of `make extra`, else one of the same versions, made here."""
    if (EXTRA / "bin" / "python").exists():
        return EXTRA
    environment = FOLDER / "ultralytics"
    if not (environment / _STAMP).exists():
        print("installing ultralytics and torch into benchmarks/.peers/ultralytics (5.9 GB)", flush=True)
        _install(environment, "ultralytics", complete=False)
        (environment / _STAMP).write_text("", encoding="utf-8")
    return environment


def _install(environment: Path, name: str, *, complete: bool) -> None:
    subprocess.run([sys.executable, "-m", "venv", "--clear", "--without-pip", str(environment)], check=True)
    pip = [sys.executable, "-m", "pip", "--python", str(environment / "bin" / "python"), "install", "--quiet", "--no-input"]
    chosen = ["--no-deps"] if complete else []
    subprocess.run([*pip, *chosen, "--requirement", str(REQUIREMENTS / f"{name}.txt")], check=True)


def _packages(environment: Path) -> Path:
    """Where an environment keeps its packages."""
    (folder,) = (environment / "lib").glob("python3*/site-packages")
    return folder
