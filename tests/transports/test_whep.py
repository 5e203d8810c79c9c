"""WHEP viewers: they get the pictures of a running stream, change nothing, and leave nothing behind."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable

import pytest

from server.domain.errors import AtCapacity, InvalidRequest, NotFound, Outdated, Unprocessable
from server.pipeline.stream import Stream
from server.transports.encoders import Bitrates
from server.transports.peer_session import WebrtcLimits
from server.transports.viewer_places import ViewerPlaces
from server.transports.webrtc import WebrtcSession
from server.transports.whep import WhepService, WhepViewer
from tests.transports.rig import MODEL, Client, Rig, eventually
from tests.transports.stream_session import StreamSession
from tests.transports.viewer import Viewer


def make_service(rig: Rig, *, per_stream: int = 4, in_all: int = 8, limits: WebrtcLimits | None = None) -> WhepService:
    """A service of viewers for the streams of a rig."""
    places = ViewerPlaces(per_stream=per_stream, in_all=in_all)
    return WhepService(registry=rig.registry, places=places, limits=limits or WebrtcLimits(), bitrates=Bitrates())


@pytest.fixture
async def service(rig: Rig) -> AsyncIterator[WhepService]:
    """Viewers of the rig's streams."""
    service = make_service(rig)
    yield service
    await service.aclose()


@pytest.fixture
async def stream_id(rig: Rig) -> AsyncIterator[str]:
    """The stream of a publisher that asks for no video back."""
    client = Client(direction="sendonly")
    session = await rig.connect(client, annotated=False)
    await eventually(lambda: session.stream.stats().processed >= 2)
    yield session.id
    await client.close()


async def watch(service: WhepService, viewer: Viewer, *, stream_id: str) -> WhepViewer:
    """Opens a viewer and has it connected."""
    session = await service.open(await viewer.offer(), stream_id=stream_id, model=MODEL)
    await viewer.accept(session.answer_sdp)
    return session


def session_of(rig: Rig, stream_id: str) -> WebrtcSession:
    """The publisher's session."""
    session = rig.registry.get(stream_id)
    assert isinstance(session, WebrtcSession)
    return session


@pytest.mark.parametrize(("codec", "direction"), [("h264", "recvonly"), ("vp8", "recvonly"), ("h264", "sendrecv")])
async def test_a_viewer_sees_what_a_plain_publisher_sends(
    rig: Rig, service: WhepService, stream_id: str, codec: str, direction: str
) -> None:
    """Pictures come in order with a box drawn into them, though the publisher asked for none back; the answer sends only."""
    viewer = Viewer(codec=codec, direction=direction)
    session = await watch(service, viewer, stream_id=stream_id)
    assert "a=sendonly" in session.answer_sdp
    await eventually(lambda: len(viewer.numbers) >= 15)
    await viewer.close()
    numbers = [number for number in viewer.numbers if number is not None]
    assert len(numbers) >= len(viewer.numbers) - 1
    assert numbers == sorted(numbers)
    assert max(viewer.coloured[5:]) > 100


async def test_viewers_cost_no_further_detection(rig: Rig, service: WhepService, stream_id: str) -> None:
    """Each frame is detected once, however many watch."""
    viewers = [Viewer() for _ in range(3)]
    for viewer in viewers:
        await watch(service, viewer, stream_id=stream_id)
    await eventually(lambda: all(len(viewer.numbers) >= 5 for viewer in viewers), within_s=15)
    stats = session_of(rig, stream_id).stream.stats()
    for viewer in viewers:
        await viewer.close()
    assert stats.processed + stats.dropped <= stats.received


async def test_ages_of_viewers_are_kept_apart_from_the_publishers(rig: Rig, service: WhepService) -> None:
    """What a viewer gets is counted as delivered, and the publisher's own age of boxes does not move."""
    client, viewer = Client(direction="sendonly"), Viewer()
    session = await rig.connect(client, annotated=False)
    await watch(service, viewer, stream_id=session.id)
    await eventually(lambda: session.stream.stats().viewers_box_age.count >= 3)
    stats = session.stream.stats()
    assert stats.delivered >= 3
    assert stats.box_age.count == 0
    await viewer.close()
    await client.close()


