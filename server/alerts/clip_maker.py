"""Clip maker: who makes a clip that browsers play of encoded video."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from server.domain.encoded import EncodedPacket


@dataclass(frozen=True, slots=True)
class MadeClip:
    """A clip; `first_received_at` is the clock reading of its first picture in seconds."""

    first_received_at: float
    duration_s: float
    size_bytes: int


class ClipMaker(Protocol):
    """Makes clips, one after the other where that is heavy work."""

    async def make(self, packets: list[EncodedPacket], out: Path) -> MadeClip:
        """Writes the packets as an MP4 file with H.264; raises ClipFailed."""
