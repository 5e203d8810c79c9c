"""Samples of a running server: memory, descriptors and threads from /proc, tasks and ages from itself."""

import asyncio
import contextlib
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from benchmarks.servers.soak_server import CENSUS

EVERY_S = 5.0
_PAGE_MIB = 4096 / 1024 / 1024


@dataclass(frozen=True, slots=True)
class Sample:
    """The server at one moment; ages are the median over the running streams of each one's p95, None without any."""

    at_s: float
    resident_mib: float
    in_use_mib: float | None
    children: int
    children_mib: float
    descriptors: int
    threads: int
    tasks: int
    streams: int
    age_ms: float | None
    box_age_ms: float | None


class Sampler:
    """Takes a sample every few seconds until it is cancelled; `samples` has them, oldest first."""

    def __init__(self, http: aiohttp.ClientSession, *, url: str, pid: int) -> None:
        self._http = http
        self._url = url
        self._pid = pid
        self._began = time.monotonic()
        self.samples: list[Sample] = []

    async def run(self) -> None:
        """Samples for ever."""
        while True:
            self.samples.append(await self.take())
            await asyncio.sleep(EVERY_S)

    async def take(self) -> Sample:
        """One sample."""
        counted, listed = await self._get(CENSUS.lstrip("/")), await self._get("api/streams")
        streams = listed["streams"]
        below = children(self._pid)
        return Sample(
            at_s=round(time.monotonic() - self._began, 1),
            resident_mib=round(resident_mib(self._pid), 1),
            in_use_mib=counted["in_use_mib"],
            children=len(below),
            children_mib=round(sum(resident_mib(child) for child in below), 1),
            descriptors=_entries(self._pid, "fd"),
            threads=_entries(self._pid, "task"),
            tasks=counted["tasks"],
            streams=len(streams),
            age_ms=_median_p95(streams, "age_ms"),
            box_age_ms=_median_p95(streams, "box_age_ms"),
        )

    async def types(self) -> dict[str, int]:
        """Objects of the server by type."""
        counted: dict[str, int] = (await self._get(f"{CENSUS.lstrip('/')}?types=1"))["types"]
        return counted

    async def _get(self, path: str) -> dict[str, Any]:
        async with self._http.get(f"{self._url}{path}") as answer:
            answer.raise_for_status()
            found: dict[str, Any] = await answer.json()
            return found


def children(pid: int) -> list[int]:
    """Processes below one, those that have ended and were not waited for included."""
    parents = {int(stat.parent.name): _parent(stat) for stat in Path("/proc").glob("[0-9]*/stat")}
    found, frontier = [], {pid}
    while frontier:
        frontier = {child for child, parent in parents.items() if parent in frontier}
        found += sorted(frontier)
    return found


def resident_mib(pid: int) -> float:
    """Resident memory; 0 for a process that has ended."""
    with contextlib.suppress(OSError, IndexError):
        return int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]) * _PAGE_MIB
    return 0.0


def _parent(stat: Path) -> int:
    with contextlib.suppress(OSError, IndexError, ValueError):
        # The name stands in parentheses and may hold anything; state and parent follow.
        return int(stat.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[1])
    return 0


def _entries(pid: int, kind: str) -> int:
    return sum(1 for _ in Path(f"/proc/{pid}/{kind}").iterdir())


def _median_p95(streams: list[dict[str, Any]], age: str) -> float | None:
    known = sorted(one[age]["p95"] for one in streams if one[age]["p95"] is not None)
    return round(known[len(known) // 2], 1) if known else None
