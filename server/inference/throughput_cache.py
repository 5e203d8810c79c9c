"""Throughput cache: what was measured once need not be measured at every start."""

import logging
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from server.domain.model import ModelInfo
from server.inference.processors import available_processors, processor
from server.inference.throughput import SizeThroughput, Throughput

logger = logging.getLogger(__name__)

FILE_NAME = "throughput.json"
# A machine may slow down, by its power plan or its neighbours on a host, without anything here telling.
VALID_S = 24 * 3600.0
# One for each model and machine that ever used this data folder; the oldest go.
MOST_ENTRIES = 50


class Measured(msgspec.Struct, frozen=True):
    """One measurement; `at` is the wall clock's reading in seconds, `smaller` pairs of input size and detections a second."""

    frame_ms: float
    detections_fps: float
    at: float
    smaller: list[tuple[int, float]]


class ThroughputCache:
    """Keeps measurements by machine, model and size in one small file of the data folder. Blocks: never on the event loop.

    A file that cannot be read or written costs a measurement, never the start.
    """

    def __init__(self, folder: Path, *, wall_clock: Callable[[], float] = time.time) -> None:
        self._file = folder / FILE_NAME
        self._wall_clock = wall_clock

    def get(self, key: str) -> Throughput | None:
        """What was measured within the last day, None when there is nothing."""
        known = self._read().get(key)
        if known is None or not 0 <= self._wall_clock() - known.at < VALID_S:
            return None
        smaller = tuple(SizeThroughput(imgsz, fps) for imgsz, fps in known.smaller)
        return Throughput(known.frame_ms, known.detections_fps, smaller)

    def put(self, key: str, throughput: Throughput) -> None:
        """Keeps a measurement."""
        smaller = [(size.imgsz, size.detections_fps) for size in throughput.smaller]
        measured = Measured(throughput.frame_ms, throughput.detections_fps, self._wall_clock(), smaller)
        entries = {**self._read(), key: measured}
        newest = sorted(entries.items(), key=lambda entry: entry[1].at)[-MOST_ENTRIES:]
        temporary = self._file.with_name(f".{FILE_NAME}.{os.getpid()}")
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            temporary.write_bytes(msgspec.json.encode(dict(newest)))
            temporary.replace(self._file)
        except OSError as exc:
            logger.warning("the measured throughput cannot be kept in %s: %s", self._file, exc)

    def _read(self) -> dict[str, Measured]:
        try:
            return msgspec.json.decode(self._file.read_bytes(), type=dict[str, Measured])
        except (OSError, msgspec.DecodeError, UnicodeError):
            return {}


def throughput_key(model: ModelInfo, *, path: Path, sizes: Sequence[int], workers: int, threads: int) -> str:
    """What a measurement depends on: the machine, the model's files, its size and the smaller ones, and how it is run."""
    try:
        changed = path.stat().st_mtime_ns
    except OSError:
        changed = 0
    machine = f"{processor().name}, {available_processors()} processors"
    tried = ", ".join(map(str, (model.imgsz, *sizes)))
    engine = f"{' '.join(model.runtime)} {model.precision}"
    return f"{machine} | {model.name} {path} {changed} | {tried} px | {engine} | {workers} workers, {threads} threads"
