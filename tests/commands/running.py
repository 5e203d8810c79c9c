"""The command line as a process of its own."""

import os
import subprocess
import sys
from collections.abc import Mapping

from tests.server_process import REPOSITORY


def start(*arguments: str, environ: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
    """Starts `python -m server` with these arguments."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SIGHTLINE_")}
    return subprocess.Popen(
        [sys.executable, "-m", "server", *arguments],
        cwd=REPOSITORY,
        env={**kept, **(environ or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(*arguments: str, environ: Mapping[str, str] | None = None) -> tuple[int, str, str]:
    """Runs it to its end; exit code, standard output, standard error."""
    with start(*arguments, environ=environ) as process:
        out, err = process.communicate(timeout=60)
    return process.returncode, out, err
