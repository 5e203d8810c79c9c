"""Evaluation guards what is served: the drawn set, and with ../shared a fixed sample of the validation pictures."""

from dataclasses import replace
from pathlib import Path

import openvino
import pytest

from server.domain.errors import ModelError
from server.inference.compute import Precision
from server.inference.loader import load_detector
from server.training.evaluate import SAMPLE_EVERY, Workplace, evaluate_pictures, sample_of
from server.training.labelled_pictures import LabelledSplit, read_split
from server.training.metrics_file import read_metrics
from tests.drawn_set import SPLIT, write_drawn_set
from tests.fakes import FakeDetector
from tests.golden.evaluation import evaluate_here, read_golden_evaluation

F32_TOLERANCE = 0.005
"""Sums in another order on another processor."""
BF16_TOLERANCE = 0.03
"""8 bits of mantissa move confidences by 0.02 and edges by a pixel, and the drawn set has 27 objects."""
INT8_TOLERANCE = 0.04
"""256 steps move them a little more."""
SAMPLE_TOLERANCE = 0.01


@pytest.fixture(scope="module")
def drawn_split(tmp_path_factory: pytest.TempPathFactory) -> LabelledSplit:
    """The drawn set, read back from its files."""
    data = write_drawn_set(tmp_path_factory.mktemp("drawn") / "set")
    return read_split(data, split=SPLIT, manifest=data.with_name("manifest.csv"))


@pytest.mark.usefixtures("delivered_model_dir")
@pytest.mark.parametrize(("precision", "within"), [("f32", F32_TOLERANCE), ("bf16", BF16_TOLERANCE), ("int8", INT8_TOLERANCE)])
def test_the_drawn_set_is_detected_as_well_as_before(drawn_split: LabelledSplit, precision: Precision, within: float) -> None:
    """Letterbox, colours, NMS and the way back to the picture's pixels: whatever breaks there lowers these figures."""
    if precision == "bf16" and "BF16" not in openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
        pytest.skip("this processor has no bf16")
    golden = read_golden_evaluation()
    _, found = evaluate_here(drawn_split, precision=precision)
    assert found.sha256 == golden.sha256, "the delivered model was replaced: make golden"
    assert (found.imgsz, found.confidence) == (golden.imgsz, golden.confidence)
    assert found.map50 == pytest.approx(golden.map50, abs=within)
    assert found.map50_95 == pytest.approx(golden.map50_95, abs=within)
    if precision == "f32":
        assert (found.found, found.false_alarms) == (golden.found, golden.false_alarms)


def test_the_sample_is_every_fourth_picture_by_name(drawn_split: LabelledSplit) -> None:
    """It stays the same however the folder is read."""
    names = sorted(one.name for one in drawn_split.pictures)
    assert [one.name for one in sample_of(drawn_split).pictures] == names[::SAMPLE_EVERY]


@pytest.mark.shared
def test_a_sample_of_the_validation_pictures_is_detected_as_well_as_delivered(
    shared_dir: Path, delivered_model_dir: Path
) -> None:
    """The served model does not fall more than 0.01 below the same sample's figures in metrics.json."""
    recorded = read_metrics(delivered_model_dir / "metrics.json").sample
    assert recorded is not None
    data = shared_dir / "data" / "firearms" / "data.yaml"
    metrics, golden = evaluate_here(sample_of(read_split(data, split="val")), precision="auto")
    assert golden.imgsz == recorded.imgsz
    assert (metrics.map50 or 0) > (recorded.map50 or 0) - SAMPLE_TOLERANCE
    assert (metrics.map50_95 or 0) > (recorded.map50_95 or 0) - SAMPLE_TOLERANCE


def test_a_model_of_other_classes_is_refused(drawn_split: LabelledSplit) -> None:
    """Its class 1 would be taken for something that the data do not know."""
    workplace = Workplace(workers=1, io_threads=1, max_pixels=10_000_000)
    with pytest.raises(ModelError, match="firearm, person are not the data set's firearm"):
        evaluate_pictures(FakeDetector(), drawn_split, sizes=[320], confidence=0.4, workplace=workplace)


def test_a_damaged_picture_is_named_and_left_out(drawn_split: LabelledSplit, delivered_model_dir: Path, tmp_path: Path) -> None:
    """The others are evaluated, and so many are counted."""
    bad = tmp_path / "bad.png"
    bad.write_bytes(drawn_split.pictures[0].path.read_bytes()[:500])
    pictures = (replace(drawn_split.pictures[0], path=bad), *drawn_split.pictures[1:3])
    split = LabelledSplit(SPLIT, drawn_split.labels, pictures)
    workplace = Workplace(workers=1, io_threads=1, max_pixels=10_000_000)
    detector = load_detector(delivered_model_dir)
    evaluated = evaluate_pictures(detector, split, sizes=[320], confidence=0.4, workplace=workplace)[320]
    assert [one.picture.name for one in evaluated.checked] == [one.name for one in pictures[1:]]
    (problem,) = evaluated.problems
    assert "bad.png" in problem
