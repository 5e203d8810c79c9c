"""Tests of what is refused before the application sees a request, over bare sockets."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from server.config.settings import Settings
from server.web import keys
from server.web.app import create_app
from server.web.connections import AppRunner
from server.web.headers import FILE_POLICY
from tests.fakes import FakeDetector


@pytest.fixture
async def port(settings: Settings) -> AsyncIterator[int]:
    """The TCP port of a running application."""
    app = create_app(settings, detector=FakeDetector())
    runner = AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    await app[keys.MODEL].loaded()
    yield int(runner.addresses[0][1])
    await runner.cleanup()


async def exchange(port: int, request: bytes) -> bytes:
    """Everything that comes back until the server ends the connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    await writer.drain()
    answer = await asyncio.wait_for(reader.read(), 10)
    writer.close()
    await writer.wait_closed()
    return answer


def read_answer(answer: bytes) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and content of the last answer in what came back."""
    head, _, content = answer[answer.rindex(b"HTTP/1.") :].partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    return int(first.split()[1]), dict(line.split(": ", 1) for line in lines), content


CLOSING = b"Host: 127.0.0.1\r\nConnection: close\r\n"
REFUSED = {
    "garbage": (400, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n"),
    "a long address": (400, b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\n" + CLOSING + b"\r\n"),
    "a long header": (400, b"GET /api HTTP/1.1\r\nX: " + b"a" * 20_000 + b"\r\n" + CLOSING + b"\r\n"),
    "a bad chunk": (400, b"POST /predict HTTP/1.1\r\nTransfer-Encoding: chunked\r\n" + CLOSING + b"\r\nzz\r\n\r\n"),
    "a bad length": (400, b"POST /predict HTTP/1.1\r\nContent-Length: many\r\n" + CLOSING + b"\r\n"),
    "an unknown expectation": (417, b"GET /api HTTP/1.1\r\nExpect: foo\r\n" + CLOSING + b"\r\n"),
    "an unknown expectation at an unknown address": (417, b"GET /nothing HTTP/1.1\r\nExpect: foo\r\n" + CLOSING + b"\r\n"),
}


@pytest.mark.parametrize("name", REFUSED)
async def test_refusals_below_the_application_are_problems(port: int, name: str) -> None:
    """What aiohttp refuses has the form, the id and the headers of everything else, and names no version."""
    expected, request = REFUSED[name]
    status, headers, content = read_answer(await exchange(port, request))
    assert status == expected
    assert headers["Content-Type"] == "application/problem+json"
    assert headers["Server"] == "Sightline"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Content-Security-Policy"] == FILE_POLICY
    assert len(headers["X-Request-Id"]) == 32
    problem = json.loads(content)
    assert problem["status"] == expected
    assert set(problem) == {"type", "title", "status", "detail", "instance"}
    assert problem["detail"]


async def test_an_expectation_that_is_known_is_met(port: int) -> None:
    """A client that waits for 100 Continue gets it, then its answer."""
    request = b"POST /api/session HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 11\r\n" + CLOSING + b'\r\n{"key":"a"}'
    answer = await exchange(port, request)
    assert answer.startswith(b"HTTP/1.1 100 Continue\r\n\r\n")
    assert read_answer(answer)[0] == 204


async def test_nonsense_leaves_no_line_in_the_log(port: int, caplog: pytest.LogCaptureFixture) -> None:
    """Whoever speaks another protocol to the port cannot fill the log."""
    with caplog.at_level(logging.INFO):
        await exchange(port, REFUSED["garbage"][1])
        await exchange(port, REFUSED["a bad chunk"][1])
    assert [record for record in caplog.records if record.name != "asyncio"] == []


async def test_a_body_that_is_not_what_it_says_leaves_no_line_in_the_log(port: int, caplog: pytest.LogCaptureFixture) -> None:
    """What is left of a body is read once more when it is answered, and fails again: that is no fault of ours."""
    gzipped = b"POST /api/nothing HTTP/1.1\r\nContent-Encoding: gzip\r\nContent-Length: 20\r\n" + CLOSING + b"\r\n" + b"x" * 20
    with caplog.at_level(logging.INFO):
        assert read_answer(await exchange(port, gzipped))[0] == 404
    assert [record for record in caplog.records if record.name != "asyncio"] == []


async def test_a_client_that_goes_away_leaves_no_line_in_the_log(port: int, caplog: pytest.LogCaptureFixture) -> None:
    """A connection that ends in the middle of a picture is no fault."""
    with caplog.at_level(logging.INFO):
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"POST /predict HTTP/1.1\r\nContent-Length: 1000\r\n" + CLOSING + b"\r\nhalf")
        await writer.drain()
        await asyncio.sleep(0.1)
        writer.transport.abort()
        await asyncio.sleep(0.1)
    assert [record for record in caplog.records if record.name != "asyncio"] == []
