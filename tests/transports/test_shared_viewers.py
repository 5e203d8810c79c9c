"""Viewers that share an encoder, with real peers: joining in the middle, losing packets, and codecs of their own."""

import asyncio
import time
from collections.abc import AsyncIterator
from functools import partial

import pytest
from aiortc.rtp import RTCP_PSFB_APP, RtcpPsfbPacket, RtpPacket, pack_remb_fci

from server.transports.encoders import Bitrates
from server.transports.peer_session import WebrtcLimits
from server.transports.shared_encoding import SharedEncoding
from server.transports.viewer_places import ViewerPlaces
from server.transports.whep import WhepService
from tests.transports.rig import MODEL, Client, Rig
from tests.transports.rig import eventually as eventually_within
from tests.transports.viewer import Viewer

# Four peers encode, decode and encrypt in one process.
eventually = partial(eventually_within, within_s=30)


class Audience:
    """A stream that runs, and those who watch it."""

    def __init__(self, rig: Rig, stream_id: str, *, bitrates: Bitrates | None) -> None:
        self.ahead_s = 0.0
        self.service = WhepService(
            registry=rig.registry,
            places=ViewerPlaces(per_stream=8, in_all=8),
            limits=WebrtcLimits(),
            bitrates=bitrates,
            clock=lambda: time.monotonic() + self.ahead_s,
        )
        self._stream_id = stream_id
        self._viewers: list[Viewer] = []

    async def add(self, codec: str) -> Viewer:
        """Somebody who watches."""
        viewer = Viewer(codec=codec)
        self._viewers.append(viewer)
        session = await self.service.open(await viewer.offer(), stream_id=self._stream_id, model=MODEL)
        await viewer.accept(session.answer_sdp)
        return viewer

    @property
    def encoders(self) -> int:
        """Encoders that work for all of them."""
        assert self.service.encodings is not None
        return self.service.encodings.running

    async def aclose(self) -> None:
        """All go."""
        for viewer in self._viewers:
            await viewer.close()
        await self.service.aclose()


@pytest.fixture
async def stream_id(rig: Rig) -> AsyncIterator[str]:
    """A stream that nobody watches yet."""
    client = Client(direction="sendonly")
    session = await rig.connect(client, annotated=False)
    await eventually(lambda: session.stream.stats().processed >= 2)
    yield session.id
    await client.close()


@pytest.fixture
async def audience(rig: Rig, stream_id: str) -> AsyncIterator[Audience]:
    """Nobody yet."""
    audience = Audience(rig, stream_id, bitrates=Bitrates())
    yield audience
    await audience.aclose()


def lose_packets(viewer: Viewer) -> asyncio.Event:
    """Has the network lose all that is sent to a viewer until the event is set, and all that is sent again."""
    [receiver] = viewer.pc.getReceivers()
    take, over, lost, video = receiver._handle_rtp_packet, asyncio.Event(), set[int](), set[int]()

    async def take_what_arrives(packet: RtpPacket, arrival_time_ms: int) -> None:
        if not over.is_set():
            lost.add(packet.sequence_number)
            video.add(packet.payload_type)
        elif packet.sequence_number not in lost and packet.payload_type in video:  # else it is sent again
            await take(packet, arrival_time_ms)

    receiver._handle_rtp_packet = take_what_arrives  # type: ignore[method-assign]  # the network's place
    return over


async def tell_estimate(viewer: Viewer, bps: int) -> None:
    """Has the viewer's receiver send an estimate, and none of its own any more."""
    [receiver] = viewer.pc.getReceivers()
    receiver._RTCRtpReceiver__remote_bitrate_estimator.add = lambda **received: None  # type: ignore[attr-defined]  # private
    ssrc = receiver._buffer.ssrc  # type: ignore[attr-defined]  # FreshReceiver's
    remb = RtcpPsfbPacket(fmt=RTCP_PSFB_APP, ssrc=1, media_ssrc=0, fci=pack_remb_fci(bps, [ssrc]))
    await receiver.transport._send_rtp(bytes(remb))


