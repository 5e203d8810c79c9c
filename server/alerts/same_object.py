"""Same object: tracks that follow one another in one place are one object, though the tracker has lost it in between."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from server.domain.detection import Box, Detection

# A thing in a hand moves: a third of the area in common is the same place, and two things beside each other have less.
SAME_PLACE_IOU = 0.3


@dataclass(frozen=True, slots=True)
class _Place:
    xyxy: Box
    seen_s: float
    object_id: int


@dataclass(slots=True)
class SameObject:
    """Numbers the objects behind tracks; one call at a time, any thread.

    An object's number is the id of its first track.
    """

    _places: dict[int, _Place] = field(default_factory=dict)
    """Where each track was seen last."""

    def see(self, objects: Iterable[Detection], *, time_s: float, keep_s: float) -> None:
        """Takes all that is seen at `time_s`; what was not for `keep_s` is forgotten."""
        self._places = {track: place for track, place in self._places.items() if time_s - place.seen_s <= keep_s}
        tracked = {one.track_id: one for one in objects if one.track_id is not None}
        gone = {track: place for track, place in self._places.items() if track not in tracked}
        for track, one in tracked.items():
            known = self._places.get(track)
            object_id = known.object_id if known else _successor_of(gone, one.xyxy, otherwise=track)
            self._places[track] = _Place(one.xyxy, time_s, object_id)

    def of(self, track: int | None) -> int | None:
        """The object of a track, None for one that is forgotten or was never seen."""
        place = None if track is None else self._places.get(track)
        return place.object_id if place else None

    def known(self) -> set[int]:
        """All objects that are remembered."""
        return {place.object_id for place in self._places.values()}

    def clear(self) -> None:
        """Forgets all."""
        self._places.clear()


def _successor_of(gone: dict[int, _Place], xyxy: Box, *, otherwise: int) -> int:
    """The object that was last seen in this place; each has one successor at most."""
    overlaps = ((overlap(place.xyxy, xyxy), track) for track, place in gone.items())
    share, track = max(overlaps, default=(0.0, otherwise))
    return gone.pop(track).object_id if share >= SAME_PLACE_IOU else otherwise


def overlap(one: Box, other: Box) -> float:
    """Intersection over union of two boxes."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    if width <= 0 or height <= 0:
        return 0.0
    both = width * height
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (one, other)]
    return both / (sum(areas) - both)
