"""Tests of what a proxy in front is believed."""

import asyncio
from unittest.mock import Mock

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from server.config.settings import Server, Settings
from server.domain.errors import SettingsError
from server.web.networks import parse_networks
from server.web.trusted_proxies import as_client_sent
from tests.conftest import ClientFactory, with_sections

TRUSTED = parse_networks(["10.0.0.0/8", "fd00::/8"], setting="server.trusted_proxies")


def request_from(remote: str, **headers: str) -> web.Request:
    """A request whose connection comes from this address."""
    transport = Mock(spec=asyncio.Transport)
    transport.get_extra_info = lambda name, default=None: (remote, 1234) if name == "peername" else default
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return make_mocked_request("GET", "/", headers={"Host": "inner", **named}, transport=transport)


@pytest.mark.parametrize(
    ("chain", "client"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("1.1.1.1, 203.0.113.7", "203.0.113.7"),
        ("1.1.1.1, 203.0.113.7, 10.0.0.9", "203.0.113.7"),
        ("10.0.0.8, 10.0.0.9", "10.0.0.8"),
        ("2001:db8::1", "2001:db8::1"),
        (" , ", "10.0.0.1"),
    ],
)
def test_finds_the_client(chain: str, client: str) -> None:
    """The last address that is no proxy's of ours; what a client has written before it does not count."""
    assert as_client_sent(request_from("10.0.0.1", X_Forwarded_For=chain), trusted=TRUSTED).remote == client


@pytest.mark.parametrize("remote", ["10.0.0.1", "fd00::1", "::ffff:10.0.0.1"])
def test_a_trusted_proxy_is_believed(remote: str) -> None:
    """Scheme and host are those that the browser asked for."""
    sent = as_client_sent(request_from(remote, X_Forwarded_Proto="https", X_Forwarded_Host="a.example"), trusted=TRUSTED)
    assert (sent.scheme, sent.host, sent.headers["Host"]) == ("https", "a.example", "a.example")


@pytest.mark.parametrize("remote", ["203.0.113.7", "2001:db8::1", ""])
def test_nobody_else_is(remote: str) -> None:
    """From another address the headers change nothing."""
    request = request_from(remote, X_Forwarded_Proto="https", X_Forwarded_Host="a.example", X_Forwarded_For="1.1.1.1")
    assert as_client_sent(request, trusted=TRUSTED) is request


def test_an_unknown_scheme_is_not_taken() -> None:
    """Only http and https are schemes of ours."""
    assert as_client_sent(request_from("10.0.0.1", X_Forwarded_Proto="gopher"), trusted=TRUSTED).scheme == "http"


def test_refuses_what_is_no_network() -> None:
    """A mistake ends the start with the name of the setting."""
    with pytest.raises(SettingsError, match=r"server\.trusted_proxies.*proxy\.example"):
        parse_networks(["proxy.example"], setting="server.trusted_proxies")


async def test_rebinding_stays_refused(start_client: ClientFactory, settings: Settings) -> None:
    """A page that reaches us under a foreign name cannot talk that away with a header, whomever we trust."""
    server = Server(data_dir=settings.server.data_dir, trusted_proxies=["127.0.0.1"])
    client = await start_client(with_sections(settings, server=server))
    headers = {"Host": "evil.example", "X-Forwarded-Host": "127.0.0.1"}
    assert (await client.get("/api/info", headers=headers)).status == 403


async def test_the_page_behind_a_proxy_is_ours(start_client: ClientFactory, settings: Settings) -> None:
    """A proxy that asks under a name of its own and tells the browser's: the browser's page may change things."""
    server = Server(data_dir=settings.server.data_dir, trusted_proxies=["127.0.0.1"])
    client = await start_client(with_sections(settings, server=server))
    headers = {"Origin": "https://a.example", "X-Forwarded-Host": "a.example", "X-Forwarded-Proto": "https"}
    assert (await client.delete("/api/session", headers=headers)).status == 204
    assert (await client.delete("/api/session", headers={**headers, "X-Forwarded-Host": "b.example"})).status == 403
