"""Each finding about listening and access."""

import socket
from pathlib import Path

import msgspec

from server.config.settings import Auth, Settings
from server.domain.finding import Finding
from server.web.access_checks import check_access, check_https, check_tcp_port
from server.web.api_key import Right
from server.web.key_file import key_file
from tests.conftest import with_sections


def _access(settings: Settings, *, host: str = "127.0.0.1", auth: Auth | None = None) -> Finding:
    return check_access(with_sections(settings, server=msgspec.structs.replace(settings.server, host=host), auth=auth))


def test_a_free_port_is_fine() -> None:
    """On IPv4 and IPv6."""
    assert check_tcp_port("127.0.0.1", 0).sign == "ok"
    assert check_tcp_port("::1", 0).sign == "ok"


def test_a_port_in_use_is_bad() -> None:
    """The advice names the flag."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        found = check_tcp_port("127.0.0.1", taken.getsockname()[1])
    assert found.sign == "bad"
    assert "--port" in found.advice


def test_an_address_of_another_machine_is_bad() -> None:
    """192.0.2.0/24 is nobody's (RFC 5737)."""
    found = check_tcp_port("192.0.2.250", 0)
    assert found.sign == "bad"
    assert "--host" in found.advice


def test_the_camera_needs_https_except_on_this_machine() -> None:
    """Browsers say so, not we."""
    assert check_https("127.0.0.1").sign == "ok"
    assert check_https("0.0.0.0").sign == "warn"


def test_keys_are_counted_and_never_shown(settings: Settings) -> None:
    """A report may be sent to others."""
    found = _access(settings, host="0.0.0.0", auth=Auth(api_keys=["first-key", "second-key"]))
    assert (found.sign, found.text) == ("ok", "2 API keys are set.")


def test_without_a_key_loopback_is_open_to_this_machine(settings: Settings) -> None:
    """That is the default."""
    assert "only this machine" in _access(settings).text


def test_without_a_key_another_address_gets_one(settings: Settings) -> None:
    """The doctor makes none, and does not show it."""
    data = Path(settings.server.data_dir)
    assert "is made at the first start" in _access(settings, host="0.0.0.0").text
    assert not data.exists()
    data.mkdir()
    (data / "api-key").write_text("kept-key")
    found = _access(settings, host="0.0.0.0")
    assert "was made" in found.text
    assert "kept-key" not in found.text


def test_named_keys_count(settings: Settings) -> None:
    """A key of `sightline keys add` is one that is set; without the last one nobody gets in, which is told."""
    file = key_file(settings)
    file.add("gate", Right.VIEW)
    assert _access(settings).text == "1 API key is set."
    file.revoke("gate")
    for host in ("127.0.0.1", "0.0.0.0"):
        found = _access(settings, host=host)
        assert (found.sign, "nobody gets in" in found.text) == ("warn", True)


def test_open_to_everybody_is_told(settings: Settings) -> None:
    """Somebody may have forgotten it."""
    assert _access(settings, host="0.0.0.0", auth=Auth(insecure=True)).sign == "warn"


def test_keys_that_cannot_be_used_are_bad(settings: Settings) -> None:
    """The server would not start."""
    assert _access(settings, auth=Auth(api_keys=["two words"])).sign == "bad"
    assert _access(settings, auth=Auth(api_keys=["key"], insecure=True)).sign == "bad"
