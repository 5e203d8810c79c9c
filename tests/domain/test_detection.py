"""Detections: arrays and their single rows."""

import numpy as np
import pytest

from server.domain.detection import Detection, DetectionResult, Detections, Timing
from tests.builders import make_detections


def test_rows_are_plain_numbers() -> None:
    """Iterating gives Python numbers that JSON can carry."""
    (row,) = make_detections([(1, 2, 3, 4)], confidence=[0.5], class_id=[7])
    assert row == Detection((1.0, 2.0, 3.0, 4.0), 0.5, 7)
    assert type(row.class_id) is int


def test_select_keeps_the_picked_rows() -> None:
    """A mask picks rows of all three arrays."""
    found = make_detections([(0, 0, 1, 1), (2, 2, 3, 3)], confidence=[0.9, 0.2], class_id=[0, 1])
    kept = found.select(found.confidence > 0.5)
    assert len(kept) == 1
    assert kept.class_id.tolist() == [0]


def test_empty_has_the_right_shapes() -> None:
    """No detections are still arrays of the documented shapes and types."""
    empty = Detections.empty()
    assert empty.xyxy.shape == (0, 4)
    assert empty.class_id.dtype == np.int32
    assert list(empty) == []
    with pytest.raises(IndexError):
        empty.select(np.array([0]))


def test_waiting_before_the_pool_counts_as_waiting_for_it() -> None:
    """Whoever waited for a turn adds that to what the pool measured, and to nothing else."""
    result = DetectionResult(make_detections([]), Timing(2.0, 1.0, 20.0, 0.5)).after_waiting(40.0)
    assert result.timing == Timing(42.0, 1.0, 20.0, 0.5)
