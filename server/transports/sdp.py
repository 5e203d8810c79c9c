"""Offers and answers: what of a client's SDP can be used, and how ours is told to the outside."""

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from aiortc.codecs import CODECS, is_rtx
from aiortc.rtcpeerconnection import find_common_codecs
from aiortc.sdp import DIRECTIONS, MediaDescription, SessionDescription

from server.domain.errors import InvalidRequest, Unprocessable
from server.transports.h264 import Formats, as_known
from server.transports.ice import MAX_CANDIDATES, check_candidates, is_usable_candidate

# What aiortc's parser lets out on text that is not SDP: it asserts, unpacks and looks up without asking.
_PARSER_ERRORS = (AssertionError, AttributeError, IndexError, KeyError, StopIteration, TypeError, ValueError)
_KINDS = ("audio", "video", "application")


@dataclass(frozen=True, slots=True)
class Offer:
    """An offer that can be answered.

    `sdp` is its text without what aiortc would stumble over. `wants_video_back` tells that its video section is `sendrecv`.
    `ice_username` names the client's ICE session; another one means an ICE restart. `unused` are the sections that the client
    itself does not use, by their position, as the answer must repeat them; `sdp` is without them. `h264_formats` are those that
    the client has offered where `sdp` has others, `candidates` counts those in it.
    """

    sdp: str
    wants_video_back: bool
    ice_username: str
    unused: Mapping[int, str] = field(default_factory=dict)
    h264_formats: Formats = field(default_factory=dict)
    candidates: int = 0


def read_offer(text: str, *, max_candidates: int = MAX_CANDIDATES) -> Offer:
    """Checks a publisher's offer.

    Raises InvalidRequest when it is not SDP, TooLarge when it has too many candidates, Unprocessable when there is no video
    that can be used.
    """
    used, unused = _split(text, max_candidates=max_candidates)
    sdp, formats = as_known(used)
    offer = _read(sdp, directions=("sendonly", "sendrecv"), otherwise="it sends no video")
    return replace(offer, unused=unused, h264_formats=formats)


def read_viewer_offer(text: str, *, max_candidates: int = MAX_CANDIDATES) -> Offer:
    """Checks a viewer's offer; raises as `read_offer` does."""
    sdp, unused = _split(text, max_candidates=max_candidates)
    offer = _read(sdp, directions=("recvonly", "sendrecv"), otherwise="it takes no video")
    return replace(offer, unused=unused)


def _split(text: str, *, max_candidates: int) -> tuple[str, dict[int, str]]:
    """The tidied offer without the sections that the client itself does not use, and those by their position."""
    head, *sections = _sections(text)
    unused = {place: _repeated(section) for place, section in enumerate(sections) if _is_unused(section)}
    sdp = _tidied(head, [section for place, section in enumerate(sections) if place not in unused])
    check_candidates(_candidates(sdp), most=max_candidates)
    return sdp, unused


def _read(sdp: str, *, directions: tuple[str, ...], otherwise: str) -> Offer:
    description = _parse(sdp)
    video = _video(description)
    if video.direction not in directions:
        raise Unprocessable(f"the offer's video section is {video.direction}: {otherwise}")
    for media in description.media:
        _check_transport(media)
    wants_back = video.direction == "sendrecv"
    return Offer(sdp, wants_video_back=wants_back, ice_username=_ice_username(video), candidates=_candidates(sdp))


def read_data_offer(text: str, *, max_candidates: int = MAX_CANDIDATES) -> str:
    """Checks an offer of one data channel and nothing else, and returns it tidied; raises as `read_offer` does."""
    sdp, _ = _split(text, max_candidates=max_candidates)
    description = _parse(sdp)
    if [media.kind for media in description.media] != ["application"]:
        raise Unprocessable("the offer must have one data channel section and no other")
    _check_transport(description.media[0])
    return sdp


def _parse(sdp: str) -> SessionDescription:
    """The offer, its sections and groups checked."""
    try:
        description = SessionDescription.parse(sdp)
    except _PARSER_ERRORS as exc:
        raise InvalidRequest("the offer is not valid SDP") from exc
    _check_sections(description)
    _check_bundle(description)
    return description


def with_unused(answer: str, unused: Mapping[int, str]) -> str:
    """The answer with the sections that the offer did not use at their places: both have the same ones (RFC 3264, 6)."""
    head, *sections = ("\r\n".join([*lines, ""]) for lines in _sections(answer))
    for place in sorted(unused):
        sections.insert(place, unused[place])
    return "".join([head, *sections])


def with_one_fingerprint(answer: str) -> str:
    """The answer with the SHA-256 fingerprints alone, which every client knows.

    libdatachannel (OBS) keeps the last that it reads, and where its ICE connects before it has read the answer it compares
    that one with a SHA-256: with aiortc's three, SHA-512 last, two of eight connections failed.
    """
    lines = answer.splitlines(keepends=True)
    return "".join(line for line in lines if not line.startswith("a=fingerprint:") or line.startswith("a=fingerprint:sha-256 "))


def announce_address(answer: str, public_address: str) -> str:
    """The answer with `public_address` in place of our private addresses of the same IP version.

    Behind a 1:1 NAT the private ones lead nowhere. An empty address changes nothing.
    """
    if not public_address:
        return answer
    public = ipaddress.ip_address(public_address)
    return "".join(_announced(line, public) for line in answer.splitlines(keepends=True))


