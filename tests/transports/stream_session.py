"""A live session without a source, for tests in which streams begin and end."""

from server.domain.alert import SourceKind
from server.pipeline.packet_ring import PacketRing
from server.pipeline.stream import Stream


class StreamSession:
    """A session that is nothing but its stream."""

    kind = SourceKind.WEBCAM
    packets: PacketRing | None = None

    def __init__(self, stream: Stream) -> None:
        self.id = stream.id
        self.stream = stream

    def announce_draining(self, grace_s: float) -> None:
        """Tells nobody."""

    async def aclose(self, reason: str) -> None:
        """Has nothing to end."""
