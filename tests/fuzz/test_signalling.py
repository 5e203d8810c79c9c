"""Offers and fragments: SDP of real browsers and of aiortc, mutated, to the parser and to the server."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from server.domain.errors import InvalidRequest
from server.transports.ice import parse_fragment
from server.transports.sdp import announce_address, read_data_offer, read_offer, read_viewer_offer, with_unused
from tests.fuzz.bounds import bounded
from tests.fuzz.mutations import mutated_lines
from tests.fuzz.served import Served
from tests.web.test_whip_conformance import make_whip_offer

OFFERS = [file.read_text("utf-8") for file in sorted((Path(__file__).parent / "offers").glob("*.sdp"))] + [make_whip_offer()]
VIEWER_OFFERS = [offer.replace("a=sendrecv", "a=recvonly") for offer in OFFERS]
FRAGMENTS = [
    "a=ice-ufrag:abcd\r\na=ice-pwd:0123456789012345678901\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:0\r\n"
    "a=candidate:1 1 udp 2130706431 127.0.0.1 50000 typ host\r\n"
    "a=candidate:2 1 udp 1694498815 127.0.0.1 50001 typ srflx raddr 127.0.0.1 rport 9\r\na=end-of-candidates\r\n"
]
SDP = {"Content-Type": "application/sdp"}
FRAGMENT = {"Content-Type": "application/trickle-ice-sdpfrag", "If-Match": "*"}
REFUSALS = {400, 413, 415, 422}


@bounded(400)
@given(offer=mutated_lines(OFFERS))
def test_an_offer_is_read_or_refused(offer: str) -> None:
    """Whatever was done to it, it is one of the two, and what was left out can be put back."""
    for read in (read_offer, read_viewer_offer):
        try:
            found = read(offer)
        except InvalidRequest:
            continue
        assert announce_address(with_unused(found.sdp, found.unused), "")
    try:
        read_data_offer(offer)
    except InvalidRequest:
        pass


@bounded(25)
@given(offer=mutated_lines(OFFERS, most=3), query=st.sampled_from(("", "?return=annotated")))
def test_whip_opens_a_session_or_refuses(served: Served, offer: str, query: str) -> None:
    """201 and a session that can be ended, or a refusal; places are not used up by it."""
    answer = served.ask("POST", f"/whip{query}", headers=SDP, body=offer.encode("utf-8", "replace"))
    assert answer.status in REFUSALS | {201}, answer.body
    if answer.status == 201:
        assert b"m=video" in answer.body
        assert served.ask("DELETE", answer.headers["location"]).status == 200


@bounded(40)
@given(offer=mutated_lines(VIEWER_OFFERS, most=3))
def test_an_offer_of_a_path_check_is_answered_or_refused(served: Served, offer: str) -> None:
    """The offers of publishers are no offers of one data channel; whatever they become, they are refused or answered."""
    answer = served.ask("POST", "/api/doctor/path", headers=SDP, body=offer.encode("utf-8", "replace"))
    assert answer.status in REFUSALS | {200, 503}, answer.body


@bounded(200)
@given(fragment=mutated_lines(FRAGMENTS))
def test_a_fragment_is_read_or_refused(fragment: str) -> None:
    """Whatever was done to it, it is one of the two."""
    try:
        found = parse_fragment(fragment)
    except InvalidRequest:
        return
    assert found.candidates or found.username is not None or "end-of-candidates" in fragment


@bounded(15)
@given(fragments=st.lists(mutated_lines(FRAGMENTS, most=3), min_size=1, max_size=4))
def test_candidates_are_taken_or_refused(served: Served, fragments: list[str]) -> None:
    """The fragments of a session, mutated: 204, or why not; the session can be ended after all of them."""
    opened = served.ask("POST", "/whip", headers=SDP, body=OFFERS[0].encode())
    assert opened.status == 201, opened.body
    for fragment in fragments:
        body = fragment.encode("utf-8", "replace")
        answer = served.ask("PATCH", opened.headers["location"], headers=FRAGMENT, body=body)
        assert answer.status in REFUSALS | {204, 412}, answer.body
    assert served.ask("DELETE", opened.headers["location"]).status == 200
