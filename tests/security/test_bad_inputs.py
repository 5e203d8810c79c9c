"""Every bad input of the table in docs/security.md, tried against the real application."""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest
import pytest_asyncio
from aiohttp.test_utils import TestClient, TestServer

from server.config.settings import Server, Settings
from server.web import keys
from server.web.app import create_app
from server.web.connections import AppRunner
from tests.conftest import Client
from tests.fakes import FakeDetector, room_for_eight
from tests.security.bad_input import BadInput, Change
from tests.security.places import places_in
from tests.security.table import groups

CASES = [(group, case) for group in groups() for case in group.cases]
Servers = Callable[[Change], Awaitable[Client]]


class _TestServer(TestServer):
    """A test server with connections of ours, as `sightline serve` has them."""

    async def _make_runner(self, **options: Any) -> AppRunner:
        return AppRunner(self.app, access_log=None, **options)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def servers(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Servers]:
    """One running application for each way of changing the settings, made when it is first asked for."""
    running: dict[Change, Client] = {}
    async with AsyncExitStack() as stack:

        async def running_with(change: Change) -> Client:
            if change not in running:
                settings = Settings(server=Server(data_dir=str(tmp_path_factory.mktemp("data"))))
                app = create_app(change(settings), detector=FakeDetector(), time_pool=room_for_eight)
                running[change] = await stack.enter_async_context(TestClient(_TestServer(app)))
                await app[keys.MODEL].loaded()
            return running[change]

        yield running_with


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("case", [case for _, case in CASES], ids=[f"{group.title}: {case.sent}" for group, case in CASES])
async def test_is_refused(servers: Servers, case: BadInput, caplog: pytest.LogCaptureFixture) -> None:
    """It gets the answer of the table, which names nothing of our insides; the server goes on, and nothing went wrong in it."""
    client = await servers(case.settings)
    with caplog.at_level(logging.INFO):
        answer = await case.send(client)
    case.check(answer)
    assert client.app is not None
    assert places_in(f"{answer.text} {answer.headers}", client.app[keys.SETTINGS]) == []
    assert (await client.get("/healthz")).status == 200
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []
