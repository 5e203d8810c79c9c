"""One bad input and the answer it gets: a test case, and a row of the table in docs/security.md.

A module `cases_*.py` beside this one has a `TITLE` and `CASES`; test_bad_inputs.py tries each case against the real
application, and table.py writes them all into the page, so that the page says what was tried and nothing else.
"""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

import aiohttp
from aiohttp import ClientWebSocketResponse, WSMsgType, WSServerHandshakeError

from server.config.settings import Settings
from tests.conftest import Client

KEY = "a-key-for-tests"
"""What opens a server that has keys, such as one of `with_key`."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: the status, the sentence for a person, and everything that was sent.

    Of a WebSocket it is the code with which it was closed, or 0 and the last message where it stays open.
    """

    status: int
    sentence: str
    text: str
    headers: tuple[tuple[str, str], ...] = ()


_UPGRADE = {"Upgrade": "websocket", "Connection": "Upgrade"}
_ENDS = (WSMsgType.CLOSE, WSMsgType.CLOSING, WSMsgType.CLOSED, WSMsgType.ERROR)
Send = Callable[[Client], Awaitable[Answer]]
Change = Callable[[Settings], Settings]


def as_they_are(settings: Settings) -> Settings:
    """The default settings."""
    return settings


@dataclass(frozen=True, slots=True)
class BadInput:
    """What is sent, in words for the page, and what has to come back.

    In `sentence` an ellipsis stands for what differs from run to run. `send` does it; `settings` makes the server's from the
    default ones, and all cases of a module with the same function share a server.
    """

    sent: str
    status: int
    sentence: str
    send: Send
    settings: Change = as_they_are

    def check(self, answer: Answer) -> None:
        """Fails unless this is the answer that the page tells of."""
        pattern = "(?s:.*)".join(re.escape(part) for part in self.sentence.split("…"))
        told = f"{answer.status} {answer.sentence}"
        assert re.fullmatch(f"{self.status} {pattern}", told), told


def request(method: str, path: str, *, key: str = "", **options: Any) -> Send:
    """Sends one request; `options` are aiohttp's: `data` (or a function that makes it), `json`, `params`, `headers`."""

    async def send(client: Client) -> Answer:
        given = {name: value() if callable(value) else value for name, value in options.items()}
        headers = {**({"Authorization": f"Bearer {key}"} if key else {}), **given.pop("headers", {})}
        async with client.request(method, path, headers=headers, **given) as answer:
            return await read_answer(answer)

    return send


async def read_answer(answer: aiohttp.ClientResponse) -> Answer:
    """What an HTTP answer says: the detail of a problem, the error of the DeepStack dialect, else its text."""
    text = await answer.text()
    return Answer(answer.status, _sentence(text), text, tuple(answer.headers.items()))


def raw(data: bytes) -> Send:
    """Sends bytes over a bare connection, and reads until the server ends it."""

    async def send(client: Client) -> Answer:
        reader, writer = await asyncio.open_connection(client.host, client.port)
        writer.write(data)
        await writer.drain()
        text = (await asyncio.wait_for(reader.read(), 10)).decode()
        writer.close()
        await writer.wait_closed()
        head, _, body = text[text.rindex("HTTP/1.") :].partition("\r\n\r\n")
        first, *lines = head.split("\r\n")
        return Answer(int(first.split()[1]), _sentence(body), text, tuple(_header(line) for line in lines))

    return send


def websocket(*messages: str | bytes, path: str = "/ws/stream", **options: Any) -> Send:
    """Opens a WebSocket, sends messages, each once the one before is answered, and reads until it is closed.

    Refused before that, it is the handshake's answer; `options` are those of aiohttp's `ws_connect`.
    """

    async def send(client: Client) -> Answer:
        try:
            async with client.ws_connect(path, **options) as socket:
                return await _converse(socket, messages)
        except WSServerHandshakeError:
            # aiohttp throws away what the refusal says, so it is asked for again.
            headers = {**options.get("headers", {}), **_UPGRADE}
            async with client.get(path, headers=headers) as answer:
                return await read_answer(answer)

    return send


async def _converse(socket: ClientWebSocketResponse, messages: Sequence[str | bytes]) -> Answer:
    told: list[str] = []
    for message in messages:
        await (socket.send_str(message) if isinstance(message, str) else socket.send_bytes(message))
        received = await socket.receive(timeout=10)
        if received.type in _ENDS:
            return Answer(socket.close_code or 0, str(received.extra or ""), " ".join(told))
        told.append(str(received.data))
    await socket.close()
    return Answer(0, _sentence(told[-1]), " ".join(told))


def _sentence(text: str) -> str:
    try:
        document = json.loads(text)
    except ValueError:
        return text
    if not isinstance(document, dict):
        return text
    return str(document.get("detail", document.get("error", text)))


def _header(line: str) -> tuple[str, str]:
    name, _, value = line.partition(":")
    return name, value.strip()
