"""The real server as a process of its own, for tests and benchmarks."""

import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

REPOSITORY = Path(__file__).resolve().parent.parent
# Generous: a machine that runs the whole suite at once loads the model slowly.
START_TIMEOUT_S = 60.0


class ServerProcess:
    """`python -m server serve` on a free port, ready inside the `with` block and gone after it.

    `lines` grows with what it prints, standard error included. It starts with a data folder of its own and without the
    settings of this process' environment.
    """

    def __init__(
        self,
        *flags: str,
        environ: Mapping[str, str] | None = None,
        cwd: Path = REPOSITORY,
        command: Sequence[str] = (sys.executable, "-m", "server", "serve", "--port", "0"),
    ) -> None:
        self._data_dir = tempfile.TemporaryDirectory(prefix="sightline-")
        kept = {name: value for name, value in os.environ.items() if not name.startswith("SIGHTLINE_")}
        # How many streams a busy machine is quick enough for is not the point of these tests.
        room = {"SIGHTLINE_LIVE__MIN_DETECTIONS_FPS": "0.5", "SIGHTLINE_LIVE__MAX_SESSIONS": "8"}
        own = {"PYTHONUNBUFFERED": "1", "SIGHTLINE_SERVER__DATA_DIR": self._data_dir.name, **room}
        self._command = [*command, *flags]
        self._environ = {**kept, **own, **(environ or {})}
        self._cwd = cwd
        self._known = threading.Event()
        self.lines: list[str] = []
        self.url = ""

    def __enter__(self) -> Self:
        self.process = subprocess.Popen(
            self._command, cwd=self._cwd, env=self._environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        if not self._known.wait(START_TIMEOUT_S) or not self.url:
            self.stop(signal.SIGKILL)
            raise RuntimeError(f"the server did not start: {self.output}")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    @property
    def output(self) -> str:
        """Everything printed so far."""
        return "\n".join(self.lines)

    @property
    def resident_mib(self) -> float:
        """Resident memory of the process in MiB."""
        status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="ascii")
        return int(re.findall(r"^VmRSS:\s+(\d+) kB", status, re.MULTILINE)[0]) / 1024

    @property
    def processor_s(self) -> float:
        """Processor time that the process has taken, in seconds."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")  # utime and stime, see proc(5)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Ends the process, by force after 20 s, and returns its exit code; may be called again."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.wait()

    def wait(self) -> int:
        """Waits for its end, by force after 20 s, and returns its exit code."""
        try:
            code = self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            code = self.process.wait()
        self._reader.join(5)
        self._data_dir.cleanup()
        return code

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as output:
            for line in output:
                self.lines.append(line.rstrip("\n"))
                if address := re.search(r"ready: (http://\S+)", line):
                    self.url = address.group(1)
                    self._known.set()
        self._known.set()
