"""Clients that send one picture after the other to a server, each waiting for its answer before it sends again."""

import asyncio
import time
import uuid
from dataclasses import dataclass

import aiohttp
import numpy as np

WARM_UP_S = 0.5


@dataclass(frozen=True, slots=True)
class Form:
    """A picture as the body of a multipart form, made once for all requests."""

    body: bytes
    content_type: str

    @classmethod
    def of(cls, picture: bytes) -> "Form":
        """The picture as form field `file`, as `curl -F file=@picture.jpg` sends it."""
        boundary = uuid.uuid4().hex
        disposition = 'Content-Disposition: form-data; name="file"; filename="picture.jpg"'
        head = f"--{boundary}\r\n{disposition}\r\nContent-Type: image/jpeg\r\n\r\n"
        body = head.encode() + picture + f"\r\n--{boundary}--\r\n".encode()
        return cls(body, f"multipart/form-data; boundary={boundary}")


@dataclass(frozen=True, slots=True)
class Load:
    """What some clients met together: answers a second, and how long each of them waited.

    `answers` are all, those of the warm-up included.
    """

    answers: int
    per_s: float
    p50_ms: float
    p95_ms: float
    p99_ms: float


async def load(url: str, form: Form, *, clients: int, seconds: float) -> Load:
    """Lets the clients ask for as long as told, after a moment that does not count; an answer that is no 200 raises."""
    counts_from = time.monotonic() + WARM_UP_S
    ends_at = counts_from + seconds
    connector = aiohttp.TCPConnector(limit=clients)
    async with aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(60)) as http:
        asked = [_ask(http, url, form, ends_at=ends_at) for _ in range(clients)]
        answers = [answer for answered in await asyncio.gather(*asked) for answer in answered]
    waits_ms = [wait_ms for at, wait_ms in answers if counts_from <= at < ends_at]
    p50, p95, p99 = np.percentile(waits_ms, [50, 95, 99])
    return Load(len(answers), len(waits_ms) / seconds, float(p50), float(p95), float(p99))


async def ask_once(url: str, form: Form) -> bytes:
    """The body of one answer."""
    async with aiohttp.ClientSession() as http:
        return await _answer(http, url, form)


async def _ask(http: aiohttp.ClientSession, url: str, form: Form, *, ends_at: float) -> list[tuple[float, float]]:
    """When each answer came, and after how many milliseconds."""
    answers: list[tuple[float, float]] = []
    while (began_at := time.monotonic()) < ends_at:
        await _answer(http, url, form)
        answered_at = time.monotonic()
        answers.append((answered_at, (answered_at - began_at) * 1000))
    return answers


async def _answer(http: aiohttp.ClientSession, url: str, form: Form) -> bytes:
    async with http.post(url, data=form.body, headers={"Content-Type": form.content_type}) as answer:
        answer.raise_for_status()
        return await answer.read()