async def test_tells_the_results_and_takes_no_controls(rig: Rig, service: WhepService, stream_id: str) -> None:
    """A viewer with a data channel gets each result; a control of its is refused and changes nothing."""
    viewer = Viewer()
    await watch(service, viewer, stream_id=stream_id)
    await eventually(lambda: viewer.messages)
    viewer.channel.send('{"conf":0.9}')
    await eventually(lambda: any("error" in message for message in viewer.messages))
    await viewer.close()
    assert viewer.messages[0]["results"][0]["name"] == "firearm"
    assert session_of(rig, stream_id).stream.options.confidence == 0.4


async def test_a_viewer_that_leaves_frees_its_place(rig: Rig, service: WhepService, stream_id: str) -> None:
    """Nothing of the viewer stays on the stream, and the stream goes on."""
    before = asyncio.all_tasks()
    viewer = Viewer()
    session = await watch(service, viewer, stream_id=stream_id)
    await eventually(lambda: viewer.numbers)
    await viewer.close()
    await eventually(lambda: session.closed)
    publisher = session_of(rig, stream_id)
    assert not len(publisher.stream.pictures)
    with pytest.raises(NotFound):
        service.get(session.id, stream_id=stream_id)
    await eventually(lambda: not asyncio.all_tasks() - before, within_s=5)
    assert not publisher.closed


async def test_the_end_of_the_stream_ends_its_viewers(
    rig: Rig, service: WhepService, stream_id: str, caplog: pytest.LogCaptureFixture
) -> None:
    """When the publisher goes its viewers go, with one line each that says so; those of another stream stay."""
    caplog.set_level(logging.INFO, "server.transports.whep")
    other_client, viewer, other_viewer = Client(direction="sendonly"), Viewer(), Viewer()
    other = await rig.connect(other_client, annotated=False)
    session = await watch(service, viewer, stream_id=stream_id)
    other_session = await watch(service, other_viewer, stream_id=other.id)
    await rig.registry.get(stream_id).aclose("deleted")
    await eventually(lambda: session.closed)
    await eventually(lambda: viewer.pc.connectionState == "closed")
    assert not other_session.closed
    lines = [record.getMessage() for record in caplog.records]
    assert lines[0].startswith("viewer opened: of test")
    assert lines[-1].startswith("viewer ended: the stream ended")
    for peer in (viewer, other_viewer, other_client):
        await peer.close()


async def test_draining_tells_viewers(rig: Rig, service: WhepService, stream_id: str) -> None:
    """A viewer is told before the server goes, and ended with its stream."""
    viewer = Viewer()
    session = await watch(service, viewer, stream_id=stream_id)
    await eventually(lambda: viewer.messages)
    await rig.registry.drain(0.3)
    await eventually(lambda: session.closed)
    assert {"event": "draining", "grace_s": 0.3} in viewer.messages
    await viewer.close()


@pytest.mark.parametrize(("per_stream", "in_all", "says"), [(1, 8, "this stream"), (8, 1, "places of viewers are")])
async def test_refuses_more_viewers_than_there_are_places(
    rig: Rig, stream_id: str, per_stream: int, in_all: int, says: str
) -> None:
    """The offer above a limit is refused with the limit and what is taken; a viewer that ends makes room."""
    service = make_service(rig, per_stream=per_stream, in_all=in_all)
    viewers = [Viewer(), Viewer()]
    first = await watch(service, viewers[0], stream_id=stream_id)
    with pytest.raises(AtCapacity, match=says) as refused:
        await service.open(await viewers[1].offer(), stream_id=stream_id, model=MODEL)
    assert (refused.value.capacity, refused.value.active) == (1, 1)
    await first.aclose("gone")
    await watch(service, viewers[1], stream_id=stream_id)
    await service.aclose()
    for viewer in viewers:
        await viewer.close()


async def test_many_offers_at_once_do_not_pass_the_limit(rig: Rig, stream_id: str) -> None:
    """Of many offers at the same moment only as many are answered as there are places."""
    service = make_service(rig, per_stream=2)
    viewers = [Viewer() for _ in range(4)]
    offers = [await viewer.offer() for viewer in viewers]
    opening = (service.open(offer, stream_id=stream_id, model=MODEL) for offer in offers)
    answers = await asyncio.gather(*opening, return_exceptions=True)
    await service.aclose()
    for viewer in viewers:
        await viewer.close()
    assert sum(isinstance(answer, AtCapacity) for answer in answers) == 2


