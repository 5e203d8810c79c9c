"""The configured model: what the settings say of the model, as the loader takes it."""

from pathlib import Path

from server import resources
from server.config.settings import Settings
from server.domain.protocols import Detector
from server.inference.compute import Compute
from server.inference.loader import load_detector
from server.inference.processors import available_processors

LEAST_WORKERS, MOST_WORKERS = 2, 4


def model_path(settings: Settings) -> Path:
    """Where the model lies that the settings name, the delivered one where they name none."""
    return Path(settings.model.path).expanduser().resolve() if settings.model.path else resources.delivered_model()


def detector_workers(settings: Settings, *, threads: int | None = None) -> int:
    """How many frames are detected at once: as set, else as many as the engine's threads carry (None: those of the settings).

    One for two processors, as a frame gains little from more threads than a few while others wait; two at least, so that one
    frame is prepared while another is computed. Torch starts all its threads for every worker, so `.pt` files get two.
    """
    if settings.inference.workers:
        return settings.inference.workers
    if model_path(settings).suffix == ".pt":
        return LEAST_WORKERS
    processors = (settings.inference.threads if threads is None else threads) or available_processors()
    return min(MOST_WORKERS, max(LEAST_WORKERS, processors // 2))


def load_configured_model(settings: Settings, *, streams: int = 1, frame: tuple[int, int] | None = None) -> Detector:
    """Loads it, see `load_detector`. Blocks for up to seconds; raises ModelError."""
    model = settings.model
    return load_detector(
        Path(model.path).expanduser() if model.path else resources.delivered_model(),
        backend=model.backend,
        compute=Compute(
            model.precision,
            threads=settings.inference.threads,
            streams=streams,
            at_once=detector_workers(settings),
            frame=frame,
        ),
        confidence=model.confidence,
        iou=model.iou,
        imgsz=model.imgsz,
    )
