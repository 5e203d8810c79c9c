"""Tests of listing, changing and ending live streams."""

from collections.abc import AsyncIterator

import pytest

from tests.conftest import Client
from tests.transports.rig import Client as Peer
from tests.transports.rig import eventually
from tests.web.openapi import check_answer


@pytest.fixture
async def stream_id(client: Client) -> AsyncIterator[str]:
    """A running stream, named Door, of a peer that shows what it gets back."""
    peer = Peer()
    sdp = {"Content-Type": "application/sdp"}
    answer = await client.post("/whip?return=annotated&name=Door&classes=person", data=await peer.offer(), headers=sdp)
    await peer.accept(await answer.text())
    await eventually(lambda: peer.messages, within_s=20)
    yield answer.headers["Location"].rpartition("/")[2]
    await peer.close()


async def test_lists_no_streams(client: Client) -> None:
    """Without a session the list is empty."""
    assert await (await client.get("/api/streams")).json() == {"streams": []}


async def test_lists_streams(client: Client, stream_id: str) -> None:
    """A running stream is listed with its name, options, size and counters, and found by its id."""
    listed = await client.get("/api/streams")
    await check_answer(listed, method="GET", path="/api/streams")
    (stream,) = (await listed.json())["streams"]
    assert (stream["id"], stream["name"], stream["classes"]) == (stream_id, "Door", [1])
    assert stream["shape"] == [256, 512]
    assert stream["received"] >= stream["processed"] > 0
    one = await client.get(f"/api/streams/{stream_id}")
    await check_answer(one, method="GET", path="/api/streams/{id}")
    assert (await one.json())["id"] == stream_id


async def test_changes_a_stream(client: Client, stream_id: str) -> None:
    """What is given changes, the rest stays."""
    answer = await client.patch(f"/api/streams/{stream_id}", json={"conf": 0.7, "mode": "exact", "classes": None})
    await check_answer(answer, method="PATCH", path="/api/streams/{id}")
    stream = await answer.json()
    assert (stream["conf"], stream["mode"], stream["classes"], stream["annotate"]) == (0.7, "exact", None, True)


@pytest.mark.parametrize("body", ["", "[]", '{"conf": 7}', '{"classes": ["banana"]}', '{"speed": 1}', '{"mode": "fast"}'])
async def test_refuses_a_change(client: Client, stream_id: str, body: str) -> None:
    """What cannot be meant is 400, and changes nothing."""
    before = (await (await client.get(f"/api/streams/{stream_id}")).json())["conf"]
    answer = await client.patch(f"/api/streams/{stream_id}", data=body)
    assert answer.status == 400
    await check_answer(answer, method="PATCH", path="/api/streams/{id}")
    assert (await (await client.get(f"/api/streams/{stream_id}")).json())["conf"] == before


async def test_refuses_a_huge_change(client: Client, stream_id: str) -> None:
    """A change is a few words: 413."""
    assert (await client.patch(f"/api/streams/{stream_id}", data="x" * 300_000)).status == 413


async def test_ends_a_stream(client: Client, stream_id: str) -> None:
    """DELETE ends the stream and its session."""
    assert (await client.delete(f"/api/streams/{stream_id}")).status == 204
    assert (await client.get(f"/api/streams/{stream_id}")).status == 404
    assert (await client.delete(f"/whip/{stream_id}")).status == 404


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
async def test_an_unknown_stream_is_404(client: Client, method: str) -> None:
    """Nothing is found under a made-up id."""
    answer = await client.request(method, "/api/streams/none", json={})
    assert answer.status == 404
    await check_answer(answer, method=method, path="/api/streams/{id}")
