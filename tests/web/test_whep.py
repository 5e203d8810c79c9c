"""Tests of watching a live stream over WHEP, with real peers in the same process."""

from collections.abc import AsyncIterator

import pytest

from server.config.settings import Live, Settings
from server.web import keys
from tests.conftest import Client, ClientFactory, with_sections
from tests.transports.rig import Client as Peer
from tests.transports.rig import eventually
from tests.transports.viewer import Viewer
from tests.web.live_streams import SDP, publish_plainly
from tests.web.openapi import check_answer

FRAGMENT = {"Content-Type": "application/trickle-ice-sdpfrag"}


@pytest.fixture
async def stream_id(client: Client) -> AsyncIterator[str]:
    """A running stream of a publisher that wants no video back."""
    peer = Peer(direction="sendonly")
    yield await publish_plainly(client, peer)
    await peer.close()


@pytest.fixture
async def viewer() -> AsyncIterator[Viewer]:
    """A viewer that has not asked yet."""
    viewer = Viewer()
    yield viewer
    await viewer.close()


async def test_answers_a_viewer(client: Client, stream_id: str, viewer: Viewer) -> None:
    """201 with the viewer's own address below the stream's, its entity tag, and an answer that brings the video."""
    answer = await client.post(f"/whep/{stream_id}", data=await viewer.offer(), headers=SDP)
    await check_answer(answer, method="POST", path="/whep/{id}")
    assert answer.headers["Location"].startswith(f"/whep/{stream_id}/")
    await viewer.accept(await answer.text())
    await eventually(lambda: viewer.numbers, within_s=20)
    assert (await (await client.get("/api/info")).json())["active"] == 1  # viewers take no place of a stream
    assert "sightline_live_viewers 1.0" in await (await client.get("/metrics")).text()


async def test_ends_a_viewer(client: Client, stream_id: str, viewer: Viewer) -> None:
    """DELETE frees the place before it answers, leaves the stream alone, and finds nothing a second time."""
    answer = await client.post(f"/whep/{stream_id}", data=await viewer.offer(), headers=SDP)
    location = answer.headers["Location"]
    assert client.app is not None
    assert (await client.delete(location.replace(stream_id, "another"))).status == 404
    assert (await client.delete(location)).status == 200
    assert client.app[keys.VIEWING].places.active == 0
    assert (await client.delete(location)).status == 404
    assert (await client.get(f"/api/streams/{stream_id}")).status == 200


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        ({"If-Match": "*"}, "a=mid:0\r\na=end-of-candidates\r\n", 204),
        ({"If-Match": '"another"'}, "a=mid:0\r\na=end-of-candidates\r\n", 412),
        ({}, "a=mid:0\r\na=end-of-candidates\r\n", 428),
        ({"If-Match": "*", "Content-Type": "application/json"}, "{}", 415),
        ({"If-Match": "*"}, "nonsense", 400),
        ({"If-Match": "*"}, "a=ice-ufrag:other\r\na=ice-pwd:0123456789012345678901\r\na=mid:0\r\n", 422),
        ({"If-Match": "*"}, "x" * 70_000, 413),
    ],
)
async def test_takes_and_refuses_candidates(
    client: Client, stream_id: str, viewer: Viewer, headers: dict[str, str], body: str, status: int
) -> None:
    """PATCH is that of WHIP: it takes candidates, and refuses each of these in its own way."""
    opened = await client.post(f"/whep/{stream_id}", data=await viewer.offer(), headers=SDP)
    answer = await client.patch(opened.headers["Location"], data=body, headers={**FRAGMENT, **headers})
    assert answer.status == status
    await check_answer(answer, method="PATCH", path="/whep/{id}/{viewer}")


@pytest.mark.parametrize(
    ("content_type", "body", "status"),
    [
        ("application/json", b"{}", 415),
        ("application/sdp", b"nonsense", 400),
        ("application/sdp", b"\xff\xfe", 400),
        ("application/sdp", b"v" * 70_000, 413),
    ],
)
async def test_refuses_offers(client: Client, stream_id: str, content_type: str, body: bytes, status: int) -> None:
    """What cannot be meant takes no place."""
    answer = await client.post(f"/whep/{stream_id}", data=body, headers={"Content-Type": content_type})
    assert answer.status == status
    await check_answer(answer, method="POST", path="/whep/{id}")
    assert client.app is not None
    assert client.app[keys.VIEWING].places.active == 0


async def test_refuses_an_offer_that_takes_no_video(client: Client, stream_id: str) -> None:
    """A publisher's offer is well-formed, and of no use here: 422."""
    peer = Peer(direction="sendonly")
    answer = await client.post(f"/whep/{stream_id}", data=await peer.offer(), headers=SDP)
    await peer.close()
    assert answer.status == 422
    await check_answer(answer, method="POST", path="/whep/{id}")


async def test_a_stream_that_does_not_run_is_404(client: Client, viewer: Viewer) -> None:
    """Nothing can be watched under a made-up id."""
    answer = await client.post("/whep/none", data=await viewer.offer(), headers=SDP)
    assert answer.status == 404
    await check_answer(answer, method="POST", path="/whep/{id}")


async def test_refuses_more_viewers_than_fit(start_client: ClientFactory, settings: Settings, viewer: Viewer) -> None:
    """Full is 503 with the time to come back and the numbers of this limit; readers of MJPEG count as well."""
    client = await start_client(with_sections(settings, live=Live(max_viewers_per_stream=1)))
    peer = Peer(direction="sendonly")
    stream_id = await publish_plainly(client, peer)
    first = await client.post(f"/whep/{stream_id}", data=await viewer.offer(), headers=SDP)
    assert first.status == 201
    for refused, method, path in (
        (await client.post(f"/whep/{stream_id}", data=await viewer.offer(), headers=SDP), "POST", "/whep/{id}"),
        (await client.get(f"/api/streams/{stream_id}/mjpeg"), "GET", "/api/streams/{id}/mjpeg"),
    ):
        assert refused.status == 503
        assert int(refused.headers["Retry-After"]) >= 1
        await check_answer(refused, method=method, path=path)
        problem = await refused.json(content_type=None)
        assert (problem["capacity"], problem["active"]) == (1, 1)
    await peer.close()


async def test_refuses_while_draining(client: Client, viewer: Viewer) -> None:
    """Once the server is about to end nobody begins to watch."""
    assert client.app is not None
    await client.app[keys.LIFECYCLE].drain(0.1)
    answer = await client.post("/whep/any", data=await viewer.offer(), headers=SDP)
    assert answer.status == 503
    assert "Retry-After" in answer.headers


async def test_names_what_is_accepted(client: Client) -> None:
    """OPTIONS tells a WHEP player what to send."""
    endpoint, session = await client.options("/whep/any"), await client.options("/whep/any/viewer")
    assert endpoint.headers["Accept-Post"] == "application/sdp"
    assert session.headers["Accept-Patch"] == "application/trickle-ice-sdpfrag"
    await check_answer(endpoint, method="OPTIONS", path="/whep/{id}")
    await check_answer(session, method="OPTIONS", path="/whep/{id}/{viewer}")


@pytest.mark.parametrize("method", ["GET", "POST", "PUT"])
async def test_refuses_other_methods_at_a_viewer(client: Client, method: str) -> None:
    """These are kept for later: 405."""
    assert (await client.request(method, "/whep/any/viewer")).status == 405
