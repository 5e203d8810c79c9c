"""Tests of the downloads of alerts, over HTTP."""

import csv
import io
import zipfile
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from server.domain.alert import AlertState
from server.web.alert_export import send_csv, send_dataset
from tests.alerts.test_export import exported, make_alert

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@pytest.fixture
def executor() -> Iterator[ThreadPoolExecutor]:
    """Threads for files."""
    with ThreadPoolExecutor(1) as executor:
        yield executor


async def fetched(handler: Handler) -> tuple[bytes, str, str]:
    """The answer of a handler: content, type, and the name under which a browser keeps it."""

    async def answer_all(request: web.Request) -> web.StreamResponse:
        return await handler(request)

    app = web.Application()
    app.router.add_get("/", answer_all)
    async with TestClient(TestServer(app)) as client, client.get("/") as answer:
        return await answer.read(), answer.content_type, answer.headers["Content-Disposition"]


async def test_a_table_of_many_alerts_arrives_whole(executor: ThreadPoolExecutor) -> None:
    """More lines than one turn makes."""
    alerts = [make_alert(number) for number in range(250)]
    content, kind, name = await fetched(lambda request: send_csv(request, alerts, io=executor))
    assert [row["id"] for row in csv.DictReader(io.StringIO(content.decode()))] == [one.id for one in alerts]
    assert (kind, name) == ("text/csv", 'attachment; filename="alerts.csv"')


async def test_a_data_set_arrives_whole(executor: ThreadPoolExecutor, tmp_path: Path) -> None:
    """With its pictures, and what says what they are."""
    alerts = [exported(tmp_path, number, AlertState.DISMISSED) for number in range(3)]
    content, kind, name = await fetched(lambda request: send_dataset(request, alerts, labels=("firearm",), io=executor))
    assert (kind, name) == ("application/zip", 'attachment; filename="alerts.zip"')
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        names = archive.namelist()
        pictures = [archive.read(one) for one in names if one.startswith("images/")]
    assert pictures == [one.snapshot.read_bytes() for one in alerts]
    assert names[-2:] == ["data.yaml", "manifest.csv"]


async def test_nothing_to_export_is_an_empty_data_set(executor: ThreadPoolExecutor) -> None:
    """The archive can be opened."""
    content, *_ = await fetched(lambda request: send_dataset(request, [], labels=("firearm",), io=executor))
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.namelist() == ["data.yaml", "manifest.csv"]
