"""Tests of how much is taken in: sizes of bodies, numbers of pictures, and when nothing is taken at all."""

import asyncio
import gzip
import io
import threading
from typing import Any

import aiohttp
import msgspec
import pytest
from aiohttp import FormData

from server.config.settings import Predict, Settings
from server.web import keys
from tests.conftest import Client, ClientFactory, with_sections
from tests.fakes import FakeDetector, HeldDetector
from tests.web.openapi import check_answer
from tests.web.pictures import form_with, picture_file, stuck_body


@pytest.fixture
async def small_client(start_client: ClientFactory, settings: Settings) -> Client:
    """A client of a server that takes pictures of at most 10,000 bytes."""
    return await start_client(with_sections(settings, predict=Predict(max_bytes=10_000)))


async def test_refuses_a_body_above_the_limit(small_client: Client) -> None:
    """413 by the announced length alone, before the body is read."""
    answer = await small_client.post("/predict", data=bytes(10_001), headers={"Content-Type": "image/png"})
    assert answer.status == 413
    assert (await answer.json(content_type=None))["detail"].endswith("10,000 bytes (predict.max_bytes)")


async def test_refuses_an_endless_body(small_client: Client) -> None:
    """413 for a body without an announced length, as soon as it passes the limit."""
    sent = 0

    async def endless() -> Any:
        nonlocal sent
        while sent < 100_000_000:
            sent += 8192
            yield bytes(8192)

    try:
        answer = await small_client.post("/predict", data=endless(), headers={"Content-Type": "image/png"})
        assert answer.status == 413
    except aiohttp.ClientConnectionError:
        pass  # the server has stopped listening to it
    assert sent < 100_000_000


async def test_refuses_a_body_that_does_not_arrive(start_client: ClientFactory, settings: Settings) -> None:
    """408 when the body takes too long; its place is free again."""
    client = await start_client(with_sections(settings, server=msgspec.structs.replace(settings.server, body_timeout_s=0.1)))

    async def slow() -> Any:
        yield picture_file()[:100]
        await asyncio.sleep(0.5)
        yield picture_file()[100:]

    answer = await client.post("/predict", data=slow(), headers={"Content-Type": "image/png"})
    assert answer.status == 408
    assert client.app is not None
    assert client.app[keys.PICTURE_ADMISSION].active == 0


@pytest.mark.parametrize(
    ("path", "content_type"),
    [
        ("/predict", "multipart/form-data; boundary=x"),
        ("/api/session", "application/json"),
        ("/whip", "application/sdp"),
    ],
)
async def test_no_body_may_take_for_ever(start_client: ClientFactory, settings: Settings, path: str, content_type: str) -> None:
    """408 wherever a body is read, forms and small ones included."""
    client = await start_client(with_sections(settings, server=msgspec.structs.replace(settings.server, body_timeout_s=0.1)))
    answer = await client.post(path, data=stuck_body(), headers={"Content-Type": content_type})
    assert answer.status == 408
    await check_answer(answer, method="POST", path=path)


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
@pytest.mark.parametrize(
    ("path", "content_type"),
    [("/predict", "image/png"), ("/predict", "multipart/form-data; boundary=x"), ("/api/session", "application/json")],
)
async def test_refuses_a_body_that_is_not_encoded_as_it_says(
    client: Client, encoding: str, path: str, content_type: str
) -> None:
    """400 for a Content-Encoding that the body does not have."""
    headers = {"Content-Type": content_type, "Content-Encoding": encoding}
    answer = await client.post(path, data=io.BytesIO(b"\xff" * 100), headers=headers)
    assert answer.status == 400
    await check_answer(answer, method="POST", path=path)


async def test_takes_an_encoded_body(client: Client) -> None:
    """A body may be compressed; the limit holds for what comes out."""
    headers = {"Content-Type": "image/png", "Content-Encoding": "gzip"}
    answer = await client.post("/predict", data=gzip.compress(picture_file()), headers=headers)
    assert answer.status == 200


async def test_refuses_a_small_body_that_grows(small_client: Client) -> None:
    """413 for a body that passes the limit once it is unpacked."""
    headers = {"Content-Type": "image/png", "Content-Encoding": "gzip"}
    answer = await small_client.post("/predict", data=gzip.compress(bytes(10_000_000)), headers=headers)
    assert answer.status == 413


async def test_refuses_a_large_file_in_a_form(small_client: Client) -> None:
    """The limit holds for the picture within a form, too."""
    assert (await small_client.post("/predict", data=form_with(bytes(20_000)))).status == 413


async def test_refuses_a_large_field(client: Client) -> None:
    """A form field is a short text."""
    assert (await client.post("/predict", data=form_with(picture_file(), conf="0" * 5000))).status == 413


async def test_refuses_a_form_of_many_parts(client: Client) -> None:
    """A form has a few fields, not hundreds."""
    form = FormData([(f"field{number}", "1") for number in range(40)])
    form.add_field("file", picture_file(), filename="a.png")
    answer = await client.post("/predict", data=form)
    assert answer.status == 400
    assert "32 fields" in (await answer.json(content_type=None))["detail"]


async def test_refuses_more_pictures_than_fit(start_client: ClientFactory, settings: Settings) -> None:
    """Above the limit of pictures in work the answer is 429 with Retry-After; those in work are answered."""
    detector = HeldDetector()
    client = await start_client(with_sections(settings, predict=Predict(max_waiting=2)), detector=detector)
    in_work = [asyncio.create_task(client.post("/predict?format=json", data=picture_file())) for _ in range(2)]
    await asyncio.to_thread(detector.entered.acquire)
    await asyncio.to_thread(detector.entered.acquire)
    refused = await client.post("/predict", data=picture_file())
    assert refused.status == 429
    assert int(refused.headers["Retry-After"]) >= 1
    detector.release.set()
    assert [answer.status for answer in await asyncio.gather(*in_work)] == [200, 200]
    assert (await client.post("/predict", data=picture_file())).status == 200


async def test_refuses_while_the_model_loads(start_client: ClientFactory) -> None:
    """Before the model is there the answer is 503 with Retry-After."""
    gate = threading.Event()
    client = await start_client(detector=FakeDetector(gate=gate), wait=False)
    try:
        answer = await client.post("/predict", data=picture_file())
        assert answer.status == 503
        assert int(answer.headers["Retry-After"]) >= 1
        assert "loaded" in (await answer.json(content_type=None))["detail"]
    finally:
        gate.set()


async def test_refuses_while_draining(client: Client) -> None:
    """Once the server is about to end it takes no new picture."""
    assert client.app is not None
    await client.app[keys.LIFECYCLE].drain(0.1)
    answer = await client.post("/predict", data=picture_file())
    assert answer.status == 503
    assert "Retry-After" in answer.headers
