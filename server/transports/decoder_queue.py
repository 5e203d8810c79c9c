"""The queue between aiortc's receiver and its decoder thread, with a bound and a memory for times of receipt."""

import queue
from collections.abc import Callable
from typing import Any, Protocol

from aiortc.rtcrtpparameters import RTCRtpCodecParameters

from server.transports.jitter_buffer import ReceivedFrame, is_key_frame

# Frames that were decoded, or lost on the way there, leave their times behind; more than this never wait to be decoded.
MOST_RECEIPTS = 256
# A request for a key frame can get lost, and some senders ignore one that comes soon after another.
ASK_AGAIN_S = 0.5


class FrameTap(Protocol):
    """Who keeps what is to be decoded."""

    def put(self, codec_name: str, frame: ReceivedFrame) -> None:
        """Takes a complete frame, whose timestamp is unwrapped; never blocks."""


class DecoderQueue(queue.Queue[Any]):
    """Takes encoded frames on the event loop, gives them to the decoder thread.

    aiortc's own has no bound: a decoder that cannot keep up would fall behind for ever. With a `limit`, more waiting frames
    than that are dropped, and so is what comes before the next key frame, because it builds on what was dropped;
    `ask_for_key_frame` is called at once, and twice a second until one comes. What is not dropped is shown to `tap`. `None`,
    which ends the decoder, overtakes everything: closing then waits for one frame at most.
    """

    def __init__(self, *, limit: int | None, ask_for_key_frame: Callable[[], None]) -> None:
        super().__init__()
        self._limit = limit
        self._ask = ask_for_key_frame
        self._needs_key_frame = False
        self._asked_at = float("-inf")
        self._receipts: dict[int, float] = {}
        self.tap: FrameTap | None = None
        self.dropped = 0

    def put(self, item: Any, block: bool = True, timeout: float | None = None) -> None:  # noqa: FBT001, FBT002 - queue.Queue's
        """Takes `(codec, frame)` or None; never blocks."""
        if item is None:
            self._drop_waiting()
        elif not self._admit(*item):
            self.dropped += 1
            return
        else:
            self._show(*item)
        super().put(item, block, timeout)

    def take_receipt(self, pts: int) -> float | None:
        """When the last packet of the frame with that mapped timestamp arrived; forgotten once asked for."""
        return self._receipts.pop(pts, None)

    def _show(self, codec: RTCRtpCodecParameters, frame: ReceivedFrame) -> None:
        """Lets the tap have a frame that is to be decoded."""
        if self.tap is not None:
            self.tap.put(codec.name, frame)

    def _admit(self, codec: RTCRtpCodecParameters, frame: ReceivedFrame) -> bool:
        if self._limit is not None and self.qsize() >= self._limit:
            self.dropped += self._drop_waiting()
            self._needs_key_frame, self._asked_at = True, float("-inf")
        if self._needs_key_frame and not is_key_frame(frame.data, codec_name=codec.name):
            self._ask_in_time(frame.received_at)
            return False
        self._needs_key_frame = False
        self._receipts[frame.timestamp] = frame.received_at
        if len(self._receipts) > MOST_RECEIPTS:
            del self._receipts[next(iter(self._receipts))]
        return True

    def _ask_in_time(self, now: float) -> None:
        """Asks for a key frame unless that was done a moment ago."""
        if now - self._asked_at >= ASK_AGAIN_S:
            self._asked_at = now
            self._ask()

    def _drop_waiting(self) -> int:
        with self.mutex:
            waiting = len(self.queue)
            self.queue.clear()
        return waiting
