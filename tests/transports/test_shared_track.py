"""A viewer's track: from a key frame on, in order, and never a picture without those that it needs."""

import asyncio
from collections.abc import Iterator

import pytest
from aiortc.mediastreams import MediaStreamError

from server.pipeline.stream import Stream
from server.transports.shared_track import LONGEST_QUEUE, SharedVideoTrack
from tests.transports.encodings import NotedEncoding, NotedGroup, make_encoded
from tests.transports.set_clock import SetClock


class Watching:
    """A track that has begun, and its encoding."""

    def __init__(self, stream: Stream) -> None:
        self.clock = SetClock()
        self.noted = NotedGroup(clock=self.clock)
        self.failures = 0
        self.track = SharedVideoTrack(
            stream,
            group_of=lambda stream, mime_type: self.noted.group,
            meter=stream.viewing,
            on_failed=self._note_failure,
            clock=self.clock,
        )
        self.track.begin("video/H264")

    @property
    def encoding(self) -> NotedEncoding:
        """The one that it is in."""
        return self.noted.opened[-1]

    def publish(self, *numbers: int, key: int = -1) -> None:
        """Has these pictures encoded."""
        for number in numbers:
            self.encoding.pictures.publish(make_encoded(number, keyframe=number == key, boxes_received_at=self.clock.now))

    async def read(self) -> list[int]:
        """The numbers of all pictures that wait."""
        numbers = list[int]()
        while True:
            try:
                packet = await asyncio.wait_for(self.track.recv(), 0.01)
            except TimeoutError:
                return numbers
            numbers.append(bytes(packet)[0])

    def _note_failure(self) -> None:
        self.failures += 1


@pytest.fixture
def watching(stream: Stream) -> Iterator[Watching]:
    """A viewer of a stream."""
    watching = Watching(stream)
    yield watching
    watching.track.stop()


async def test_begins_with_a_key_frame(watching: Watching) -> None:
    """Who joins in the middle gets none of the pictures before the next key frame."""
    watching.publish(1, 2, 3, 4, key=3)
    assert await watching.read() == [3, 4]


async def test_pictures_come_in_order_with_their_own_times(watching: Watching) -> None:
    """All of them, as far apart as at the source."""
    watching.publish(1, 2, 4, key=1)
    packets = [await watching.track.recv() for _ in range(3)]
    assert [(bytes(packet)[0], packet.pts) for packet in packets] == [(1, 0), (2, 3000), (4, 9000)]


async def test_a_slow_reader_goes_on_with_the_next_key_frame(watching: Watching) -> None:
    """What waited too long is dropped with all that needs it, and a key frame is asked for."""
    watching.publish(*range(1, LONGEST_QUEUE + 1), key=1)
    assert watching.encoding.asked == 0
    watching.publish(20, 21, 22)
    assert watching.encoding.asked == 1
    assert await watching.read() == []
    watching.publish(23, 24, 25, key=24)
    assert await watching.read() == [24, 25]


async def test_a_key_frame_overtakes_what_waits(watching: Watching) -> None:
    """It is newer and needs none of it."""
    watching.publish(1, 2, 3, key=1)
    watching.publish(4, key=4)
    assert await watching.read() == [4]


async def test_ages_are_those_of_what_was_sent(stream: Stream, watching: Watching) -> None:
    """Asking for the next picture means that the one before was sent; dropped ones do not count."""
    watching.publish(1, 2, key=1)
    await watching.track.recv()
    watching.clock.now += 0.05
    await watching.track.recv()
    assert stream.viewing.box_age.last_ms == pytest.approx(50)
    assert stream.viewing.delivered == 1


async def test_a_stopped_track_leaves_the_others(watching: Watching) -> None:
    """Whoever waits for a picture is told, and the encoding ends with its last viewer."""
    waiting = asyncio.ensure_future(watching.track.recv())
    await asyncio.sleep(0)
    watching.track.stop()
    with pytest.raises(MediaStreamError):
        await waiting
    assert watching.encoding.closed
    watching.track.begin("video/H264")
    assert len(watching.noted.opened) == 1


async def test_a_failed_encoder_ends_the_track(watching: Watching) -> None:
    """The session is told once."""
    watching.encoding.fail()
    assert (watching.failures, watching.track.readyState) == (1, "ended")
