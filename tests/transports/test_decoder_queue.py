"""The queue before the decoder: its bound, and the times that it remembers."""

from server.transports.decoder_queue import MOST_RECEIPTS, DecoderQueue
from server.transports.jitter_buffer import ReceivedFrame
from tests.transports.packets import VP8, VP8_DELTA_LIKE_H264, VP8_KEY_FRAME
from tests.transports.set_clock import SetClock


def make_frame(timestamp: int, *, key: bool = False) -> ReceivedFrame:
    """An encoded VP8 frame that was received at a tenth of its timestamp."""
    data = VP8_KEY_FRAME if key else VP8_DELTA_LIKE_H264
    return ReceivedFrame(data, timestamp=timestamp, payload_type=97, received_at=timestamp / 10)


def timestamps(queue: DecoderQueue) -> list[int]:
    """What waits, taken out."""
    return [queue.get_nowait()[1].timestamp for _ in range(queue.qsize())]


def test_frames_pass_in_order() -> None:
    """Below the limit nothing is dropped."""
    queue = DecoderQueue(limit=3, ask_for_key_frame=lambda: None)
    for timestamp in (1, 2, 3):
        queue.put((VP8, make_frame(timestamp)))
    assert timestamps(queue) == [1, 2, 3]
    assert queue.dropped == 0


def test_a_decoder_that_falls_behind_goes_on_with_a_key_frame() -> None:
    """Above the limit what waits is dropped, a key frame is asked for, and nothing is decoded before it comes."""
    asked: list[bool] = []
    queue = DecoderQueue(limit=2, ask_for_key_frame=lambda: asked.append(True))
    for timestamp in (1, 2, 3, 4):
        queue.put((VP8, make_frame(timestamp)))
    assert timestamps(queue) == []
    assert asked == [True]
    queue.put((VP8, make_frame(5, key=True)))
    queue.put((VP8, make_frame(6)))
    assert timestamps(queue) == [5, 6]
    assert queue.dropped == 4


def test_a_key_frame_is_asked_for_until_it_comes() -> None:
    """A request can get lost: it is repeated twice a second, and no more once the key frame is there."""
    asked_at: list[float] = []
    clock = SetClock()
    queue = DecoderQueue(limit=2, ask_for_key_frame=lambda: asked_at.append(clock.now))
    for timestamp in range(0, 60, 3):
        clock.now = timestamp / 10
        queue.put((VP8, make_frame(timestamp, key=timestamp == 27)))
        if timestamp >= 27:
            queue.get_nowait()
    assert asked_at == [0.6, 1.2, 1.8, 2.4]


def test_a_key_frame_that_overflows_is_asked_for_no_more() -> None:
    """It is what the decoder goes on with."""
    asked: list[bool] = []
    queue = DecoderQueue(limit=2, ask_for_key_frame=lambda: asked.append(True))
    for timestamp in (1, 2, 3):
        queue.put((VP8, make_frame(timestamp, key=timestamp == 3)))
    assert timestamps(queue) == [3]
    assert asked == []


def test_without_a_limit_everything_waits() -> None:
    """Switched off, the queue has no bound, as in aiortc."""
    queue = DecoderQueue(limit=None, ask_for_key_frame=lambda: None)
    for timestamp in range(100):
        queue.put((VP8, make_frame(timestamp)))
    assert queue.qsize() == 100


def test_the_end_overtakes_what_waits() -> None:
    """Closing does not wait until everything is decoded."""
    queue = DecoderQueue(limit=None, ask_for_key_frame=lambda: None)
    for timestamp in range(100):
        queue.put((VP8, make_frame(timestamp)))
    queue.put(None)
    assert queue.get_nowait() is None
    assert queue.empty()


def test_remembers_when_a_frame_was_received() -> None:
    """The time of receipt is found under the frame's timestamp, once."""
    queue = DecoderQueue(limit=None, ask_for_key_frame=lambda: None)
    queue.put((VP8, make_frame(50)))
    assert queue.take_receipt(50) == 5.0
    assert queue.take_receipt(50) is None


def test_times_that_nobody_asks_for_are_forgotten() -> None:
    """Frames that never come out of the decoder leave no trace for ever."""
    queue = DecoderQueue(limit=None, ask_for_key_frame=lambda: None)
    for timestamp in range(MOST_RECEIPTS + 10):
        queue.put((VP8, make_frame(timestamp)))
    assert queue.take_receipt(9) is None
    assert queue.take_receipt(10) == 1.0
