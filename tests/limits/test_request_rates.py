"""Tests of how many requests a second one client may make."""

import asyncio
import logging

import msgspec
import pytest

from server.config.settings import Settings
from server.domain.allowance import Allowance
from server.domain.errors import TooMany
from server.web import request_rates
from server.web.clients import client_at
from server.web.request_rates import RequestRates
from tests.conftest import Client, ClientFactory, with_sections
from tests.transports.set_clock import SetClock


def test_a_client_may_save_up_two_seconds() -> None:
    """So many at once, then as many as the rate brings; a refusal says when to come back."""
    clock = SetClock()
    rates = RequestRates(10, clock=clock)
    for _ in range(20):
        rates.check("a")
    with pytest.raises(TooMany, match=r"10 requests a second \(server.max_requests_per_s\)") as refused:
        rates.check("a")
    assert refused.value.retry_after_s == 1
    clock.now += 0.1
    rates.check("a")
    with pytest.raises(TooMany):
        rates.check("a")


def test_one_client_takes_nothing_from_another() -> None:
    """Each has an allowance of its own."""
    rates = RequestRates(1, clock=SetClock())
    for client in ("a", "b"):
        rates.check(client)
        rates.check(client)
        with pytest.raises(TooMany):
            rates.check(client)


def test_a_rate_below_one_lets_the_first_through() -> None:
    """And says how long it is to the next."""
    allowance = Allowance(rate_per_s=0.1, clock=(clock := SetClock()))
    assert [allowance.take(), allowance.take(), allowance.wait_s] == [True, False, 10]
    clock.now += 10
    assert allowance.take()


def test_a_clock_that_is_set_back_takes_nothing_away() -> None:
    """What was saved up stays."""
    allowance = Allowance(rate_per_s=1, clock=(clock := SetClock()))
    clock.now -= 100
    assert [allowance.take(), allowance.take(), allowance.take()] == [True, True, False]


def test_no_number_of_clients_fills_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """The one that has asked least recently is forgotten."""
    monkeypatch.setattr(request_rates, "MOST_CLIENTS", 3)
    rates = RequestRates(1, clock=SetClock())
    for number in range(10):
        rates.check(str(number))
    assert list(rates._allowances) == ["7", "8", "9"]


def test_a_flood_is_told_of_once(caplog: pytest.LogCaptureFixture) -> None:
    """One line when it begins, another when it begins anew."""
    rates = RequestRates(1, clock=(clock := SetClock()))
    for _ in range(2):
        for _ in range(50):
            try:
                rates.check("203.0.113.9")
            except TooMany:
                pass
        clock.now += 100
    lines = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert lines == ["requests of 203.0.113.9 are refused: more than 1 a second come"] * 2


@pytest.mark.parametrize(
    ("address", "client"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::1", "2001:db8:1:2::/64"),
        (None, "unknown"),
        ("/run/socket", "/run/socket"),
    ],
)
def test_what_a_client_is(address: str | None, client: str) -> None:
    """An IPv4 address, or the network that a household has of IPv6."""
    assert client_at(address) == client


async def test_a_flood_of_requests_is_refused(start_client: ClientFactory, settings: Settings) -> None:
    """429 with Retry-After for what comes above the rate; whoever watches over the process is answered all the same."""
    server = msgspec.structs.replace(settings.server, max_requests_per_s=0.01)
    client = await start_client(with_sections(settings, server=server))
    assert (await client.get("/api")).status == 200
    refused = await client.get("/api")
    assert (refused.status, refused.headers["Retry-After"]) == (429, "100")
    assert (await refused.json(content_type=None))["detail"] == (
        "one key or client may make 0.01 requests a second (server.max_requests_per_s)"
    )
    assert [(await client.get(path)).status for path in ("/healthz", "/readyz")] == [200, 200]


async def test_the_client_behind_a_trusted_proxy_is_counted(start_client: ClientFactory, settings: Settings) -> None:
    """Not the proxy, which all come through."""
    server = msgspec.structs.replace(settings.server, max_requests_per_s=0.01, trusted_proxies=["127.0.0.1"])
    client = await start_client(with_sections(settings, server=server))

    async def status(address: str) -> int:
        return (await client.get("/api", headers={"X-Forwarded-For": address})).status

    assert [await status("203.0.113.9"), await status("203.0.113.9"), await status("203.0.113.10")] == [200, 429, 200]


async def test_what_comes_at_once_by_default_is_answered(client: Client) -> None:
    """The default rate is far from what a page and its files, or sixteen clients with pictures, ask for."""
    answers = await asyncio.gather(*(client.get("/api") for _ in range(300)))
    assert {answer.status for answer in answers} == {200}
