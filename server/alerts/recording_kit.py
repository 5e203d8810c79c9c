"""What the recordings of alerts work with."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import TypeVar

from server.alerts.book import AlertBook
from server.alerts.clip_maker import ClipMaker
from server.alerts.evidence import AlertFiles
from server.alerts.sources import AlertOptions
from server.domain.protocols import Annotator

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingKit:
    """What all recordings work with; `io` runs what encodes and writes files. `clock` is that of the frames, in seconds."""

    book: AlertBook
    files: AlertFiles
    io: Executor
    annotator: Callable[[], Annotator]
    labels: Callable[[], Sequence[str]]
    clips: ClipMaker | None
    options: AlertOptions
    clock: Callable[[], float]
    wall_clock: Callable[[], float]

    async def on_io(self, work: Callable[[], T]) -> T:
        """Runs what blocks."""
        return await asyncio.get_running_loop().run_in_executor(self.io, work)
