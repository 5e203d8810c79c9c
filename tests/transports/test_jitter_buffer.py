"""The jitter buffer: when a frame is handed on, and how it gets past what never comes."""

import pytest

from server.transports.jitter_buffer import CAPACITY, PromptJitterBuffer, ReceivedFrame, is_key_frame
from tests.transports.packets import CODECS, VP8_DELTA_FRAME, VP8_DELTA_LIKE_H264, VP8_KEY_FRAME, make_packet
from tests.transports.set_clock import SetClock


def make_buffer(*, early_release: bool = True) -> tuple[PromptJitterBuffer, SetClock]:
    """An empty buffer and its clock."""
    clock = SetClock()
    return PromptJitterBuffer(codecs=CODECS, early_release=early_release, clock=clock), clock


def test_a_frame_is_handed_on_at_its_marker_bit() -> None:
    """The packet with the marker bit completes its frame."""
    buffer, _ = make_buffer()
    assert buffer.add(make_packet(1, frame=0)) == (False, None)
    _, frame = buffer.add(make_packet(2, frame=0, last=True))
    assert isinstance(frame, ReceivedFrame)
    assert (frame.data, frame.timestamp, frame.payload_type) == (b"\x01\x02", 0, 97)


def test_without_early_release_a_frame_waits_for_the_next() -> None:
    """Switched off, a frame is complete when the next one begins, as in aiortc."""
    buffer, _ = make_buffer(early_release=False)
    assert buffer.add(make_packet(1, frame=0, last=True)) == (False, None)
    _, frame = buffer.add(make_packet(2, frame=1, last=True))
    assert frame is not None
    assert frame.data == b"\x01"


@pytest.mark.parametrize("early_release", [True, False])
def test_a_frame_was_received_when_its_last_packet_arrived(*, early_release: bool) -> None:
    """The time of receipt is that of the packet that arrived last, even when it was not the last in order."""
    buffer, clock = make_buffer(early_release=early_release)
    for at, packet in [
        (1.0, make_packet(1, frame=0)),
        (2.0, make_packet(3, frame=0, last=True)),
        (5.0, make_packet(2, frame=0)),
    ]:
        clock.now = at
        _, frame = buffer.add(packet)
    clock.now = 9.0
    if not early_release:
        _, frame = buffer.add(make_packet(4, frame=1))
    assert isinstance(frame, ReceivedFrame)
    assert frame.received_at == 5.0


def test_a_retransmitted_packet_completes_all_that_waited_for_it() -> None:
    """After a gap is closed all complete frames can be taken at once."""
    buffer, _ = make_buffer()
    buffer.add(make_packet(1, frame=0, last=True))
    for number in (3, 4, 5):
        assert buffer.add(make_packet(number, frame=number - 1, last=True)) == (False, None)
    _, first = buffer.add(make_packet(2, frame=1, last=True))
    rest = [buffer.pop(), buffer.pop(), buffer.pop()]
    assert first is not None
    assert [frame.timestamp for frame in [first, *rest] if frame] == [3000, 6000, 9000, 12000]
    assert buffer.pop() is None


def test_padding_makes_no_empty_frame() -> None:
    """Packets without data, which probe the bandwidth, are passed over."""
    buffer, _ = make_buffer()
    buffer.add(make_packet(1, frame=0, last=True))
    assert buffer.add(make_packet(2, frame=0, data=b"")) == (False, None)
    _, frame = buffer.add(make_packet(3, frame=1, last=True))
    assert frame is not None
    assert frame.data == b"\x03"


def test_a_late_packet_does_not_start_the_buffer_over() -> None:
    """A packet from before what was handed on is ignored, however late it is."""
    buffer, _ = make_buffer()
    for number in range(300):
        buffer.add(make_packet(number, frame=number, last=True))
    assert buffer.add(make_packet(50, frame=50, last=True)) == (False, None)
    _, frame = buffer.add(make_packet(300, frame=300, last=True))
    assert frame is not None


def test_numbers_wrap() -> None:
    """A frame whose packets lie on both sides of the wrap is complete."""
    buffer, _ = make_buffer()
    buffer.add(make_packet(65535, frame=0))
    _, frame = buffer.add(make_packet(65536, frame=0, last=True))
    assert frame is not None
    assert frame.data == b"\xff\x00"


def test_knows_the_first_gap() -> None:
    """The first missing packet is known while packets behind it wait."""
    buffer, _ = make_buffer()
    assert buffer.first_gap() is None
    buffer.add(make_packet(1, frame=0, last=True))
    assert buffer.first_gap() is None
    buffer.add(make_packet(4, frame=3, last=True))
    assert buffer.first_gap() == 2


