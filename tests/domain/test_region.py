"""Tests of regions and masks: which points lie in a polygon, and which objects count."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.domain.errors import InvalidRequest
from server.domain.region import MOST_CORNERS, MOST_REGIONS, NO_MASK, Mask, Point, Region, RegionKind

SQUARE: tuple[Point, ...] = ((0.2, 0.2), (0.8, 0.2), (0.8, 0.8), (0.2, 0.8))
# An L: its upper right quarter is missing.
CONCAVE: tuple[Point, ...] = ((0.1, 0.1), (0.5, 0.1), (0.5, 0.5), (0.9, 0.5), (0.9, 0.9), (0.1, 0.9))
shares = st.floats(0, 1)


def region(points: tuple[Point, ...] = SQUARE, kind: RegionKind = RegionKind.IGNORE) -> Region:
    """A region of the picture."""
    return Region(kind, points)


@pytest.mark.parametrize(
    ("point", "inside"),
    [
        ((0.3, 0.3), True),
        ((0.3, 0.7), True),
        ((0.7, 0.7), True),
        ((0.7, 0.3), False),
        ((0.05, 0.5), False),
        ((0.95, 0.7), False),
    ],
)
def test_a_concave_region_has_no_more_than_its_area(point: Point, *, inside: bool) -> None:
    """What lies in the notch is outside."""
    assert region(CONCAVE).contains(*point) is inside


@pytest.mark.parametrize("point", [*SQUARE, (0.5, 0.2), (0.8, 0.5), (0.5, 0.8), (0.2, 0.5)])
def test_the_edge_belongs_to_the_region(point: Point) -> None:
    """All four sides and corners."""
    assert region().contains(*point)


def test_a_region_drawn_to_the_rim_holds_the_rim() -> None:
    """An object cut by the picture's edge can have its centre there."""
    whole = region(((0, 0), (1, 0), (1, 1), (0, 1)))
    assert all(whole.contains(x, y) for x in (0, 1) for y in (0, 1))


@given(x=shares, y=shares, start=st.integers(0, 5), turned=st.booleans())
def test_where_drawing_began_and_its_direction_do_not_matter(x: float, y: float, start: int, *, turned: bool) -> None:
    """The same corners in another order along the same line are the same region."""
    points = CONCAVE[start:] + CONCAVE[:start]
    assert region(points[::-1] if turned else points).contains(x, y) == region(CONCAVE).contains(x, y)


@given(x=shares, y=shares, corners=st.integers(3, 12))
def test_a_regular_polygon_holds_its_inner_circle_and_nothing_beyond_its_outer_one(x: float, y: float, corners: int) -> None:
    """Checked against the distance from the middle."""
    turns = [2 * math.pi * number / corners for number in range(corners)]
    polygon = region(tuple((0.5 + 0.4 * math.cos(turn), 0.5 + 0.4 * math.sin(turn)) for turn in turns))
    distance = math.hypot(x - 0.5, y - 0.5)
    if distance < 0.4 * math.cos(math.pi / corners) - 1e-9:
        assert polygon.contains(x, y)
    if distance > 0.4 + 1e-9:
        assert not polygon.contains(x, y)


@pytest.mark.parametrize(
    ("points", "message"),
    [
        (((0, 0), (1, 1)), "3 to"),
        (((0, 0),) * (MOST_CORNERS + 1), "3 to"),
        (((0, 0), (1.01, 0), (1, 1)), "shares"),
        (((0, 0), (math.nan, 0), (1, 1)), "shares"),
    ],
)
def test_what_is_no_region_is_refused(points: tuple[Point, ...], message: str) -> None:
    """Too few or too many corners, or one that is not in the picture."""
    with pytest.raises(InvalidRequest, match=message):
        region(points)


def test_too_many_regions_are_refused() -> None:
    """A mask is looked at for every object of every frame."""
    with pytest.raises(InvalidRequest, match="are the most"):
        Mask((region(),) * (MOST_REGIONS + 1))


IN, OUT = (90, 40, 110, 60), (0, 0, 20, 10)
"""Boxes in a picture of 200 by 100 pixels: in the middle, and in a corner."""


@pytest.mark.parametrize(
    ("mask", "inside", "outside"),
    [
        (NO_MASK, True, True),
        (Mask((region(),)), False, True),
        (Mask((region(kind=RegionKind.WATCH),)), True, False),
        (Mask((region(kind=RegionKind.WATCH), region())), False, False),
    ],
)
def test_ignoring_wins_over_watching(mask: Mask, *, inside: bool, outside: bool) -> None:
    """The box's centre decides."""
    assert mask.allows(IN, width=200, height=100) is inside
    assert mask.allows(OUT, width=200, height=100) is outside


def test_a_centre_beyond_the_picture_counts_at_its_edge() -> None:
    """A tracker's box may stick out of the picture; what is watched to the rim is watched there."""
    watched = Mask((region(((0, 0), (1, 0), (1, 1), (0, 1)), RegionKind.WATCH),))
    assert watched.allows((-30, 10, 10, 20), width=200, height=100)
