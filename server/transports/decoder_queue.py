"""The queue between aiortc's receiver and its decoder thread, with a bound and a memory for times of receipt."""

import queue
from collections.abc import Callable
from typing import Any, Protocol

from server.transports.jitter_buffer import ReceivedFrame, is_key_frame

# Frames that were decoded, or lost on the way there, leave their times behind; more than this never wait to be decoded.
MOST_RECEIPTS = 256


class FrameTap(Protocol):
    """Who keeps what is to be decoded."""

    def put(self, codec_name: str, frame: ReceivedFrame) -> None:
        """Takes a complete frame, whose timestamp is unwrapped; never blocks."""


class DecoderQueue(queue.Queue[Any]):
    """Takes encoded frames on the event loop, gives them to the decoder thread.

    aiortc's own has no bound: a decoder that cannot keep up would fall behind for ever. With a `limit`, more waiting frames
    than that are dropped, a key frame is asked for by `on_overflow`, and what comes before it is dropped too, because it
    builds on what was dropped. What is not dropped is shown to `tap`. `None`, which ends the decoder, overtakes everything:
    closing then waits for one frame at most.
    """

    def __init__(self, *, limit: int | None, on_overflow: Callable[[], None]) -> None:
        super().__init__()
        self._limit = limit
        self._on_overflow = on_overflow
        self._needs_key_frame = False
        self._receipts: dict[int, float] = {}
        self.tap: FrameTap | None = None
        self.dropped = 0

    def put(self, item: Any, block: bool = True, timeout: float | None = None) -> None:  # noqa: FBT001, FBT002 - queue.Queue's
        """Takes `(codec, frame)` or None; never blocks."""
        if item is None:
            self._drop_waiting()
        elif not self._admit(item[1]):
            self.dropped += 1
            return
        else:
            self._show(*item)
        super().put(item, block, timeout)

    def take_receipt(self, pts: int) -> float | None:
        """When the last packet of the frame with that mapped timestamp arrived; forgotten once asked for."""
        return self._receipts.pop(pts, None)

    def _show(self, codec: Any, frame: Any) -> None:
        """Lets the tap have a frame that is to be decoded."""
        if self.tap is not None and codec is not None and isinstance(frame, ReceivedFrame):
            self.tap.put(codec.name, frame)

    def _admit(self, frame: Any) -> bool:
        if self._limit is not None and self.qsize() >= self._limit:
            self.dropped += self._drop_waiting()
            self._needs_key_frame = True
            self._on_overflow()
        if self._needs_key_frame and not is_key_frame(frame.data):
            return False
        self._needs_key_frame = False
        if isinstance(frame, ReceivedFrame):
            self._receipts[frame.timestamp] = frame.received_at
            if len(self._receipts) > MOST_RECEIPTS:
                del self._receipts[next(iter(self._receipts))]
        return True

    def _drop_waiting(self) -> int:
        with self.mutex:
            waiting = len(self.queue)
            self.queue.clear()
        return waiting