def _sections(text: str) -> list[list[str]]:
    """The lines of a description: those before the first section, then those of each."""
    sections: list[list[str]] = [[]]
    for line in text.splitlines():
        if line.startswith("m="):
            sections.append([])
        sections[-1].append(line)
    return sections


def _is_unused(section: list[str]) -> bool:
    """Whether the client has rejected a section: port 0, which bundled ones may have too (RFC 9143, 6)."""
    return section[0].split()[1:2] == ["0"] and "a=bundle-only" not in section


def _repeated(section: list[str]) -> str:
    """A section that is not used, in our words."""
    kept = [line for line in section[1:] if line.startswith("a=mid:")]
    return "".join(f"{line}\r\n" for line in [section[0], "c=IN IP4 0.0.0.0", *kept, "a=inactive"])


def _tidied(head: list[str], sections: list[list[str]]) -> str:
    """The offer with a direction in every section, and only candidates that are of use."""
    # Without one a section is sendrecv (RFC 8866, 6.7); aiortc knows no default.
    default = _direction(head) or "sendrecv"
    lines = list(head)
    for section in sections:
        for line in section:
            # Once it has heard of the end aioice takes no candidate that trickles in, and fails where all were names.
            if line.startswith("a=end-of-candidates"):
                continue
            if line.startswith("a=candidate:") and not is_usable_candidate(line.removeprefix("a=candidate:")):
                continue
            lines.append(line)
        if not section[0].startswith("m=application") and _direction(section) is None:
            lines.append(f"a={default}")
    return "".join(f"{line}\r\n" for line in lines)


def _candidates(sdp: str) -> int:
    return sum(line.startswith("a=candidate:") for line in sdp.splitlines())


def _direction(lines: list[str]) -> str | None:
    return next((line[2:].strip() for line in lines if line.startswith("a=") and line[2:].strip() in DIRECTIONS), None)


def _check_sections(description: SessionDescription) -> None:
    """Refuses what nobody sends: one stream has one picture, one sound and one data transport (RFC 9725, 4.4)."""
    if not description.media:
        raise InvalidRequest("the offer is not valid SDP: it has no media section")
    kinds = [media.kind for media in description.media]
    for kind in kinds:
        if kind not in _KINDS:
            raise Unprocessable(f"the offer has a section that cannot be answered: {kind}")
        if kinds.count(kind) > 1:
            raise Unprocessable(f"the offer has more than one {kind} section")


def _check_bundle(description: SessionDescription) -> None:
    """Refuses a group whose sections are not all there, once each: aiortc looks them up by their names without asking."""
    mids = [media.rtp.muxId for media in description.media if media.rtp.muxId]
    if len(set(mids)) < len(mids):
        raise InvalidRequest("the offer has two sections of the same mid")
    for group in description.group:
        if group.semantic != "BUNDLE":
            continue
        names = [str(name) for name in group.items]
        if len(set(names)) < len(names) or not set(names) <= set(mids):
            raise InvalidRequest(f"the offer's BUNDLE group does not name sections of it, each once: {' '.join(names)}")


def _video(description: SessionDescription) -> MediaDescription:
    sections = [media for media in description.media if media.kind == "video"]
    if not sections:
        raise Unprocessable("the offer has no video section")
    video = sections[0]
    if not _codecs(video):
        raise Unprocessable("the offer's video section has no codec in common with us: H.264 or VP8")
    return video


def _check_transport(media: MediaDescription) -> None:
    """Refuses what aiortc would fail on halfway, or answer wrongly."""
    if media.dtls is None or not media.dtls.fingerprints:
        raise InvalidRequest(f"the offer's {media.kind} section has no DTLS fingerprint or setup attribute")
    _ice_username(media)
    if media.kind == "application":
        if media.profile != "DTLS/SCTP" and media.sctp_port is None:
            raise InvalidRequest("the offer's data channel section has no sctp-port")
        return
    if not media.rtcp_mux:
        raise Unprocessable(f"the offer's {media.kind} section does without rtcp-mux")
    if not _codecs(media):
        raise Unprocessable(f"the offer's {media.kind} section has no codec in common with us")


def _ice_username(media: MediaDescription) -> str:
    if media.ice is None or not media.ice.usernameFragment or not media.ice.password:
        raise InvalidRequest(f"the offer's {media.kind} section has no ICE name and password")
    return media.ice.usernameFragment


def _codecs(media: MediaDescription) -> list[str]:
    """MIME types of the codecs that both sides know."""
    return [codec.mimeType for codec in find_common_codecs(CODECS[media.kind], media.rtp.codecs) if not is_rtx(codec)]


def _announced(line: str, public: ipaddress.IPv4Address | ipaddress.IPv6Address) -> str:
    if line.startswith("a=candidate:"):
        fields = line.split(" ")
        if fields[7].strip() == "host":
            fields[4] = _replaced(fields[4], public)
        return " ".join(fields)
    if line.startswith("c=IN IP"):
        version, address = line.split()[1:3]
        return f"c=IN {version} {_replaced(address, public)}\r\n"
    return line


def _replaced(address: str, public: ipaddress.IPv4Address | ipaddress.IPv6Address) -> str:
    private = ipaddress.ip_address(address)
    if private.version != public.version or private.is_loopback or private.is_unspecified:
        return address
    return str(public)
