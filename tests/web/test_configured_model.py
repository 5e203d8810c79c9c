"""The configured model: how many workers detect with it."""

import pytest

from server.config.settings import Inference, Model, Settings
from server.web import configured_model
from server.web.configured_model import detector_workers


@pytest.mark.parametrize(("processors", "workers"), [(1, 2), (2, 2), (4, 2), (6, 3), (8, 4), (64, 4)])
def test_workers_are_chosen_from_the_processors(monkeypatch: pytest.MonkeyPatch, processors: int, workers: int) -> None:
    """One for two processors, within bounds."""
    monkeypatch.setattr(configured_model, "available_processors", lambda: processors)
    assert detector_workers(Settings()) == workers


@pytest.mark.parametrize(
    ("settings", "threads", "workers"),
    [
        (Settings(inference=Inference(workers=3)), None, 3),
        (Settings(inference=Inference(threads=6)), None, 3),
        (Settings(inference=Inference(threads=6)), 2, 2),
        (Settings(inference=Inference(threads=6)), 0, 4),
        (Settings(model=Model(path="weights.pt")), None, 2),
    ],
    ids=["as set", "the engine's threads", "threads of another engine", "that takes all", "torch"],
)
def test_what_else_decides(monkeypatch: pytest.MonkeyPatch, settings: Settings, threads: int | None, workers: int) -> None:
    """The setting wins; fewer threads than processors carry fewer workers."""
    monkeypatch.setattr(configured_model, "available_processors", lambda: 64)
    assert detector_workers(settings, threads=threads) == workers
