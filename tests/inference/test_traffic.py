"""Traffic tells whether others are in the same place."""

import pytest

from server.inference.traffic import Traffic


def test_whoever_enters_is_told_how_many_are_inside() -> None:
    """Those who left are not counted, an error being a way of leaving."""
    traffic = Traffic()
    with traffic.enter() as first, traffic.enter() as second:
        assert (first, second) == (0, 1)
    with pytest.raises(RuntimeError), traffic.enter():
        raise RuntimeError
    with traffic.enter() as others:
        assert others == 0
