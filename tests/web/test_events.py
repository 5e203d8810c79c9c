"""Tests of the one event stream of a page."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
from aiohttp import ClientResponse

from server.config.settings import Settings
from server.domain.errors import AtCapacity
from server.transports.registry import DrainingBegun
from server.web import events, keys
from server.web.handlers import events as handler
from tests.conftest import Client, ClientFactory, with_sections
from tests.transports.rig import Client as Peer
from tests.web.live_streams import publish_plainly
from tests.web.openapi import check_answer, schema


@pytest.fixture
async def peer() -> AsyncIterator[Peer]:
    """A publisher; it leaves before the server ends."""
    peer = Peer(direction="sendonly")
    yield peer
    await peer.close()


async def next_event(answer: ClientResponse, *, name: str) -> dict[str, Any]:
    """The data of the next event of a name."""
    async with asyncio.timeout(15):
        while True:
            lines = (await answer.content.readuntil(b"\n\n")).decode().splitlines()
            if lines[0] == f"event: {name}":
                data: dict[str, Any] = json.loads(lines[1].removeprefix("data: "))
                return data


async def test_begins_with_the_streams_that_run(client: Client, peer: Peer) -> None:
    """So that a page misses none between asking for the list and following."""
    stream_id = await publish_plainly(client, peer)
    answer = await client.get("/api/events")
    assert answer.status == 200
    assert answer.content_type == "text/event-stream"
    (stream,) = (await next_event(answer, name="streams"))["streams"]
    schema("Stream").validate(stream)
    assert (stream["id"], stream["name"]) == (stream_id, "Door")
    answer.close()


async def test_tells_what_opens_and_ends(client: Client, peer: Peer) -> None:
    """A stream that opens is told with all that is known of it, one that ends by its id."""
    answer = await client.get("/api/events")
    assert await next_event(answer, name="streams") == {"streams": []}
    stream_id = await publish_plainly(client, peer)
    opened = await next_event(answer, name="opened")
    schema("Stream").validate(opened)
    assert opened["id"] == stream_id
    await client.delete(f"/api/streams/{stream_id}")
    assert await next_event(answer, name="closed") == {"id": stream_id}
    answer.close()


async def test_tells_the_results_of_the_streams_that_are_named(client: Client, peer: Peer) -> None:
    """Results come in the form of the data channel, at a bounded rate, of the named stream only."""
    stream_id = await publish_plainly(client, peer)
    other = Peer(direction="sendonly")
    await publish_plainly(client, other, name="Window")
    answer = await client.get(f"/api/events?streams={stream_id},unknown&videos=1&alerts=all")
    results = [await next_event(answer, name="detections") for _ in range(8)]
    answer.close()
    await other.close()
    assert {result["stream"] for result in results} == {stream_id}
    schema("DetectionMessage").validate(results[-1]["message"])
    frames = [result["message"]["frame"] for result in results]
    assert frames == sorted(set(frames))
    # By the stream's own time: of the publisher's thirty frames a second, most are left out.
    assert results[-1]["message"]["pts"] - results[0]["message"]["pts"] > 5 / handler.BATCHES_PER_S


async def test_without_names_no_results_come(client: Client, peer: Peer) -> None:
    """Results are for those who ask for them; a sign of life comes all the same."""
    stream_id = await publish_plainly(client, peer)
    assert client.app is not None
    answer = await client.get("/api/events")
    await next_event(answer, name="streams")
    results = client.app[keys.LIVE].registry.get(stream_id).stream.results
    assert len(results) == 2  # the publisher's own data channel, and what makes alerts
    answer.close()


async def test_a_sign_of_life_keeps_the_connection(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nothing happens a comment comes, so that no proxy ends the connection."""
    monkeypatch.setattr(handler, "HEARTBEAT_S", 0.05)
    answer = await client.get("/api/events")
    await next_event(answer, name="streams")
    async with asyncio.timeout(5):
        assert await answer.content.readuntil(b"\n\n") == b": still here\n\n"
    answer.close()


async def test_draining_is_told_before_the_end(client: Client, peer: Peer) -> None:
    """A page learns that the server goes and how much time is left."""
    await publish_plainly(client, peer)
    answer = await client.get("/api/events")
    assert client.app is not None
    await client.app[keys.LIFECYCLE].drain(0.3)
    assert await next_event(answer, name="draining") == {"grace_s": 0.3}
    await next_event(answer, name="closed")
    async with asyncio.timeout(10):
        await client.close()


async def test_a_client_that_leaves_is_forgotten(client: Client, peer: Peer) -> None:
    """Nothing of it stays on the streams."""
    stream_id = await publish_plainly(client, peer)
    answer = await client.get(f"/api/events?streams={stream_id}")
    await next_event(answer, name="detections")
    assert client.app is not None
    results = client.app[keys.LIVE].registry.get(stream_id).stream.results
    answer.close()
    async with asyncio.timeout(10):
        while len(results) > 2:  # noqa: ASYNC110 - nobody tells of it
            await asyncio.sleep(0.02)


async def test_a_client_that_reads_nothing_begins_anew(client: Client) -> None:
    """One that has missed more than can wait for it is ended; it comes back to the list of what runs then."""
    assert client.app is not None
    feeds, registry = client.app[keys.EVENTS], client.app[keys.LIVE].registry
    with feeds.open((), model=client.app[keys.MODEL].info) as feed:
        for _ in range(events.MOST_WAITING):
            registry.changes.publish(DrainingBegun(1.0))
        assert await feed.next(within_s=1) is None
        assert not len(registry.changes) - 3  # the viewers' own two stay, and what makes alerts


async def test_refuses_too_many_streams(client: Client) -> None:
    """A page shows a handful: 400."""
    names = ",".join(str(number) for number in range(handler.MOST_STREAMS + 1))
    answer = await client.get(f"/api/events?streams={names}")
    assert answer.status == 400
    await check_answer(answer, method="GET", path="/api/events")


async def test_refuses_too_many_clients(start_client: ClientFactory, settings: Settings) -> None:
    """Full is 503 with the time to come back, and how many there are."""
    server = msgspec.structs.replace(settings.server, max_event_streams=1)
    client = await start_client(with_sections(settings, server=server))
    assert client.app is not None
    feeds, info = client.app[keys.EVENTS], client.app[keys.MODEL].info
    with feeds.open((), model=info):
        with pytest.raises(AtCapacity), feeds.open((), model=info):
            pass
        answer = await client.get("/api/events")
        assert answer.status == 503
        await check_answer(answer, method="GET", path="/api/events")
