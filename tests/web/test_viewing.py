"""Tests of MJPEG and snapshots: what readers get, and that a slow one holds up nobody."""

import asyncio
import re
import socket
from collections.abc import AsyncIterator

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from aiohttp import ClientResponse

from server.config.settings import Live, Settings
from server.web import keys, mjpeg
from server.web.handlers import viewing
from tests.conftest import Client, ClientFactory, with_sections
from tests.marked_video import MarkedVideoTrack, coloured_pixels, read_number
from tests.transports.rig import Client as Peer
from tests.transports.rig import FixedDetector, eventually
from tests.web.live_streams import publish_plainly
from tests.web.openapi import check_answer


@pytest.fixture
async def server(start_client: ClientFactory, settings: Settings) -> Client:
    """A server that is soon tired of readers that have stopped."""
    return await start_client(with_sections(settings, live=Live(viewer_stall_s=0.5)), detector=FixedDetector())


@pytest.fixture
async def stream_id(server: Client) -> AsyncIterator[str]:
    """A running stream of a publisher that wants no video back."""
    peer = Peer(direction="sendonly")
    yield await publish_plainly(server, peer)
    await peer.close()


async def next_part(answer: ClientResponse) -> bytes:
    """The next JPEG file of a multipart answer."""
    async with asyncio.timeout(10):
        headers = await answer.content.readuntil(b"\r\n\r\n")
        length = re.search(rb"Content-Length: (\d+)", headers)
        assert length is not None
        assert b"Content-Type: image/jpeg" in headers
        return await answer.content.readexactly(int(length.group(1)))


def planes(file: bytes) -> npt.NDArray[np.uint8]:
    """The I420 planes of a JPEG file."""
    picture = cv2.imdecode(np.frombuffer(file, np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2YUV_I420), np.uint8)


async def pause(peer: Peer) -> None:
    """Has a publisher send no more pictures; returns when those under way have been shown."""
    assert isinstance(peer.sent, MarkedVideoTrack)
    peer.sent.pause()
    await asyncio.sleep(0.3)


