"""Regions of a picture: where detections count, and where they do not."""

import enum
from dataclasses import dataclass

from server.domain.detection import Box
from server.domain.errors import InvalidRequest

Point = tuple[float, float]
"""x and y as shares of the picture's width and height, 0 to 1."""

MOST_REGIONS = 32
MOST_CORNERS = 64


class RegionKind(enum.StrEnum):
    """What a region does."""

    IGNORE = "ignore"
    WATCH = "watch"


@dataclass(frozen=True, slots=True)
class Region:
    """A polygon on the picture; its edge belongs to it. Raises InvalidRequest for what is none."""

    kind: RegionKind
    points: tuple[Point, ...]

    def __post_init__(self) -> None:
        if not 3 <= len(self.points) <= MOST_CORNERS:
            raise InvalidRequest(f"a region has {len(self.points)} corners: it needs 3 to {MOST_CORNERS}")
        if not all(0 <= x <= 1 and 0 <= y <= 1 for x, y in self.points):
            raise InvalidRequest("the corners of a region are shares of the picture's width and height, from 0 to 1")

    def contains(self, x: float, y: float) -> bool:
        """Whether a point lies in it or on its edge; where lines cross, the even-odd rule decides."""
        inside = False
        for (x1, y1), (x2, y2) in zip(self.points, (*self.points[1:], self.points[0]), strict=True):
            if _is_between(x, y, (x1, y1), (x2, y2)):
                return True
            if (y1 > y) != (y2 > y) and x < (x2 - x1) * (y - y1) / (y2 - y1) + x1:
                inside = not inside
        return inside


@dataclass(frozen=True, slots=True)
class Mask:
    """The regions of one camera. Where there is a region to watch, all else is ignored; ignoring wins over watching."""

    regions: tuple[Region, ...] = ()

    def __post_init__(self) -> None:
        if len(self.regions) > MOST_REGIONS:
            raise InvalidRequest(f"a mask has {len(self.regions)} regions: {MOST_REGIONS} are the most")

    def allows(self, xyxy: Box, *, width: int, height: int) -> bool:
        """Whether an object counts: its centre decides. `width` and `height` are those of the frame in pixels."""
        x = min(max((xyxy[0] + xyxy[2]) / 2 / width, 0.0), 1.0)
        y = min(max((xyxy[1] + xyxy[3]) / 2 / height, 0.0), 1.0)
        watched = [region for region in self.regions if region.kind is RegionKind.WATCH]
        ignored = any(region.contains(x, y) for region in self.regions if region.kind is RegionKind.IGNORE)
        return not ignored and (not watched or any(region.contains(x, y) for region in watched))


NO_MASK = Mask()
"""The whole picture counts."""


# Far less than a pixel of any camera, far more than what floating point loses.
_ON_EDGE = 1e-9


def _is_between(x: float, y: float, start: Point, end: Point) -> bool:
    """Whether a point lies on the line from `start` to `end`."""
    (x1, y1), (x2, y2) = start, end
    if not (min(x1, x2) <= x <= max(x1, x2) and min(y1, y2) <= y <= max(y1, y2)):
        return False
    return abs((x2 - x1) * (y - y1) - (y2 - y1) * (x - x1)) <= _ON_EDGE
