"""What stands beside the delivered weights is complete, and says the same in every place."""

from pathlib import Path

import pytest

from server.inference.card import CARD_NAME, ModelCard, read_card
from server.training.metrics_file import SCHEMA, MetricsFile, encode_metrics, read_metrics

MODELS = Path(__file__).resolve().parents[2] / "models"
FOLDERS = sorted(path.parent for path in MODELS.glob(f"*/{CARD_NAME}"))


def described(folder: Path) -> tuple[ModelCard, MetricsFile]:
    """The folder's card and its metrics, both of which refuse unknown fields and missing ones."""
    card = read_card(folder)
    return card, read_metrics(folder / str(card.metrics["file"]))


def test_there_is_a_model() -> None:
    """Somebody who starts the server has something to detect with."""
    assert FOLDERS


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda path: path.name)
def test_the_metrics_are_those_of_these_files(folder: Path) -> None:
    """They were measured with the very weights and defaults that are delivered."""
    card, metrics = described(folder)
    assert metrics.schema == SCHEMA
    assert card.sha256.items() <= metrics.model.sha256.items()
    assert (metrics.model.name, metrics.model.classes) == (card.name, card.classes)
    assert (metrics.model.imgsz, metrics.model.confidence) == (card.imgsz, card.confidence)


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda path: path.name)
def test_the_metrics_are_complete(folder: Path) -> None:
    """At its own input size: pictures by source and object size, the sample of continuous integration, and clips."""
    card, metrics = described(folder)
    figures, data = metrics.by_imgsz[str(card.imgsz)], metrics.data
    assert data is not None
    assert data.sources.keys() == figures.by_source.keys()
    assert sum(data.sources.values()) == data.pictures
    assert sum(one.objects for one in figures.by_object_size) == data.objects
    assert sum(one.objects for one in figures.by_source.values()) == data.objects
    assert figures.default.confidence == card.confidence
    assert metrics.sample is not None
    assert metrics.sample.imgsz == card.imgsz
    clips = metrics.clips[str(card.imgsz)]
    assert clips.alerts.hours > 0
    assert any(one.raised_s is not None for one in clips.clips)


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda path: path.name)
def test_the_model_card_has_the_same_figures(folder: Path) -> None:
    """What a person reads is what was measured, for each input size that the card names."""
    card, metrics = described(folder)
    text = (folder / "MODEL_CARD.md").read_text()
    figures = metrics.by_imgsz[str(card.imgsz)]
    for value in (figures.map50, figures.map50_95):
        assert f"{value:.3f}" in text
    for word in ("Licence", "AGPL-3.0", "What it is not for"):
        assert word in text


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda path: path.name)
def test_the_metrics_are_as_the_command_writes_them(folder: Path) -> None:
    """Nobody has changed a figure by hand into a form that the command would not write."""
    path = folder / "metrics.json"
    assert encode_metrics(read_metrics(path)) == path.read_bytes()
