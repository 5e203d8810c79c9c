"""The configured model: what the settings say of the model, as the loader takes it."""

from pathlib import Path

from server import resources
from server.config.settings import Settings
from server.domain.protocols import Detector
from server.inference.compute import Compute
from server.inference.loader import load_detector


def model_path(settings: Settings) -> Path:
    """Where the model lies that the settings name, the delivered one where they name none."""
    return Path(settings.model.path).expanduser().resolve() if settings.model.path else resources.delivered_model()


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
            at_once=settings.inference.workers,
            frame=frame,
        ),
        confidence=model.confidence,
        iou=model.iou,
        imgsz=model.imgsz,
    )
