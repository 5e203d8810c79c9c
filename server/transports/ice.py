"""ICE on our side: servers, candidates that can be used, and the fragments in which candidates trickle in."""

import ipaddress
from dataclasses import dataclass

from aiortc import RTCConfiguration, RTCIceCandidate, RTCIceServer
from aiortc.rtcicetransport import parse_stun_turn_uri
from aiortc.sdp import candidate_from_sdp

from server.domain.errors import InvalidRequest, SettingsError, TooLarge

# A browser has a handful of interfaces; each candidate costs checks from each of ours, and has us send to its address.
MAX_CANDIDATES = 64
_CANDIDATE_TYPES = ("host", "srflx", "prflx", "relay")


@dataclass(frozen=True, slots=True)
class IceServer:
    """A STUN or TURN server; SettingsError for an address that is none."""

    urls: tuple[str, ...]
    username: str | None = None
    credential: str | None = None

    def __post_init__(self) -> None:
        for url in self.urls:
            try:
                parse_stun_turn_uri(url)
            except ValueError as exc:
                raise SettingsError(f"webrtc.ice_servers: {url!r} is not the address of a STUN or TURN server: {exc}") from exc


@dataclass(frozen=True, slots=True)
class IceFragment:
    """What a client sends after its offer (RFC 8840): `candidates` with their `sdpMid`, under the names of one ICE session."""

    username: str | None
    password: str | None
    candidates: tuple[RTCIceCandidate, ...]


def rtc_configuration(servers: tuple[IceServer, ...]) -> RTCConfiguration:
    """The configuration of a peer connection; explicit even when empty, because aiortc's default asks a public STUN server."""
    return RTCConfiguration(
        iceServers=[
            RTCIceServer(list(server.urls), username=server.username, credential=server.credential) for server in servers
        ]
    )


def is_usable_candidate(line: str) -> bool:
    """Whether an `a=candidate:` line names a UDP candidate by IP address and a port that there is.

    Names ending in `.local` would each be looked up by multicast for a second (RFC 8828 gives us peer-reflexive candidates in
    their place); other names are of no use to aioice, nor is TCP, nor another component than the first: RTCP has no port of
    its own here.
    """
    fields = line.split()
    if len(fields) < 8 or fields[1] != "1" or fields[2].lower() != "udp" or fields[7] not in _CANDIDATE_TYPES:
        return False
    if not (fields[5].isascii() and fields[5].isdecimal() and len(fields[5]) <= 5 and 1 <= int(fields[5]) <= 65535):
        return False
    try:
        ipaddress.ip_address(fields[4])
    except ValueError:
        return False
    return True


def check_candidates(number: int, *, most: int) -> None:
    """Raises TooLarge where a client has named more candidates that can be used than `most`."""
    if number > most:
        raise TooLarge(f"{number} candidates are more than the {most} that a connection may have (webrtc.max_candidates)")


def parse_fragment(text: str) -> IceFragment:
    """Reads the body of a PATCH, `application/trickle-ice-sdpfrag`; candidates that are of no use to us are left out."""
    username = password = mid = None
    candidates: list[RTCIceCandidate] = []
    for line in text.splitlines():
        name, _, value = line.strip().removeprefix("a=").partition(":")
        if name == "ice-ufrag":
            username = value
        elif name == "ice-pwd":
            password = value
        elif name == "mid":
            mid = value
        elif name == "candidate" and is_usable_candidate(value):
            candidates.append(_candidate(value, mid=mid))
    if username is None and not candidates and "end-of-candidates" not in text:
        raise InvalidRequest("the ICE fragment names no ICE session and no candidate")
    return IceFragment(username, password, tuple(candidates))


def _candidate(value: str, *, mid: str | None) -> RTCIceCandidate:
    try:
        candidate = candidate_from_sdp(value)
    except ValueError as exc:
        raise InvalidRequest(f"malformed candidate: {exc}") from exc
    candidate.sdpMid = mid
    if mid is None:
        candidate.sdpMLineIndex = 0
    return candidate