async def test_refused_offers_leave_their_places_free(rig: Rig, stream_id: str) -> None:
    """After any number of refused offers the place is still there."""
    service = make_service(rig, per_stream=1)
    publisher = Client()
    publisher_offer = await publisher.offer()
    for text in ("nonsense", "", "v=0\r\n"):
        with pytest.raises(InvalidRequest):
            await service.open(text, stream_id=stream_id, model=MODEL)
    with pytest.raises(Unprocessable, match="takes no video"):
        await service.open(publisher_offer.replace("a=sendrecv", "a=sendonly"), stream_id=stream_id, model=MODEL)
    viewer = Viewer()
    await watch(service, viewer, stream_id=stream_id)
    await service.aclose()
    for peer in (publisher, viewer):
        await peer.close()


async def test_an_offer_with_sound_is_answered_without(service: WhepService, stream_id: str) -> None:
    """Players ask for sound as well; there is none, and the video comes all the same."""
    viewer = Viewer(audio=True)
    session = await watch(service, viewer, stream_id=stream_id)
    assert "a=inactive" in session.answer_sdp
    await eventually(lambda: viewer.numbers)
    await viewer.close()


async def test_a_stream_that_does_not_run_has_no_viewers(service: WhepService) -> None:
    """An unknown stream is refused before anything is made."""
    viewer = Viewer()
    with pytest.raises(NotFound):
        await service.open(await viewer.offer(), stream_id="unknown", model=MODEL)
    await viewer.close()


async def test_a_stream_that_ends_while_we_answer_is_not_found(rig: Rig, service: WhepService, stream_id: str) -> None:
    """A viewer of a stream that has just gone is not left hanging."""
    viewer = Viewer()
    opening = asyncio.create_task(service.open(await viewer.offer(), stream_id=stream_id, model=MODEL))
    await asyncio.sleep(0)
    rig.registry.remove(rig.registry.get(stream_id))
    with pytest.raises(NotFound):
        await opening
    await viewer.close()


async def test_a_stream_that_another_replaces_while_we_answer_is_not_found(
    rig: Rig, service: WhepService, create_stream: Callable[[], Stream]
) -> None:
    """A camera that is changed has a new stream under the same id; who came for the old one would never see a picture."""
    before, after, viewer = StreamSession(create_stream()), StreamSession(create_stream()), Viewer()
    rig.registry.add(before)
    opening = asyncio.create_task(service.open(await viewer.offer(), stream_id=before.id, model=MODEL))
    await asyncio.sleep(0)
    rig.registry.remove(before)
    rig.registry.add(after)
    with pytest.raises(NotFound):
        await opening
    await viewer.close()


@pytest.mark.parametrize("steps", [1, 2, 3])
async def test_an_opening_that_is_cancelled_leaves_nothing(rig: Rig, service: WhepService, stream_id: str, steps: int) -> None:
    """A server that ends while it answers closes what it had made."""
    viewer = Viewer()
    offer = await viewer.offer()
    before = asyncio.all_tasks()
    opening = asyncio.create_task(service.open(offer, stream_id=stream_id, model=MODEL))
    for _ in range(steps):
        await asyncio.sleep(0)
    opening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await opening
    await eventually(lambda: not asyncio.all_tasks() - before, within_s=5)
    assert not len(session_of(rig, stream_id).stream.pictures)
    await viewer.close()


async def test_a_viewer_that_never_connects_is_dropped(rig: Rig, stream_id: str) -> None:
    """A viewer that takes the answer and stays away frees its place when the time is up."""
    service = make_service(rig, limits=WebrtcLimits(connect_timeout_s=0.4))
    viewer = Viewer()
    session = await service.open(await viewer.offer(), stream_id=stream_id, model=MODEL)
    await eventually(lambda: session.closed, within_s=5)
    await service.aclose()
    await viewer.close()


async def test_refuses_candidates_for_another_ice_session(service: WhepService, stream_id: str) -> None:
    """A fragment whose entity tag is not the viewer's is outdated."""
    viewer = Viewer()
    session = await service.open(await viewer.offer(), stream_id=stream_id, model=MODEL)
    with pytest.raises(Outdated):
        await session.add_candidates("a=end-of-candidates\r\n", '"other"')
    await viewer.close()
