"""Places for viewers: the two limits."""

import pytest

from server.domain.errors import AtCapacity
from server.transports.viewer_places import ViewerPlaces


def test_a_stream_has_a_limit_of_its_own() -> None:
    """The viewer above it is refused with the limit, one of another stream is not."""
    places = ViewerPlaces(per_stream=1, in_all=5)
    with places.hold("a"), places.hold("b"):
        with pytest.raises(AtCapacity) as refused, places.hold("a"):
            pass
        assert (refused.value.capacity, refused.value.active) == (1, 1)
        assert places.active == 2


def test_all_streams_together_have_a_limit() -> None:
    """The viewer above it is refused whichever stream it wants."""
    places = ViewerPlaces(per_stream=5, in_all=2)
    with places.hold("a"), places.hold("b"), pytest.raises(AtCapacity) as refused, places.hold("c"):
        pass
    assert (refused.value.capacity, refused.value.active) == (2, 2)


def test_a_place_is_free_after_the_block() -> None:
    """Whatever happens inside."""
    places = ViewerPlaces(per_stream=1, in_all=1)
    for _ in range(3):
        with pytest.raises(ValueError, match="broken"), places.hold("a"):
            raise ValueError("broken")
    assert places.active == 0