def test_skips_to_a_key_frame_that_is_there() -> None:
    """What lies before a key frame is given up, and the key frame is handed on."""
    buffer, _ = make_buffer()
    buffer.add(make_packet(1, frame=0, last=True))
    buffer.add(make_packet(3, frame=2, last=True, data=VP8_DELTA_FRAME))
    buffer.add(make_packet(4, frame=3, data=VP8_KEY_FRAME))
    buffer.add(make_packet(5, frame=3, last=True))
    buffer.skip_to_key_frame()
    frame = buffer.pop()
    assert frame is not None
    assert frame.data == VP8_KEY_FRAME + b"\x05"
    assert not buffer.skipping


def test_skips_to_a_key_frame_as_soon_as_it_comes() -> None:
    """While no key frame is there the buffer goes on waiting, for the lost packet or for a key frame."""
    buffer, _ = make_buffer()
    buffer.add(make_packet(1, frame=0, last=True))
    buffer.add(make_packet(3, frame=2, last=True, data=VP8_DELTA_LIKE_H264))
    buffer.skip_to_key_frame()
    assert buffer.skipping
    _, frame = buffer.add(make_packet(4, frame=3, last=True, data=VP8_KEY_FRAME))
    assert frame is not None
    assert frame.data == VP8_KEY_FRAME


def test_a_lost_packet_that_comes_after_all_ends_the_skipping() -> None:
    """When frames flow again no key frame is looked for with every packet."""
    buffer, _ = make_buffer()
    buffer.add(make_packet(1, frame=0, last=True))
    buffer.add(make_packet(3, frame=2, last=True))
    buffer.skip_to_key_frame()
    _, frame = buffer.add(make_packet(2, frame=1, last=True))
    assert frame is not None
    assert not buffer.skipping


def test_the_skipping_lasts_while_more_is_missing() -> None:
    """The key frame that was asked for is gone on with, though one of two lost packets has come after all."""
    buffer, _ = make_buffer()
    for number in (1, 3, 5):
        buffer.add(make_packet(number, frame=number, last=True, data=VP8_DELTA_FRAME))
    buffer.skip_to_key_frame()
    _, frame = buffer.add(make_packet(2, frame=2, last=True, data=VP8_DELTA_FRAME))
    assert frame is not None
    assert buffer.pop() is not None
    _, frame = buffer.add(make_packet(6, frame=6, last=True, data=VP8_KEY_FRAME))
    assert frame is not None
    assert frame.data == VP8_KEY_FRAME
    assert not buffer.skipping


def test_a_key_frame_begins_with_its_parameter_sets() -> None:
    """Skipping to an H.264 key frame keeps the parameter sets in the packets before its slice."""
    buffer, _ = make_buffer()
    buffer.add(make_packet(1, frame=0, last=True, payload_type=99))
    buffer.add(make_packet(3, frame=3, data=b"\x00\x00\x00\x01\x67sps", payload_type=99))
    buffer.add(make_packet(4, frame=3, last=True, data=b"\x00\x00\x00\x01\x65idr", payload_type=99))
    buffer.skip_to_key_frame()
    frame = buffer.pop()
    assert frame is not None
    assert frame.data == b"\x00\x00\x00\x01\x67sps\x00\x00\x00\x01\x65idr"


def test_a_full_buffer_asks_for_a_key_frame() -> None:
    """When more packets wait than the buffer holds a key frame is needed, as in aiortc."""
    buffer, _ = make_buffer()
    buffer.add(make_packet(1, frame=0, last=True))
    needs_key_frame, _ = buffer.add(make_packet(3 + CAPACITY, frame=9, last=True))
    assert needs_key_frame


@pytest.mark.parametrize(
    ("codec_name", "data", "is_key"),
    [
        ("VP8", VP8_KEY_FRAME, True),
        ("VP8", VP8_DELTA_FRAME, False),
        ("VP8", VP8_DELTA_LIKE_H264, False),
        ("VP8", b"", False),
        ("H264", b"\x00\x00\x00\x01\x65rest", True),
        ("H264", b"\x00\x00\x00\x01\x67sps\x00\x00\x00\x01\x68pps\x00\x00\x01\x25idr", True),
        ("H264", b"\x00\x00\x00\x01\x61rest", False),
        ("H264", VP8_KEY_FRAME, False),
        ("H264", b"", False),
    ],
)
def test_tells_key_frames(codec_name: str, data: bytes, *, is_key: bool) -> None:
    """Key frames of VP8 and H.264 are told from others, and from what looks like one of the other codec."""
    assert is_key_frame(data, codec_name=codec_name) is is_key
