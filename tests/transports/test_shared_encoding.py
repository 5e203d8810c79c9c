"""One encoding: what it gives can be decoded, key frames come when asked for but not more than one a second."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import av
import numpy as np
import pytest

from server.domain.live import AnnotatedFrame
from server.pipeline.stream import Stream
from server.transports.encoders import Bitrates, PromptH264Encoder, PromptVp8Encoder
from server.transports.encoding_turns import EncodingTurns
from server.transports.shared_encoding import EncodedPicture, SharedEncoding
from tests.builders import make_frame
from tests.marked_video import marked_picture, read_number
from tests.transports.set_clock import SetClock

SIZES = {"small": (512, 256), "large": (640, 256)}


class BrokenEncoder(PromptH264Encoder):
    """An encoder that fails."""

    def encode_data(self, frame: av.VideoFrame, *, key: bool) -> bytes:
        """Fails."""
        raise av.ArgumentError(22, "as the test wants")


class Encoded:
    """A running encoding, one picture at a time."""

    def __init__(self, stream: Stream, encoder: PromptH264Encoder | PromptVp8Encoder) -> None:
        self.clock = SetClock()
        self.failures = 0
        turns = EncodingTurns(processors=1.0)
        self.encoding = SharedEncoding(stream, encoder=encoder, turns=turns, on_failed=self._note_failure, clock=self.clock)
        self.task = self.encoding.start()
        self._stream = stream
        self._results: asyncio.Queue[EncodedPicture] = asyncio.Queue()
        self.encoding.pictures.subscribe(self)

    def put(self, item: EncodedPicture) -> None:
        """Takes a result."""
        self._results.put_nowait(item)

    def show(self, number: int, *, size: str = "small") -> None:
        """Has the stream show a numbered picture."""
        width, height = SIZES[size]
        frame = make_frame(index=number)
        picture = replace(frame, pixels=marked_picture(number, width=width, height=height), pts_s=number / 30)
        self._stream.pictures.publish(AnnotatedFrame(picture, None))

    async def encode(self, number: int, *, size: str = "small") -> EncodedPicture:
        """Shows a picture and returns what becomes of it."""
        self.show(number, size=size)
        return await asyncio.wait_for(self._results.get(), 5)

    def _note_failure(self) -> None:
        self.failures += 1


@pytest.fixture(params=["h264", "vp8"])
async def encoded(request: pytest.FixtureRequest, stream: Stream) -> AsyncIterator[Encoded]:
    """An encoding in either codec."""
    encoder = PromptH264Encoder(Bitrates()) if request.param == "h264" else PromptVp8Encoder(Bitrates())
    encoded = Encoded(stream, encoder)
    yield encoded
    encoded.encoding.close()
    await asyncio.wait_for(encoded.task, 5)
    assert not len(stream.pictures)


async def test_gives_each_picture_encoded(encoded: Encoded) -> None:
    """A decoder that begins with the first sees them all; only the first is a key frame."""
    is_h264 = isinstance(encoded.encoding._encoder, PromptH264Encoder)
    decoder = av.CodecContext.create("h264" if is_h264 else "libvpx", "r")
    keys = []
    for number in range(1, 6):
        picture = await encoded.encode(number)
        keys.append(picture.keyframe)
        [decoded] = decoder.decode(av.Packet(picture.data))
        assert isinstance(decoded, av.VideoFrame)
        assert read_number(np.asarray(decoded.to_ndarray(), dtype=np.uint8)) == number
    assert keys == [True, False, False, False, False]


async def test_at_most_one_key_frame_a_second_is_forced(encoded: Encoded) -> None:
    """Who asks within the second gets one when it is over, and once."""
    await encoded.encode(1)
    keys = []
    for number, encoded.clock.now in enumerate([0.5, 0.9, 1.0, 1.1, 1.9, 2.0, 2.1], start=2):
        if number in (2, 3, 5):
            encoded.encoding.ask_for_key_frame()
        keys.append((await encoded.encode(number)).keyframe)
    assert keys == [False, False, True, False, False, True, False]


async def test_another_size_answers_those_who_ask(encoded: Encoded) -> None:
    """The key frame that it brings by itself is not followed by another."""
    await encoded.encode(1)
    encoded.encoding.ask_for_key_frame()
    assert (await encoded.encode(2, size="large")).keyframe
    encoded.clock.now = 5.0
    assert not (await encoded.encode(3, size="large")).keyframe


async def test_takes_the_newest_when_its_turn_comes(stream: Stream) -> None:
    """What came while it waited takes the place of the older picture."""
    encoded = Encoded(stream, PromptH264Encoder(Bitrates()))
    turn = await encoded.encoding._turns.take()
    encoded.show(1)
    await asyncio.sleep(0.01)
    encoded.show(2)
    encoded.encoding._turns.give_back(turn)
    picture = await asyncio.wait_for(encoded._results.get(), 5)
    assert picture.time_s == pytest.approx(2 / 30)
    encoded.encoding.close()
    await asyncio.wait_for(encoded.task, 5)


async def test_an_encoder_that_fails_is_told(stream: Stream, caplog: pytest.LogCaptureFixture) -> None:
    """The failure is logged, and the stream draws nothing for it any more."""
    encoded = Encoded(stream, BrokenEncoder(Bitrates()))
    encoded.show(1)
    await asyncio.wait([encoded.task])
    assert encoded.failures == 1
    assert not len(stream.pictures)
    assert "its viewers are ended" in caplog.text
