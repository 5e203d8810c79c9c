"""ICE servers, usable candidates, and fragments that trickle in."""

import pytest

from server.domain.errors import InvalidRequest, SettingsError
from server.transports.ice import IceServer, is_usable_candidate, parse_fragment, rtc_configuration

CANDIDATE = "candidate:1 1 udp 2130706431 192.0.2.1 5000 typ host"


def test_no_public_server_is_asked_by_default() -> None:
    """Without settings there are no ICE servers, not aiortc's default."""
    assert rtc_configuration(()).iceServers == []


def test_servers_keep_their_credentials() -> None:
    """A TURN server is passed on with user and password."""
    [server] = rtc_configuration((IceServer(("turn:192.0.2.1",), "me", "secret"),)).iceServers or []
    assert (server.urls, server.username, server.credential) == (["turn:192.0.2.1"], "me", "secret")


@pytest.mark.parametrize("url", ["", "http://192.0.2.1", "turn:", "stun:192.0.2.1?transport=udp"])
def test_refuses_a_server_address_that_is_none(url: str) -> None:
    """A wrong address in the settings is told when the server starts."""
    with pytest.raises(SettingsError, match="ice_servers"):
        IceServer((url,))


@pytest.mark.parametrize(
    ("candidate", "usable"),
    [
        ("1 1 udp 1 192.0.2.1 5000 typ host", True),
        ("1 1 UDP 1 fd00::1 5000 typ host", True),
        ("1 1 udp 1 abc.local 5000 typ host", False),
        ("1 1 udp 1 example.org 5000 typ host", False),
        ("1 1 tcp 1 192.0.2.1 9 typ host tcptype active", False),
        ("1 1 udp", False),
        ("1 1 udp 1 192.0.2.1 65535 typ relay raddr 0.0.0.0 rport 9", True),
        ("1 1 udp 1 192.0.2.1 0 typ host", False),
        ("1 1 udp 1 192.0.2.1 65536 typ host", False),
        ("1 1 udp 1 192.0.2.1 -1 typ host", False),
        (f"1 1 udp 1 192.0.2.1 {'9' * 5000} typ host", False),
        ("1 1 udp 1 192.0.2.1 port typ host", False),
        ("1 2 udp 1 192.0.2.1 5000 typ host", False),
        ("1 1 udp 1 192.0.2.1 5000 typ other", False),
    ],
)
def test_only_udp_candidates_with_an_address_and_a_port_are_usable(candidate: str, *, usable: bool) -> None:
    """Names, TCP, impossible ports, another component and unknown types are of no use."""
    assert is_usable_candidate(candidate) is usable


def test_reads_a_fragment() -> None:
    """Candidates come with the section that they belong to and the name of their ICE session."""
    fragment = parse_fragment(
        f"a=ice-ufrag:abcd\r\na=ice-pwd:xyz\r\nm=video 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:1\r\na={CANDIDATE}\r\n"
    )
    assert (fragment.username, fragment.password) == ("abcd", "xyz")
    [candidate] = fragment.candidates
    assert (candidate.sdpMid, candidate.ip, candidate.port) == ("1", "192.0.2.1", 5000)


def test_a_candidate_without_a_section_belongs_to_the_first() -> None:
    """A fragment that names no section means the first."""
    [candidate] = parse_fragment(f"a={CANDIDATE}").candidates
    assert candidate.sdpMLineIndex == 0


def test_the_end_of_candidates_alone_is_a_fragment() -> None:
    """A client may say just that it has no more candidates."""
    assert parse_fragment("a=end-of-candidates").candidates == ()


@pytest.mark.parametrize("text", ["", "nonsense", "a=candidate:1 1 udp x 192.0.2.1 5000 typ host"])
def test_refuses_what_is_no_fragment(text: str) -> None:
    """A body without ICE session and candidate, or with a malformed one, is refused."""
    with pytest.raises(InvalidRequest):
        parse_fragment(text)
