"""Working stand-ins of what viewers share, for tests that need no encoder."""

from collections.abc import Callable

from server.pipeline.broadcast import Broadcast
from server.transports.shared_encoding import EncodedPicture
from server.transports.viewer_group import ViewerGroup


def make_encoded(number: int, *, keyframe: bool = False, boxes_received_at: float | None = None) -> EncodedPicture:
    """A picture whose only byte is its number, at 30 pictures a second."""
    return EncodedPicture(bytes([number]), keyframe, number / 30, boxes_received_at)


class NotedEncoding:
    """An encoding that makes nothing by itself and counts what it is asked for."""

    def __init__(self, start_bps: int | None, on_failed: Callable[[], None]) -> None:
        self.pictures: Broadcast[EncodedPicture] = Broadcast()
        self.target_bps = start_bps or 2_000_000
        self.fail = on_failed
        self.asked = 0
        self.closed = False

    def ask_for_key_frame(self) -> None:
        """Counts."""
        self.asked += 1

    def close(self) -> None:
        """Notes it."""
        self.closed = True


class NotedGroup:
    """A group of viewers with the encodings that it has opened, in order."""

    def __init__(self, *, clock: Callable[[], float]) -> None:
        self.opened: list[NotedEncoding] = []
        self.emptied = 0
        self.group = ViewerGroup(self._open, clamp=lambda bps: max(bps, 250_000), on_empty=self._note_empty, clock=clock)

    def _open(self, *, start_bps: int | None, on_failed: Callable[[], None]) -> NotedEncoding:
        self.opened.append(NotedEncoding(start_bps, on_failed))
        return self.opened[-1]

    def _note_empty(self) -> None:
        self.emptied += 1
