"""The delivered model is complete, undamaged, and finds what the project's own scenes show."""

from pathlib import Path

import numpy as np
import pytest

from server.domain.detection import DetectOptions
from server.domain.errors import ModelError
from server.domain.frame import Frame, PixelLayout
from server.inference import loader
from server.inference.card import read_card
from server.inference.compute import Compute
from server.inference.loader import load_detector
from server.inference.processors import Processor
from tests.scenes import clip, draw_empty, draw_firearm, draw_room


def test_it_says_what_it_is(delivered_model_dir: Path) -> None:
    """Its name, class and defaults come from its model.toml."""
    info = load_detector(delivered_model_dir).info

    assert (info.name, info.labels, info.confidence, info.imgsz) == ("firearm-yolov8n", ("firearm",), 0.4, 640)


@pytest.mark.parametrize("size", [(640, 480), (1280, 720), (320, 240)])
def test_it_finds_the_drawn_firearm(delivered_model_dir: Path, size: tuple[int, int]) -> None:
    """The pistol is found where it lies, far above the default confidence, and nothing else is."""
    request = load_detector(delivered_model_dir).create_request()
    shot = draw_firearm(size)

    found = request.detect(Frame(shot.bgr, PixelLayout.BGR), DetectOptions(confidence=0.4, iou=0.7)).detections

    assert len(found) == 1
    assert found.confidence[0] > 0.7
    assert np.abs(found.xyxy[0] - np.array(shot.boxes[0])).max() < 0.05 * size[0]


def test_it_finds_nothing_where_nothing_is(delivered_model_dir: Path) -> None:
    """A table with notes and a mug, and a room with a person, have no firearm."""
    request = load_detector(delivered_model_dir).create_request()

    for shot in (draw_empty(), draw_room(), draw_empty((1280, 720)), draw_room((1280, 720))):
        assert len(request.detect(Frame(shot.bgr, PixelLayout.BGR), DetectOptions(confidence=0.4, iou=0.7)).detections) == 0


@pytest.mark.parametrize(
    ("instructions", "computes"), [(("avx2", "avx512_vnni"), True), (("avx2", "avx512_bf16"), False), (("asimd",), False)]
)
def test_the_processor_decides_on_int8(
    delivered_model_dir: Path, monkeypatch: pytest.MonkeyPatch, instructions: tuple[str, ...], *, computes: bool
) -> None:
    """Where 8-bit integers are quick they are taken, unless another precision is asked for; elsewhere only when asked for."""
    monkeypatch.setattr(loader, "processor", lambda: Processor("CPU", instructions))

    assert (load_detector(delivered_model_dir).info.precision == "int8") is computes
    assert load_detector(delivered_model_dir, compute=Compute("f32")).info.precision == "f32"
    assert load_detector(delivered_model_dir, compute=Compute("int8")).info.precision == "int8"


def test_a_damaged_copy_is_refused(delivered_model_dir: Path, tmp_path: Path) -> None:
    """One changed byte is enough."""
    for file in delivered_model_dir.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    weights = bytearray((tmp_path / "firearm-yolov8n.bin").read_bytes())
    weights[1000] ^= 1
    (tmp_path / "firearm-yolov8n.bin").write_bytes(weights)

    with pytest.raises(ModelError, match=r"firearm-yolov8n\.bin: its sha256"):
        load_detector(tmp_path)


def test_it_follows_the_firearm_through_the_clip(delivered_model_dir: Path) -> None:
    """Wherever the pistol is wholly in the picture it is found there; where none is, nothing is."""
    request = load_detector(delivered_model_dir).create_request()
    whole = 0
    for shot in clip(fps=5):
        found = request.detect(Frame(shot.bgr, PixelLayout.BGR), DetectOptions(confidence=0.4, iou=0.7)).detections
        if not shot.boxes:
            assert len(found) == 0
        elif shot.boxes[0][0] > 0 and shot.boxes[0][2] < 640:
            whole += 1
            assert np.abs(found.xyxy[0] - np.array(shot.boxes[0])).max() < 30
    assert whole > 5


def test_its_card_says_where_it_comes_from(delivered_model_dir: Path) -> None:
    """Licence and data stand beside the weights; tests/repository/test_model_metadata.py looks at the figures."""
    card = read_card(delivered_model_dir)

    assert card.licence == "AGPL-3.0"
    assert card.version
    assert card.summary
    assert card.data["sources"]
    assert "Licence" in (delivered_model_dir / "MODEL_CARD.md").read_text()
    assert set(card.sha256) == {file.name for file in delivered_model_dir.iterdir() if file.suffix in (".xml", ".bin", ".pt")}


def test_it_is_small_enough_to_be_delivered(delivered_model_dir: Path) -> None:
    """A clone and a wheel carry what is served and the weights to train on from, each below 7 MB."""
    assert all(file.stat().st_size < 7_000_000 for file in delivered_model_dir.iterdir())