def count_requests(monkeypatch: pytest.MonkeyPatch) -> list[SharedEncoding]:
    """Has the encodings note each time that a key frame is asked for."""
    asked, ask = list[SharedEncoding](), SharedEncoding.ask_for_key_frame

    def note(encoding: SharedEncoding) -> None:
        asked.append(encoding)
        ask(encoding)

    monkeypatch.setattr(SharedEncoding, "ask_for_key_frame", note)
    return asked


@pytest.mark.parametrize("codec", ["h264", "vp8"])
async def test_three_viewers_share_one_encoder(audience: Audience, codec: str) -> None:
    """Each sees the stream whole, whenever it came; the encoder ends with the last of them."""
    first = await audience.add(codec)
    await eventually(lambda: len(first.numbers) >= 5)
    others = [await audience.add(codec) for _ in range(2)]
    await eventually(lambda: all(len(viewer.numbers) >= 8 for viewer in (first, *others)))
    assert audience.encoders == 1
    for viewer in (first, *others):
        assert None not in viewer.numbers  # which a picture without those before it would not show
        assert viewer.numbers == sorted(number for number in viewer.numbers if number is not None)
        await viewer.close()
    await eventually(lambda: audience.encoders == 0)


async def test_each_codec_has_an_encoder(audience: Audience) -> None:
    """Two codecs take two, and either goes when its viewer does."""
    viewers = [await audience.add("h264"), await audience.add("vp8")]
    await eventually(lambda: all(len(viewer.numbers) >= 3 for viewer in viewers))
    assert audience.encoders == 2
    await viewers[0].close()
    await eventually(lambda: audience.encoders == 1)
    seen = len(viewers[1].numbers)
    await eventually(lambda: len(viewers[1].numbers) > seen)


@pytest.mark.parametrize("codec", ["h264", "vp8"])
async def test_a_viewer_that_loses_packets_asks_and_goes_on(
    audience: Audience, codec: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It gets a key frame within a second or two, and the other viewer does not miss a picture."""
    asked = count_requests(monkeypatch)
    steady, lossy = await audience.add(codec), await audience.add(codec)
    await eventually(lambda: len(lossy.numbers) >= 5)
    asked_before, over = len(asked), lose_packets(lossy)
    await asyncio.sleep(0.3)
    seen = len(lossy.numbers)
    over.set()
    await eventually(lambda: len(lossy.numbers) >= seen + 5)
    assert len(asked) > asked_before
    assert audience.encoders == 1
    assert None not in lossy.numbers[seen:]
    assert None not in steady.numbers


async def test_a_viewer_with_a_weak_connection_costs_the_others_nothing(audience: Audience) -> None:
    """After two seconds of a low estimate it sees the stream by an encoder of its own, until it leaves."""
    strong, weak = await audience.add("h264"), await audience.add("h264")
    await eventually(lambda: strong.numbers and weak.numbers)

    async def both_estimate() -> None:
        await tell_estimate(strong, 3_000_000)
        await tell_estimate(weak, 400_000)
        await asyncio.sleep(0.1)  # to arrive

    await both_estimate()
    audience.ahead_s = 2.5
    await both_estimate()
    await eventually(lambda: audience.encoders == 2)
    seen = len(strong.numbers), len(weak.numbers)
    await eventually(lambda: len(strong.numbers) >= seen[0] + 5 and len(weak.numbers) >= seen[1] + 5)
    assert None not in [*strong.numbers, *weak.numbers]
    await weak.close()
    await eventually(lambda: audience.encoders == 1)


async def test_without_sharing_each_viewer_has_an_encoder_of_its_own(rig: Rig, stream_id: str) -> None:
    """Where it is switched off, or aiortc was left as it is, they watch all the same."""
    audience = Audience(rig, stream_id, bitrates=None)
    viewers = [await audience.add("h264"), await audience.add("vp8")]
    await eventually(lambda: all(len(viewer.numbers) >= 3 for viewer in viewers))
    await audience.aclose()
