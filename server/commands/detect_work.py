"""What `sightline detect` was asked for, and what it works with."""

from dataclasses import dataclass
from pathlib import Path

from server.config.settings import Settings
from server.domain.detection import DetectOptions
from server.inference.pool import DetectorPool
from server.pipeline.result_files import ResultFormat


@dataclass(frozen=True, slots=True)
class DetectOrder:
    """What is to be checked, and what is to come of it."""

    sources: tuple[str, ...]
    out: Path
    form: ResultFormat
    annotated: bool
    classes: tuple[int | str, ...]
    recursive: bool
    every: int


@dataclass(frozen=True, slots=True)
class DetectWork:
    """An order and the means to carry it out."""

    order: DetectOrder
    pool: DetectorPool
    options: DetectOptions
    settings: Settings
