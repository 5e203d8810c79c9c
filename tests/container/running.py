"""A container of the image, with the rights and limits that docs/container.md recommends."""

import contextlib
import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from tests.container.engine import podman
from tests.container.ports import free_ports

KEY = "key-of-this-test"
MEMORY = "2g"
START_TIMEOUT_S = 120.0


@dataclass(frozen=True, slots=True)
class RunningContainer:
    """A started server; `started_s` tells when, by `time.monotonic`."""

    name: str
    url: str
    started_s: float

    def get(self, path: str) -> tuple[int, bytes]:
        """Status and body of an answer; 0 while nobody listens."""
        return self._open(urllib.request.Request(f"{self.url}{path}", headers=self._headers()))

    def post(self, path: str, body: bytes, *, content_type: str) -> tuple[int, bytes]:
        """Status and body of the answer to a POST."""
        headers = {**self._headers(), "Content-Type": content_type}
        return self._open(urllib.request.Request(f"{self.url}{path}", data=body, headers=headers, method="POST"))

    def wait_until_ready(self) -> float:
        """Returns the seconds since it was started, which begin before the container is made."""
        while self.get("readyz")[0] != 200:
            assert time.monotonic() - self.started_s < START_TIMEOUT_S, self.logs()
            time.sleep(0.05)
        return time.monotonic() - self.started_s

    def run(self, *command: str) -> str:
        """What a command inside prints."""
        return podman("exec", self.name, *command)

    def logs(self) -> str:
        """What the server has printed."""
        return podman("logs", self.name, check=False)

    def terminate(self) -> None:
        """Sends SIGTERM."""
        podman("kill", "--signal", "TERM", self.name)

    def exit_code(self) -> int:
        """Waits until it has ended."""
        return int(podman("wait", self.name))

    def inspect(self) -> dict[str, Any]:
        """What the engine knows of it."""
        (found,) = json.loads(podman("inspect", self.name))
        assert isinstance(found, dict)
        return found

    def changed_files(self) -> list[str]:
        """What was written outside its volumes, less what the engine itself makes: files in /etc, and the place for `mount`."""
        paths = [line.split(maxsplit=1)[1] for line in podman("diff", self.name).splitlines()]
        return [path for path in paths if path != "/given" and not f"{path}/".startswith("/etc/")]

    def peak_memory_mib(self) -> float:
        """Most memory that it has had, in MiB, its part of the page cache included."""
        mount = next(path for path in _MEMORY_FILES if self._has(path))
        return int(self.run("cat", mount)) / 1024**2

    def resident_mib(self) -> float:
        """Resident memory of the server process in MiB."""
        lines = self.run("cat", "/proc/1/status").splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1024

    def _has(self, path: str) -> bool:
        return podman("exec", self.name, "sh", "-c", f"test -e {path} && echo there", check=False) == "there"

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {KEY}"}

    def _open(self, request: urllib.request.Request) -> tuple[int, bytes]:
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as refused:
            return refused.code, refused.read()
        except OSError:
            return 0, b""


_MEMORY_FILES = ("/sys/fs/cgroup/memory.peak", "/sys/fs/cgroup/memory/memory.max_usage_in_bytes")


@contextlib.contextmanager
def running(image: str, *, processors: float, mount: Path | None = None, **environ: str) -> Iterator[RunningContainer]:
    """A container with a read-only root, no rights, and the limits of a small task; gone with its data after the block.

    `mount` is seen inside as /given, read-only. It has the network of this machine: a bridge would add an address.
    """
    name, (port,) = f"sightline-{uuid4().hex[:12]}", free_ports(1)
    settings = {"SIGHTLINE_SERVER__PORT": str(port), "SIGHTLINE_AUTH__API_KEYS": KEY, **environ}
    flags = [
        *("--runtime", "runc", "--network", "host", "--read-only", "--read-only-tmpfs=false", "--cap-drop", "all"),
        *("--security-opt", "no-new-privileges", "--volume", f"{name}:/data", "--cpus", str(processors)),
        # Memory without swap. The ulimits are the least that every machine allows.
        *("--memory", MEMORY, "--memory-swap", MEMORY, "--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1024:1024"),
        # Checked by hand: the engine would have systemd do it at intervals.
        *("--health-interval", "disable"),
        *(f"--env={key}={value}" for key, value in settings.items()),
        *(["--volume", f"{mount}:/given:ro"] if mount else []),
    ]
    started_s = time.monotonic()
    try:
        podman("run", "--detach", "--name", name, *flags, image)
        yield RunningContainer(name, f"http://127.0.0.1:{port}/", started_s)
    finally:
        podman("rm", "--force", "--time", "0", name, check=False)
        podman("volume", "rm", "--force", name, check=False)
