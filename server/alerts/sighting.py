"""Sighting: from the alert on, all that is seen without a pause belongs to it, and is told of once."""

from dataclasses import dataclass

# One shift. Who comes on duty is told of what still is there; something that hangs on the wall makes three alerts a day, until
# somebody masks it.
SIGHTING_LIFE_S = 8 * 3600.0


@dataclass(slots=True)
class Sighting:
    """What was told of, and what belongs to it; times are those of the stream in seconds."""

    track: int
    object_id: int | None
    begun_s: float
    seen_s: float

    def is_over(self, time_s: float, *, rearm_s: float) -> bool:
        """Whether nothing was seen for long enough, or it lasts too long to be the same."""
        return time_s - self.seen_s >= rearm_s or self.has_lasted(time_s)

    def has_lasted(self, time_s: float) -> bool:
        """Whether it began longer ago than one sighting may last."""
        return time_s - self.begun_s >= SIGHTING_LIFE_S
