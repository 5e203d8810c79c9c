"""Tests of telling a leak from noise."""

import numpy as np

from benchmarks.meters.steadiness import trend

TIMES_S = [5.0 * number for number in range(200)]


def test_noise_with_peaks_is_flat() -> None:
    """A series that jumps about one value, with a tenth of it far above, does not grow."""
    dice = np.random.default_rng(1)
    values = 300 + dice.normal(0, 10, len(TIMES_S))
    values[dice.integers(0, len(values), 20)] += 400
    found = trend(TIMES_S, values.tolist(), share=0.05, least=1)
    assert found.flat
    assert abs(found.median - 300) < 5


def test_a_slow_leak_under_noise_is_found() -> None:
    """A tenth more in the end shows, though each value is as far off as that."""
    dice = np.random.default_rng(2)
    values = 300 + np.linspace(0, 30, len(TIMES_S)) + dice.normal(0, 15, len(TIMES_S))
    found = trend(TIMES_S, values.tolist(), share=0.05, least=1)
    assert not found.flat
    assert 20 < found.growth < 40


def test_small_numbers_have_room_for_one() -> None:
    """Of four descriptors one more is no leak where `least` says so."""
    values = [4.0] * 100 + [5.0] * 100
    assert trend(TIMES_S, values, share=0.05, least=1.5).flat