async def test_mjpeg_shows_annotated_pictures_in_order(server: Client, stream_id: str) -> None:
    """Each part is a whole JPEG of a later frame than the one before, with boxes, in the size of the source."""
    answer = await server.get(f"/api/streams/{stream_id}/mjpeg")
    assert answer.status == 200
    assert answer.headers["Content-Type"] == f"multipart/x-mixed-replace; boundary={mjpeg.BOUNDARY}"
    pictures = [planes(await next_part(answer)) for _ in range(5)]
    answer.close()
    numbers = [read_number(picture) for picture in pictures]
    assert numbers == sorted({number for number in numbers if number is not None})
    assert pictures[-1].shape == (256 * 3 // 2, 512)
    assert coloured_pixels(pictures[-1]) > 100


async def test_a_part_ends_with_the_next_boundary(server: Client, stream_id: str) -> None:
    """A browser shows a part at the sight of the boundary behind it, so that one goes out with the picture."""
    answer = await server.get(f"/api/streams/{stream_id}/mjpeg")
    await next_part(answer)
    async with asyncio.timeout(1):
        assert await answer.content.readline() == b"\r\n"
        assert await answer.content.readline() == f"--{mjpeg.BOUNDARY}\r\n".encode()
    answer.close()


async def test_a_reader_that_leaves_frees_its_place(server: Client, stream_id: str) -> None:
    """Nothing of it stays on the stream."""
    answer = await server.get(f"/api/streams/{stream_id}/mjpeg")
    await next_part(answer)
    assert server.app is not None
    service, stream = server.app[keys.VIEWING], server.app[keys.LIVE].registry.get(stream_id).stream
    assert (service.places.active, len(stream.pictures)) == (1, 1)
    answer.close()
    await eventually(lambda: service.places.active == 0 and not len(stream.pictures))


async def test_a_reader_that_leaves_while_nothing_is_shown_frees_its_place(
    server: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is sent then that would fail, so it is looked for; one that stays keeps its place."""
    monkeypatch.setattr(viewing, "QUIET_S", 0.05)
    peer = Peer(direction="sendonly")
    stream_id = await publish_plainly(server, peer)
    await pause(peer)
    answer = await server.get(f"/api/streams/{stream_id}/mjpeg")
    assert server.app is not None
    service, stream = server.app[keys.VIEWING], server.app[keys.LIVE].registry.get(stream_id).stream
    await asyncio.sleep(0.2)
    assert (service.places.active, len(stream.pictures)) == (1, 1)
    answer.close()
    await eventually(lambda: service.places.active == 0 and not len(stream.pictures), within_s=5)
    assert server.app[keys.LIVE].registry.get(stream_id).stream is stream
    await peer.close()


async def test_a_stalled_reader_is_cut_off_and_slows_nobody(
    server: Client, stream_id: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A reader that stops reading ends after the stall; meanwhile another gets every picture and the stream loses none."""
    caplog.set_level("INFO", "server.web")
    assert server.app is not None
    service, stream = server.app[keys.VIEWING], server.app[keys.LIVE].registry.get(stream_id).stream
    stalled = socket.create_connection((server.host, server.port))
    stalled.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    stalled.sendall(f"GET /api/streams/{stream_id}/mjpeg HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
    await eventually(lambda: service.places.active == 1)
    reading = await server.get(f"/api/streams/{stream_id}/mjpeg")
    received = stream.stats().processed
    parts = 0
    async with asyncio.timeout(20):
        while service.places.active == 2:
            await next_part(reading)
            parts += 1
    processed = stream.stats().processed - received
    reading.close()
    stalled.close()
    assert parts > processed / 3  # both follow the same 30 pictures a second; a reader that waited for the other would stop
    assert any("has read nothing for 0.5 s" in record.getMessage() for record in caplog.records)


async def test_the_end_of_the_stream_ends_its_readers(server: Client, stream_id: str) -> None:
    """When the stream ends the answer ends."""
    answer = await server.get(f"/api/streams/{stream_id}/mjpeg")
    await next_part(answer)
    await server.delete(f"/api/streams/{stream_id}")
    async with asyncio.timeout(5):
        await answer.read()


async def test_readers_do_not_hold_up_the_end_of_the_server(server: Client, stream_id: str) -> None:
    """The server ends while somebody reads."""
    answer = await server.get(f"/api/streams/{stream_id}/mjpeg")
    await next_part(answer)
    async with asyncio.timeout(10):
        await server.close()


async def test_what_readers_get_is_counted(server: Client, stream_id: str) -> None:
    """Pictures over MJPEG are delivered pictures, with an age of their boxes."""
    answer = await server.get(f"/api/streams/{stream_id}/mjpeg")
    for _ in range(3):
        await next_part(answer)
    answer.close()
    stream = await (await server.get(f"/api/streams/{stream_id}")).json()
    assert stream["delivered"] >= 2
    assert stream["box_age_ms"]["p50"] > 0


async def test_a_snapshot_is_the_next_picture(server: Client, stream_id: str) -> None:
    """One annotated JPEG that is not kept by anybody on the way, and nothing stays on the stream."""
    answer = await server.get(f"/api/streams/{stream_id}/snapshot.jpg")
    await check_answer(answer, method="GET", path="/api/streams/{id}/snapshot.jpg")
    picture = planes(await answer.read())
    assert read_number(picture) is not None
    assert coloured_pixels(picture) > 100
    assert answer.headers["Cache-Control"] == "no-store"
    assert server.app is not None
    assert not len(server.app[keys.LIVE].registry.get(stream_id).stream.pictures)


async def test_a_stream_that_shows_nothing_has_no_snapshot(server: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """503 with the time to come back, instead of an old picture or an endless wait."""
    monkeypatch.setattr(viewing, "SNAPSHOT_TIMEOUT_S", 0.2)
    peer = Peer(direction="sendonly")
    stream_id = await publish_plainly(server, peer)
    await pause(peer)
    answer = await server.get(f"/api/streams/{stream_id}/snapshot.jpg")
    assert answer.status == 503
    assert "Retry-After" in answer.headers
    await check_answer(answer, method="GET", path="/api/streams/{id}/snapshot.jpg")
    await peer.close()


@pytest.mark.parametrize("path", ["/api/streams/{id}/mjpeg", "/api/streams/{id}/snapshot.jpg"])
async def test_a_stream_that_does_not_run_is_404(server: Client, path: str) -> None:
    """Nothing can be seen under a made-up id."""
    answer = await server.get(path.replace("{id}", "none"))
    assert answer.status == 404
    await check_answer(answer, method="GET", path=path)


async def test_head_of_an_endless_answer_ends(server: Client, stream_id: str) -> None:
    """HEAD tells the type and nothing more."""
    for path, kind in ((f"/api/streams/{stream_id}/mjpeg", "multipart/x-mixed-replace"), ("/api/events", "text/event-stream")):
        async with asyncio.timeout(5):
            answer = await server.head(path)
            assert await answer.read() == b""
        assert (answer.status, answer.content_type) == (200, kind)
