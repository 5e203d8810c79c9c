"""The golden evaluation: what the delivered model reaches on the drawn set; `python -m tests.golden.evaluation` makes it again.

It belongs to one set of weights and is to be made again whenever the delivered model is replaced.
"""

import tempfile
from pathlib import Path

import msgspec

from server.inference.compute import Compute, Precision
from server.inference.loader import load_detector
from server.resources import delivered_model
from server.training.evaluate import Workplace, evaluate_pictures, file_digests
from server.training.labelled_pictures import LabelledSplit, read_split
from server.training.metrics_file import PictureMetrics
from tests.drawn_set import SPLIT, write_drawn_set

GOLDEN_FILE = Path(__file__).with_name("evaluation.json")


class GoldenEvaluation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Figures at float32, the model's own input size and its default confidence; counts by source."""

    sha256: dict[str, str]
    imgsz: int
    confidence: float
    map50: float
    map50_95: float
    found: dict[str, int]
    false_alarms: dict[str, int]


def read_golden_evaluation() -> GoldenEvaluation:
    """The committed figures."""
    return msgspec.json.decode(GOLDEN_FILE.read_bytes(), type=GoldenEvaluation)


def evaluate_here(split: LabelledSplit, *, precision: Precision) -> tuple[PictureMetrics, GoldenEvaluation]:
    """Evaluates the delivered model on a split at a precision: all figures, and those that are golden."""
    detector = load_detector(delivered_model(), compute=Compute(precision))
    info = detector.info
    evaluated = evaluate_pictures(
        detector,
        split,
        sizes=[info.imgsz],
        confidence=info.confidence,
        workplace=Workplace(workers=2, io_threads=2, max_pixels=10_000_000),
    )[info.imgsz]
    assert evaluated.problems == []
    metrics = evaluated.metrics
    golden = GoldenEvaluation(
        sha256=file_digests(delivered_model()),
        imgsz=info.imgsz,
        confidence=info.confidence,
        map50=round(metrics.map50 or 0.0, 4),
        map50_95=round(metrics.map50_95 or 0.0, 4),
        found={name: one.default.found for name, one in metrics.by_source.items()},
        false_alarms={name: one.default.false_alarms for name, one in metrics.by_source.items()},
    )
    return metrics, golden


def make() -> None:
    """Writes the committed file anew."""
    with tempfile.TemporaryDirectory() as folder:
        data = write_drawn_set(Path(folder) / "drawn")
        split = read_split(data, split=SPLIT, manifest=data.with_name("manifest.csv"))
        _, golden = evaluate_here(split, precision="f32")
    GOLDEN_FILE.write_bytes(msgspec.json.format(msgspec.json.encode(golden), indent=1) + b"\n")


if __name__ == "__main__":
    make()
