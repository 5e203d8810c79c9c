"""Load rig: a server of its own, publishers that are added one by one, and what both get and spend meanwhile."""

import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from prometheus_client.parser import text_string_to_metric_families

from benchmarks.load.publisher import streams
from benchmarks.meters.thread_times import machine_seconds, process_seconds, thread_seconds
from tests.server_process import REPOSITORY, ServerProcess

# Admission is off, so that more is taken than fits; alerts are, because writing their pictures and clips is another load.
OPEN = {
    "SIGHTLINE_LIVE__MAX_SESSIONS": "32",
    "SIGHTLINE_LIVE__MIN_DETECTIONS_FPS": "0.001",
    "SIGHTLINE_ALERTS__ENABLED": "false",
    "SIGHTLINE_CAMERAS__ENABLED": "false",
}
SLICE_S = 2.0
# A slice during which other programs took more than this of the processors says little of the server.
QUIET_PROCESSORS = 0.1
_SERVER = (sys.executable, "-m", "benchmarks.servers.named_server", "serve", "--port", "0")
_INFINITE = float("inf")


@dataclass(slots=True)
class Counts:
    """Everything that is counted, at one moment or over a while; times and the upper bounds of box ages are in seconds."""

    clock: float = 0.0
    machine: float = 0.0
    publishers: float = 0.0
    returned: float = 0.0
    works: dict[str, float] = field(default_factory=dict)
    received: dict[str, float] = field(default_factory=dict)
    detected: dict[str, float] = field(default_factory=dict)
    box_ages: dict[float, float] = field(default_factory=dict)

    def add(self, other: "Counts", *, sign: int = 1) -> None:
        """Adds, or with `sign` -1 takes away, what another has."""
        for name in self.__slots__:
            mine, theirs = getattr(self, name), getattr(other, name)
            if isinstance(mine, dict):
                for key, value in theirs.items():
                    mine[key] = mine.get(key, 0.0) + sign * value
            else:
                setattr(self, name, mine + sign * theirs)

    @property
    def others(self) -> float:
        """Processors that neither the server nor its publishers used."""
        return max(0.0, self.machine - self.publishers - sum(self.works.values())) / self.clock


class LoadRig:
    """A server and its publishers, inside the `with` block; `cores` holds the server alone to the first so many processors.

    `imgsz` pins the input size of live streams, which would else adapt itself.
    """

    def __init__(self, film: Path, *, fps: float, imgsz: int, precision: str = "auto", cores: int | None = None) -> None:
        pinned = () if cores is None else ("taskset", "--cpu-list", f"0-{cores - 1}")
        environ = {**OPEN, "SIGHTLINE_LIVE__IMGSZ": str(imgsz)}
        self._server = ServerProcess("--precision", precision, environ=environ, command=(*pinned, *_SERVER))
        self._film = film
        self._fps = fps

    def __enter__(self) -> Self:
        self._server.__enter__()
        command = [sys.executable, "-m", "benchmarks.load.packet_publishers", self._server.url, str(self._film)]
        self._publishers = subprocess.Popen(
            [*command, "--fps", str(self._fps)], cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._publishers.communicate(timeout=30)
        self._server.__exit__(kind, error, trace)

    def add(self) -> None:
        """Opens one more publisher and waits until it is connected."""
        self._ask("add")

    def measure(self, *, slices: int, patience_s: float = 0.0) -> dict[str, Any]:
        """What the streams get and what it costs, over so many slices of two seconds; `figures()` says in which words.

        Waits up to `patience_s` more for slices in which other programs leave the machine alone, and takes the quietest.
        """
        taken: list[Counts] = []
        before, ends_at = self._counts(), time.monotonic() + slices * SLICE_S + patience_s
        while sum(one.others <= QUIET_PROCESSORS for one in taken) < slices and (
            len(taken) < slices or time.monotonic() < ends_at
        ):
            time.sleep(SLICE_S)
            after = self._counts()
            taken.append(_difference(before, after))
            before = after
        total = Counts()
        for one in sorted(taken, key=lambda one: one.others)[:slices]:
            total.add(one)
        return {**figures(total), "resident_mib": round(self._server.resident_mib, 1)}

    def _counts(self) -> Counts:
        pid = self._server.process.pid
        running = streams(self._server)
        return Counts(
            clock=time.monotonic(),
            machine=machine_seconds(),
            publishers=process_seconds(self._publishers.pid),
            returned=self._ask("count")["returned"],
            works=thread_seconds(pid),
            received={stream["id"]: stream["received"] for stream in running},
            detected={stream["id"]: stream["processed"] for stream in running},
            box_ages=_histogram(self._server.url, "sightline_box_age_seconds"),
        )

    def _ask(self, line: str) -> dict[str, Any]:
        assert self._publishers.stdin is not None
        assert self._publishers.stdout is not None
        self._publishers.stdin.write(f"{line}\n")
        self._publishers.stdin.flush()
        told: dict[str, Any] = json.loads(self._publishers.stdout.readline())
        return told


def figures(counts: Counts) -> dict[str, Any]:
    """What the counts of a while say.

    `box_age_p95_ms` is over all pictures; `processors` are those that were busy on average.
    """
    seconds, number, detected = counts.clock, len(counts.detected), sum(counts.detected.values())
    busy = {"server": sum(counts.works.values()) / seconds, "publishers": counts.publishers / seconds, "others": counts.others}
    return {
        "streams": number,
        "received_fps": round(sum(counts.received.values()) / seconds / number, 1),
        "detected_fps": {
            "each": round(detected / seconds / number, 1),
            "least": round(min(counts.detected.values()) / seconds, 1),
        },
        "returned_fps": round(counts.returned / seconds / number, 1),
        "box_age_p95_ms": percentile_ms(counts.box_ages, share=0.95),
        "processors": {name: round(value, 2) for name, value in busy.items()},
        "ms_a_stream_and_second": {work: round(1000 * s / seconds / number, 1) for work, s in counts.works.items()},
        "ms_a_detection": round(1000 * counts.works["detect"] / max(1, detected), 1),
    }


def percentile_ms(counts: Mapping[float, float], *, share: float) -> float | None:
    """A percentile of a histogram of seconds, by how many are at most each bound; even inside a bucket, in milliseconds.

    None without a value, and for one beyond the last bound.
    """
    below_s, running = 0.0, 0.0
    wanted = share * max(counts.values(), default=0.0)
    for bound_s, count in sorted(counts.items()):
        if count >= wanted > 0:
            inside = (wanted - running) / (count - running)
            return None if bound_s == _INFINITE else round(1000 * (below_s + inside * (bound_s - below_s)), 1)
        below_s, running = bound_s, count
    return None


def _difference(before: Counts, after: Counts) -> Counts:
    counts = Counts()
    counts.add(after)
    counts.add(before, sign=-1)
    return counts


def _histogram(url: str, name: str) -> dict[float, float]:
    """How many values are at most so many seconds."""
    with urllib.request.urlopen(f"{url}metrics", timeout=30) as answer:
        families = list(text_string_to_metric_families(answer.read().decode()))
    samples = [sample for family in families for sample in family.samples if sample.name == f"{name}_bucket"]
    return {float(sample.labels["le"]): sample.value for sample in samples}
