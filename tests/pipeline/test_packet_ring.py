"""The ring of encoded packets: bounded, and always from a key frame on."""

from hypothesis import given
from hypothesis import strategies as st

from server.domain.encoded import EncodedPacket, VideoCodec
from server.pipeline.packet_ring import PACKET_BYTES, PacketRing

H264, VP8 = VideoCodec("h264"), VideoCodec("vp8")


def _packet(at: float, *, key: bool = False, size: int = 10, codec: VideoCodec = H264) -> EncodedPacket:
    return EncodedPacket(bytes(size), codec, keyframe=key, received_at=at, time_s=at)


def _filled(*, seconds: float = 10, max_bytes: int = 100_000) -> PacketRing:
    """A key frame every second, ten frames a second, for thirty seconds."""
    ring = PacketRing(seconds=seconds, max_bytes=max_bytes)
    for number in range(300):
        ring.put(_packet(number / 10, key=number % 10 == 0))
    return ring


def test_it_begins_with_the_key_frame_before_the_wanted_time() -> None:
    """What is shown before is a little more than was asked for, never less."""
    packets = _filled().since(25.55)
    assert (packets[0].received_at, packets[0].keyframe, packets[-1].received_at) == (25.0, True, 29.9)


def test_it_begins_with_what_is_held_where_that_is_too_late() -> None:
    """A stream that has just begun gives what there is."""
    assert _filled().since(0.0)[0].received_at == 19.0


def test_packets_without_a_key_frame_are_of_no_use() -> None:
    """Nothing could be decoded of them."""
    ring = PacketRing(seconds=10, max_bytes=10_000)
    ring.put(_packet(0.0))
    assert ring.since(0.0) == []
    assert ring.keyframe_age_s(1.0) is None


def test_another_codec_begins_anew() -> None:
    """One file has one codec."""
    ring = _filled()
    ring.put(_packet(30.0, key=True, codec=VP8))
    assert [packet.codec.name for packet in ring.since(0.0)] == ["vp8"]


def test_a_camera_that_comes_back_otherwise_begins_anew() -> None:
    """Its parameter sets are others: one decoder cannot do both."""
    ring = _filled()
    ring.put(_packet(30.0, key=True, codec=VideoCodec("h264", b"other")))
    assert len(ring.since(0.0)) == 1


def test_a_flood_of_empty_packets_stays_within_the_bound() -> None:
    """A peer that sends one key frame and then nothing but noise holds no memory."""
    ring = PacketRing(seconds=10, max_bytes=10_000)
    ring.put(_packet(0.0, key=True))
    for number in range(10_000):
        ring.put(_packet(number / 1000, size=0))
    assert len(ring.since(0.0)) < 40


def test_the_age_of_the_newest_key_frame_is_known() -> None:
    """So that another one is asked for."""
    assert _filled().keyframe_age_s(31.0) == 2.0


@given(
    st.lists(st.tuples(st.floats(0, 2), st.booleans(), st.integers(0, 400)), max_size=80),
    st.integers(1, 8000),
)
def test_it_never_holds_more_than_its_bounds(steps: list[tuple[float, bool, int]], max_bytes: int) -> None:
    """Whatever comes: bytes stay below the bound, it begins with a key frame, and nothing is out of order."""
    ring, now = PacketRing(seconds=5, max_bytes=max_bytes), 0.0
    for step_s, key, size in steps:
        now += step_s
        ring.put(_packet(now, key=key, size=size))
        held = ring.since(float("-inf"))
        assert sum(len(packet.data) + PACKET_BYTES for packet in held) <= max_bytes
        assert not held or held[0].received_at >= now - 10
        assert not held or held[0].keyframe
        assert [packet.received_at for packet in held] == sorted(packet.received_at for packet in held)
