"""Tests of ICE servers with credentials that end."""

import pytest

from server.domain.errors import SettingsError
from server.transports.ice import IceServer
from server.transports.ice_servers import IceServers, TurnAccess

URLS = ("turn:turn.example:3478", "turns:turn.example:5349?transport=tcp")
FIXED = IceServer(("stun:stun.example",))
NOW = 1_800_000_000.7
# printf '1800003600:alice' | openssl dgst -sha1 -hmac north -binary | base64
PASSWORD_BY_OPENSSL = "qe6uQh2FdtYywRuncfIrYF8O4Rk="


def make_access(*urls: str, secret: str = "north") -> TurnAccess:
    """TURN servers with this secret."""
    return TurnAccess(urls, secret, ttl_s=3600)


def test_credentials_are_those_that_coturn_makes(monkeypatch: pytest.MonkeyPatch) -> None:
    """The password is the Base64 of HMAC-SHA1 over the name; this pair was made with openssl."""
    monkeypatch.setattr("secrets.token_hex", lambda _bytes: "alice")
    username, password = make_access(*URLS).credentials(NOW)
    assert username == "1800003600:alice"
    assert password == PASSWORD_BY_OPENSSL


def test_each_use_has_credentials_of_its_own() -> None:
    """Credentials are made anew, begin at their time, and name all addresses."""
    times = iter([NOW, NOW, NOW + 100])
    servers = IceServers((FIXED,), turn=make_access(*URLS), clock=lambda: next(times))
    first, later = servers.current(), servers.current()
    assert first[0] == later[0] == FIXED
    assert first[1].urls == URLS
    assert first[1].username is not None
    assert later[1].username is not None
    assert first[1].username.startswith("1800003600:")
    assert later[1].username.startswith("1800003700:")
    assert first[1].credential != later[1].credential


def test_without_turn_the_settings_stand() -> None:
    """No address, no credentials."""
    assert IceServers((FIXED,), turn=make_access(secret="")).current() == (FIXED,)
    assert IceServers().current() == ()


@pytest.mark.parametrize(
    ("urls", "secret", "message"),
    [
        (URLS, "", "needs webrtc.turn_secret"),
        (("stun:stun.example",), "north", "not the address of a TURN server"),
        (("turn.example",), "north", "not the address of a TURN server"),
        (("turn:turn.example:x",), "north", "not the address of a STUN or TURN server"),
    ],
)
def test_refuses_a_mistake_at_the_start(urls: tuple[str, ...], secret: str, message: str) -> None:
    """What no session could use ends the start with the setting's name."""
    with pytest.raises(SettingsError, match=message):
        IceServers(turn=make_access(*urls, secret=secret))


def test_the_secret_is_not_shown() -> None:
    """Neither in a log line nor in a traceback."""
    assert "north" not in repr(make_access(*URLS))
