"""Tests of the addresses that the settings leave to be found."""

import socket
from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from server.config.settings import Cluster, Settings, Webrtc
from server.domain.errors import SettingsError
from server.web.ecs_metadata import EcsEndpoints, read_task_metadata
from server.web.own_addresses import find_public_address, resolve_addresses
from tests.conftest import with_sections
from tests.transports.stun_server import running_stun_server
from tests.web.ecs_agent import EcsAgent, running_ecs_agent

NOWHERE = EcsEndpoints()
SECRET = "s" * 32


class Page:
    """A page that tells an address, after `refusals` answers that tell none."""

    def __init__(self) -> None:
        self.text = "203.0.113.7\n"
        self.refusals = 0
        self.asked = 0
        app = web.Application()
        app.router.add_get("/", self._tell)
        self.server = TestServer(app)

    @property
    def url(self) -> str:
        """Its address."""
        return str(self.server.make_url("/"))

    async def _tell(self, _request: web.Request) -> web.Response:
        self.asked += 1
        return web.Response(status=503) if self.asked <= self.refusals else web.Response(text=self.text)


@pytest.fixture
async def page() -> AsyncIterator[Page]:
    """The page, listening."""
    made = Page()
    await made.server.start_server()
    yield made
    await made.server.close()


@pytest.fixture
async def agent() -> AsyncIterator[EcsAgent]:
    """The metadata of ECS, listening."""
    async with running_ecs_agent() as running:
        yield running


async def test_a_page_tells_the_public_address(settings: Settings, page: Page) -> None:
    """`auto` becomes the address, once."""
    changed = with_sections(settings, webrtc=Webrtc(public_address="auto", public_address_url=page.url))
    assert (await resolve_addresses(changed, ecs=NOWHERE)).webrtc.public_address == "203.0.113.7"
    assert page.asked == 1


async def test_a_stun_server_tells_the_public_address() -> None:
    """A STUN server sees us at an address, which is the one."""
    async with running_stun_server() as (address, _):
        assert await find_public_address(f"stun:{address}") == "127.0.0.1"


async def test_an_address_in_the_settings_stays(settings: Settings, page: Page) -> None:
    """Nobody is asked for what is known."""
    changed = with_sections(settings, webrtc=Webrtc(public_address="198.51.100.4", public_address_url=page.url))
    assert (await resolve_addresses(changed, ecs=NOWHERE)).webrtc.public_address == "198.51.100.4"
    assert page.asked == 0


async def test_asks_again_after_a_failure(page: Page) -> None:
    """A network that comes up a moment later is no failure."""
    page.refusals = 2
    assert await find_public_address(page.url) == "203.0.113.7"


@pytest.mark.parametrize("text", ["", "<html>", "example.org", "1" * 1000, "ü"])
async def test_refuses_what_is_no_address(page: Page, text: str) -> None:
    """A page that says something else ends the start, with the names of both settings."""
    page.text = text
    with pytest.raises(SettingsError, match=r"webrtc\.public_address is auto.*webrtc\.public_address_url"):
        await find_public_address(page.url, attempts=1)


@pytest.mark.parametrize("url", ["ftp://a.example", "", "203.0.113.7"])
async def test_refuses_another_kind_of_url(url: str) -> None:
    """Only STUN servers and pages are asked."""
    with pytest.raises(SettingsError, match=r"webrtc\.public_address_url"):
        await find_public_address(url)


async def test_nobody_answers() -> None:
    """A port where nobody listens, and a STUN server that is silent, end the start within the time-out."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        for url in (f"stun:127.0.0.1:{silent.getsockname()[1]}", "http://127.0.0.1:9/"):
            with pytest.raises(SettingsError, match="asking"):
                await find_public_address(url, timeout_s=0.2, attempts=1)


async def test_ecs_tells_the_private_address(settings: Settings, agent: EcsAgent) -> None:
    """`cluster.address = auto` is the address of the task."""
    changed = with_sections(settings, cluster=Cluster(secret=SECRET, address="auto"))
    ecs = EcsEndpoints(metadata_url=agent.metadata_url)
    assert (await resolve_addresses(changed, ecs=ecs)).cluster.address == "10.0.2.106"


async def test_a_cluster_without_a_secret_is_none(settings: Settings) -> None:
    """A template may always say `auto`: without a secret nothing is passed on."""
    changed = with_sections(settings, cluster=Cluster(address="auto"))
    assert (await resolve_addresses(changed, ecs=NOWHERE)).cluster.address == ""


async def test_auto_elsewhere_than_on_ecs_is_refused(settings: Settings) -> None:
    """Without ECS there is nobody to ask."""
    changed = with_sections(settings, cluster=Cluster(secret=SECRET, address="auto"))
    with pytest.raises(SettingsError, match=r"cluster\.address is auto, but this is no task of ECS"):
        await resolve_addresses(changed, ecs=NOWHERE)


async def test_a_task_without_an_address_is_refused(settings: Settings, agent: EcsAgent) -> None:
    """Another network mode than awsvpc has no address of the task's own."""
    agent.metadata["Containers"] = [{"Name": "server"}]
    changed = with_sections(settings, cluster=Cluster(secret=SECRET, address="auto"))
    with pytest.raises(SettingsError, match="awsvpc"):
        await resolve_addresses(changed, ecs=EcsEndpoints(metadata_url=agent.metadata_url))


async def test_ecs_names_the_cluster(agent: EcsAgent) -> None:
    """The short name, whether ECS sends that or the ARN."""
    endpoints = EcsEndpoints(metadata_url=agent.metadata_url)
    assert (await read_task_metadata(endpoints)).cluster_name == "sightline"
    agent.metadata["Cluster"] = "sightline"
    assert (await read_task_metadata(endpoints)).cluster_name == "sightline"


async def test_metadata_that_cannot_be_read_is_refused(agent: EcsAgent) -> None:
    """Another form than that of version 4 ends the start."""
    agent.metadata["Containers"] = "none"
    with pytest.raises(SettingsError, match="ECS does not tell"):
        await read_task_metadata(EcsEndpoints(metadata_url=agent.metadata_url))
