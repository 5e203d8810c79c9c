"""Tests of telling where a request comes from."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.config.settings import Auth, Server, Settings
from server.web.origin import allowed_hosts, host_name, is_from_another_site, own_hosts

OWN = {"Host": "cam.example:5000"}


@pytest.mark.parametrize(
    ("headers", "foreign"),
    [
        ({}, False),
        ({"Origin": "http://cam.example:5000"}, False),
        ({"Origin": "http://CAM.example:5000"}, False),
        ({"Origin": "https://cam.example:5000"}, False),
        ({"Origin": "http://cam.example"}, True),
        ({"Origin": "http://cam.example:5001"}, True),
        ({"Origin": "http://evil.example"}, True),
        ({"Origin": "http://cam.example.evil.example:5000"}, True),
        ({"Origin": "null"}, True),
        ({"Origin": ""}, True),
        ({"Origin": "http://cam.example:99999"}, True),
        ({"Origin": "http://[broken"}, True),
        ({"Sec-Fetch-Site": "same-origin"}, False),
        ({"Sec-Fetch-Site": "none"}, False),
        ({"Sec-Fetch-Site": "same-site"}, True),
        ({"Sec-Fetch-Site": "cross-site"}, True),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "http://cam.example:5000"}, True),
        ({"Sec-Fetch-Site": "same-site", "Origin": "http://cam.example:5001"}, True),
    ],
)
@pytest.mark.parametrize("method", ["POST", "PATCH", "DELETE", "OPTIONS", "PUT"])
def test_tells_another_site(method: str, headers: dict[str, str], *, foreign: bool) -> None:
    """A page of another host or port is another site; a program without these headers is not."""
    assert is_from_another_site(method, {**OWN, **headers}) is foreign


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_reading_is_not_checked(method: str) -> None:
    """Browsers keep what other sites read from them; only a WebSocket is open to all."""
    foreign = {**OWN, "Origin": "http://evil.example"}
    assert not is_from_another_site(method, foreign)
    assert is_from_another_site(method, {**foreign, "Upgrade": "WebSocket"})
    assert not is_from_another_site(method, {**OWN, "Origin": "http://cam.example:5000", "Upgrade": "websocket"})


def test_default_ports_are_the_same_site() -> None:
    """A port that the scheme implies may stand in either header or not."""
    assert not is_from_another_site("POST", {"Host": "cam.example", "Origin": "https://cam.example"})
    assert not is_from_another_site("POST", {"Host": "cam.example:443", "Origin": "https://cam.example"})
    assert not is_from_another_site("POST", {"Host": "[::1]:5000", "Origin": "http://[::1]:5000"})


@pytest.mark.parametrize("method", ["POST", "DELETE"])
def test_the_browser_knows_its_page_behind_a_proxy(method: str) -> None:
    """A proxy that asks for a host name of its own makes no stranger of the page that the browser calls its own."""
    behind_proxy = {"Host": "127.0.0.1:5000", "Origin": "https://cam.example"}
    assert is_from_another_site(method, behind_proxy)
    assert not is_from_another_site(method, {**behind_proxy, "Sec-Fetch-Site": "same-origin"})


@pytest.mark.parametrize(
    ("origin", "foreign"),
    [
        ("https://cam.example", False),
        ("http://CAM.example:8080", False),
        ("https://[::1]", False),
        ("https://cam.example.evil.example", True),
        ("https://evil.example", True),
        ("ftp://cam.example", True),
        ("null", True),
        ("", True),
    ],
)
def test_pages_of_hosts_in_the_settings_are_its_own(origin: str, *, foreign: bool) -> None:
    """Behind a proxy that keeps the host name for itself, the settings can say what the page is called."""
    hosts = own_hosts(Settings(auth=Auth(allowed_hosts=["Cam.example", "[::1]"])))
    assert is_from_another_site("POST", {"Host": "127.0.0.1:5000", "Origin": origin}, own_hosts=hosts) is foreign


def test_loopback_answers_to_its_own_names() -> None:
    """Bound to loopback these are its names and address, and what the settings add."""
    settings = Settings(server=Server(host="127.0.0.1"), auth=Auth(allowed_hosts=["Camera.local"]))
    assert allowed_hosts(settings) == {"127.0.0.1", "localhost", "::1", "camera.local"}


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("127.0.0.1:5000", "127.0.0.1"),
        ("LocalHost", "localhost"),
        ("localhost.", "localhost"),
        ("[::1]:5000", "::1"),
        ("", ""),
        ("[broken", ""),
        ("evil.example:80", "evil.example"),
        ("user@localhost", "localhost"),
    ],
)
def test_reads_the_host_name(host: str, name: str) -> None:
    """The name is read without port and brackets."""
    assert host_name(host) == name


@given(st.text(max_size=40), st.text(max_size=40))
def test_any_header_is_understood_or_foreign(origin: str, host: str) -> None:
    """Nothing that a client sends in these headers raises."""
    assert is_from_another_site("POST", {"Origin": origin, "Host": host}) in (True, False)
    assert isinstance(host_name(host), str)
