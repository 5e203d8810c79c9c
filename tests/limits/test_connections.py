"""Tests of what a connection may take: its place, the time for headers, and the time without a request."""

import asyncio

import pytest

from server.config.settings import Settings
from server.web.connection_places import ConnectionPlaces, default_connections
from tests.limits.bare_server import GET, at_end, close, connect, read_answer, serving

ANSWER = (200, "API is running")


async def test_slow_headers_are_refused(settings: Settings) -> None:
    """408, however regularly a byte of them comes; the connection ends."""
    async with serving(settings, header_timeout_s=0.15) as port:
        reader, writer = await connect(port)
        answer = asyncio.create_task(read_answer(reader))
        for letter in GET[:-4].decode():
            if answer.done():
                break
            writer.write(letter.encode())
            await asyncio.sleep(0.02)
        assert await answer == (408, "the headers did not arrive within 0.15 s (server.header_timeout_s)")
        assert await at_end(reader) == b""
        await close((reader, writer))


async def test_headers_may_come_in_pieces(settings: Settings) -> None:
    """As long as they are there in time, again for each request of a connection."""
    async with serving(settings, header_timeout_s=5.0) as port:
        reader, writer = await connect(port)
        for _ in range(3):
            for start in range(0, len(GET), 20):
                writer.write(GET[start : start + 20])
                await asyncio.sleep(0.001)
            assert await read_answer(reader) == ANSWER
        await close((reader, writer))


async def test_slow_headers_behind_a_request_are_refused(settings: Settings) -> None:
    """The first request is answered, the second has no more time than the first had."""
    async with serving(settings, header_timeout_s=0.1) as port:
        reader, writer = await connect(port)
        writer.write(GET)
        assert await read_answer(reader) == ANSWER
        writer.write(GET[:10])
        assert (await read_answer(reader))[0] == 408
        await close((reader, writer))


async def test_a_body_that_is_under_way_is_no_slow_header(settings: Settings) -> None:
    """It has a time of its own."""
    async with serving(settings, header_timeout_s=0.05, body_timeout_s=0.4) as port:
        reader, writer = await connect(port)
        writer.write(b"POST /predict HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: image/png\r\nContent-Length: 100\r\n\r\n")
        for _ in range(5):
            writer.write(b"x")
            await asyncio.sleep(0.03)
        assert await read_answer(reader) == (408, "the body did not arrive within 0.4 s (server.body_timeout_s)")
        await close((reader, writer))


async def test_an_idle_connection_is_closed(settings: Settings) -> None:
    """One that has brought a request, and one that never has."""
    async with serving(settings, idle_timeout_s=0.1) as port:
        used, unused = await connect(port), await connect(port)
        used[1].write(GET)
        assert await read_answer(used[0]) == ANSWER
        assert [await at_end(used[0]), await at_end(unused[0])] == [b"", b""]
        await close(used, unused)


async def test_connections_above_the_limit_are_told(settings: Settings) -> None:
    """503 to the first request of one too many; those that have a place go on, and a place that is free again is given away."""
    async with serving(settings, max_connections=2) as port:
        first, second, third = [await connect(port) for _ in range(3)]
        third[1].write(GET)
        assert await read_answer(third[0]) == (503, "all 2 connections are taken (server.max_connections)")
        assert await at_end(third[0]) == b""
        for reader, writer in (first, second):
            writer.write(GET)
            assert await read_answer(reader) == ANSWER
        await close(first, third)
        assert await _taken_in(port) == ANSWER
        await close(second)


async def _taken_in(port: int) -> tuple[int, str]:
    """The answer on a new connection, once the server has noticed that another one has ended."""
    async with asyncio.timeout(10):
        while True:
            reader, writer = await connect(port)
            writer.write(GET)
            answer = await read_answer(reader)
            await close((reader, writer))
            if answer[0] != 503:
                return answer


async def test_connections_far_above_the_limit_are_cut_off(settings: Settings) -> None:
    """Telling all of them would take what the limit keeps; whoever is there goes on, and after the flood all is as before."""
    async with serving(settings, max_connections=1) as port:
        first = await connect(port)
        flood = [await connect(port) for _ in range(40)]
        for _, writer in flood:
            writer.write(GET)
        answers = [await at_end(reader) for reader, _ in flood]
        assert sum(answer.startswith(b"HTTP/1.1 503") for answer in answers) == 8
        assert sum(answer == b"" for answer in answers) == 32
        first[1].write(GET)
        assert await read_answer(first[0]) == ANSWER
        await close(first, *flood)
        assert await _taken_in(port) == ANSWER


def test_one_client_has_a_limit_of_its_own() -> None:
    """A proxy, for which many stand, has none."""
    places = ConnectionPlaces(most=10, per_client=2)
    assert [places.take("a", many=False) for _ in range(2)] == [None, None]
    assert places.take("a", many=False) == ("one address may have 2 connections at once (server.max_connections_per_client)")
    assert [places.take("b", many=False), places.take("a", many=True)] == [None, None]
    places.free("a")
    places.free("a")
    assert places.take("a", many=False) is None


def test_by_default_there_is_room_for_other_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """Half of what the process may open, where that is known and not endless."""
    for soft, expected in ((1024, 512), (20, 16), (1_048_576, 8192), (-1, 8192)):
        monkeypatch.setattr("resource.getrlimit", lambda _kind, soft=soft: (soft, soft))
        assert default_connections() == expected
