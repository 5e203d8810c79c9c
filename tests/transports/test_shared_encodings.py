"""The encodings of all streams: each stream has its own, whatever its id."""

import asyncio
from collections.abc import Callable

from server.domain.live import AnnotatedFrame
from server.pipeline.freshness import FreshnessMeter
from server.pipeline.stream import Stream
from server.transports.encoders import Bitrates
from server.transports.encoding_turns import EncodingTurns
from server.transports.shared_encodings import SharedEncodings
from server.transports.shared_track import SharedVideoTrack
from tests.builders import make_frame


def join(encodings: SharedEncodings, stream: Stream) -> SharedVideoTrack:
    """The video of a viewer that has connected."""
    track = encodings.create_track(stream, meter=FreshnessMeter(), on_failed=lambda: None)
    track.begin("video/VP8")
    return track


async def test_the_next_stream_of_an_id_has_an_encoding_of_its_own(create_stream: Callable[[], Stream]) -> None:
    """A camera that is changed has a new stream under the same id; who comes then does not join those of the old one."""
    encodings = SharedEncodings(bitrates=Bitrates(), turns=EncodingTurns(processors=1.0))
    before, after = create_stream(), create_stream()
    tracks = [join(encodings, before), join(encodings, after)]
    after.pictures.publish(AnnotatedFrame(make_frame(), None))
    async with asyncio.timeout(10):
        assert bytes(await tracks[1].recv())
    for track in tracks:
        track.stop()
    await encodings.aclose()
