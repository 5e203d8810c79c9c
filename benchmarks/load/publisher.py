"""A WHIP publisher in a process of its own, as the tests have it."""

import json
import subprocess
import sys
import urllib.request
from typing import Any, Protocol

from tests.server_process import REPOSITORY, ServerProcess


class Addressed(Protocol):
    """A server as far as a publisher knows it."""

    @property
    def url(self) -> str:
        """Where it is, with a slash at the end."""


def start_publisher(server: Addressed, *flags: str, seconds: float) -> subprocess.Popen[str]:
    """Starts to publish numbered pictures at 640x480 and to read the annotated video back."""
    url = f"{server.url}whip?return=annotated"
    command = [sys.executable, "-m", "tests.e2e.whip_client", url, "--seconds", str(seconds), *flags]
    return subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True)


def finish_publisher(publisher: subprocess.Popen[str]) -> dict[str, Any]:
    """Waits for its end and returns its report."""
    output, _ = publisher.communicate(timeout=60)
    report: dict[str, Any] = json.loads(output.splitlines()[-1])
    return report


def streams(server: ServerProcess) -> list[dict[str, Any]]:
    """The running streams, as the server tells them."""
    with urllib.request.urlopen(f"{server.url}api/streams", timeout=30) as answer:
        listed: list[dict[str, Any]] = json.load(answer)["streams"]
    return listed
