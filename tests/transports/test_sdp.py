"""Offers that can and cannot be used, and the address in the answer."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.domain.errors import InvalidRequest, TooLarge, Unprocessable
from server.transports.ice import MAX_CANDIDATES
from server.transports.sdp import announce_address, read_offer, with_one_fingerprint, with_unused

FINGERPRINT = ":".join(["AB"] * 32)


def make_offer(*, video: str = "a=sendonly", codec: str = "VP8/90000", extra: str = "", session: str = "") -> str:
    """An offer with one video section."""
    lines = f"""v=0
o=- 1 1 IN IP4 127.0.0.1
s=-
t=0 0
{session}
m=video 9 UDP/TLS/RTP/SAVPF 96
c=IN IP4 0.0.0.0
a=mid:0
{video}
a=rtcp-mux
a=rtpmap:96 {codec}
a=ice-ufrag:abcd
a=ice-pwd:0123456789012345678901
a=fingerprint:sha-256 {FINGERPRINT}
a=setup:actpass
{extra}
"""
    return "".join(f"{line}\r\n" for line in lines.splitlines() if line)


def test_reads_a_publisher_s_offer() -> None:
    """A sendonly offer is usable and wants nothing back."""
    offer = read_offer(make_offer())
    assert not offer.wants_video_back
    assert offer.ice_username == "abcd"


def test_a_sendrecv_offer_wants_video_back() -> None:
    """A sendrecv video section can take the annotated video."""
    assert read_offer(make_offer(video="a=sendrecv")).wants_video_back


def test_a_section_without_direction_is_sendrecv() -> None:
    """The default direction is sendrecv."""
    offer = read_offer(make_offer(video=""))
    assert offer.wants_video_back
    assert "a=sendrecv" in offer.sdp


def test_a_session_s_direction_holds_for_its_sections() -> None:
    """A direction before the first section is the default of all sections."""
    assert not read_offer(make_offer(video="", session="a=sendonly")).wants_video_back


def test_local_names_and_tcp_are_left_out() -> None:
    """Candidates that are names or TCP are of no use and cost time."""
    offer = read_offer(
        make_offer(
            extra="a=candidate:1 1 udp 2130706431 0bd2.local 5000 typ host\n"
            "a=candidate:2 1 tcp 2130706431 192.0.2.1 9 typ host tcptype active\n"
            "a=candidate:3 1 udp 2130706431 192.0.2.1 5001 typ host\n"
            "a=end-of-candidates"
        )
    )
    kept = [line for line in offer.sdp.splitlines() if "candidate" in line]
    assert kept == ["a=candidate:3 1 udp 2130706431 192.0.2.1 5001 typ host"]


def test_the_number_of_candidates_is_bounded() -> None:
    """An offer with more candidates that can be used is refused; those that are of no use do not count."""
    lines = [f"a=candidate:{number} 1 udp 1 192.0.2.1 {5000 + number} typ host" for number in range(MAX_CANDIDATES)]
    useless = ["a=candidate:1 1 tcp 1 192.0.2.1 9 typ host tcptype active"] * 200
    assert read_offer(make_offer(extra="\n".join(lines + useless))).candidates == MAX_CANDIDATES
    with pytest.raises(TooLarge, match=r"65 candidates are more than the 64 .* \(webrtc.max_candidates\)"):
        read_offer(make_offer(extra="\n".join([*lines, lines[0]])))


@pytest.mark.parametrize("direction", ["recvonly", "inactive"])
def test_refuses_an_offer_that_sends_no_video(direction: str) -> None:
    """A viewer's offer cannot be processed here."""
    with pytest.raises(Unprocessable, match="sends no video"):
        read_offer(make_offer(video=f"a={direction}"))


def test_refuses_an_offer_without_video() -> None:
    """Audio alone cannot be processed."""
    audio = make_offer(codec="opus/48000/2").replace("m=video", "m=audio")
    with pytest.raises(Unprocessable, match="no video section"):
        read_offer(audio)


@pytest.mark.parametrize("codec", ["AV1/90000", "H265/90000", "VP9/90000"])
def test_refuses_an_offer_without_a_usable_codec(codec: str) -> None:
    """Video that we cannot decode cannot be processed."""
    with pytest.raises(Unprocessable, match="codec"):
        read_offer(make_offer(codec=codec))


def test_refuses_two_video_sections() -> None:
    """One session has one picture."""
    offer = make_offer()
    with pytest.raises(Unprocessable, match="more than one"):
        read_offer(offer + offer[offer.index("m=video") :].replace("a=mid:0", "a=mid:1"))


@pytest.mark.parametrize(
    ("missing", "message"),
    [
        ("a=fingerprint", "fingerprint"),
        ("a=setup", "setup"),
        ("a=ice-ufrag", "ICE"),
        ("a=ice-pwd", "ICE"),
        ("a=rtcp-mux", "mux"),
    ],
)
def test_refuses_an_offer_without_what_a_connection_needs(missing: str, message: str) -> None:
    """An offer that lacks a part of its transport is refused, naming the part."""
    lines = [line for line in make_offer().splitlines(keepends=True) if not line.startswith(missing)]
    with pytest.raises(InvalidRequest, match=message):
        read_offer("".join(lines))


@pytest.mark.parametrize("text", ["", "nonsense", "v=0\r\n", "{}", "m=video", "v=0\r\nm=video 9 X\r\n", "\x00" * 100])
def test_refuses_what_is_not_sdp(text: str) -> None:
    """Anything that is no SDP is an invalid request."""
    with pytest.raises(InvalidRequest):
        read_offer(text)


@pytest.mark.parametrize("group", ["BUNDLE 9", "BUNDLE 9 0", "BUNDLE 0 9", "BUNDLE 0 0"])
def test_refuses_a_bundle_of_sections_that_are_not_there(group: str) -> None:
    """A group names sections of the offer, each once."""
    with pytest.raises(InvalidRequest, match="BUNDLE"):
        read_offer(make_offer(session=f"a=group:{group}"))


def test_refuses_two_sections_of_one_name() -> None:
    """Nobody could tell which one a group means."""
    offer = make_offer()
    audio = offer[offer.index("m=video") :].replace("m=video", "m=audio").replace("VP8/90000", "opus/48000/2")
    with pytest.raises(InvalidRequest, match="same mid"):
        read_offer(offer + audio)


REJECTED = "m=audio 0 UDP/TLS/RTP/SAVPF 111\r\na=mid:1\r\na=rtpmap:111 opus/48000/2\r\n"


def test_a_section_that_the_client_has_rejected_is_left_out() -> None:
    """A section of port 0 needs no transport, and comes back in the answer at its place."""
    text = make_offer()
    offer = read_offer(text.replace("m=video", f"{REJECTED}m=video"))
    assert "m=audio" not in offer.sdp
    assert with_unused("v=0\r\nm=video 9 X\r\na=mid:0\r\n", offer.unused) == (
        "v=0\r\nm=audio 0 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 0.0.0.0\r\na=mid:1\r\na=inactive\r\nm=video 9 X\r\na=mid:0\r\n"
    )


def test_a_bundled_section_of_port_0_is_used() -> None:
    """Port 0 with `bundle-only` is no rejection."""
    offer = read_offer(make_offer(extra="a=bundle-only").replace("m=video 9", "m=video 0"))
    assert offer.unused == {}


def test_refuses_an_offer_whose_video_is_rejected() -> None:
    """A rejected video section sends nothing."""
    audio = make_offer(codec="opus/48000/2").replace("m=video", "m=audio")
    with pytest.raises(Unprocessable, match="no video section"):
        read_offer(audio + REJECTED.replace("audio", "video"))


@given(st.data())
def test_a_damaged_offer_is_read_or_refused(data: st.DataObject) -> None:
    """An offer with lines taken out, doubled or cut raises nothing but a refusal."""
    lines = make_offer(extra="a=fmtp:96 x=1\na=rtcp-fb:96 nack\na=ssrc:1 cname:x\na=extmap:1 urn:x").splitlines()
    damaged = []
    for line in lines:
        match data.draw(st.sampled_from(["keep", "keep", "keep", "drop", "double", "cut"])):
            case "keep":
                damaged.append(line)
            case "double":
                damaged += [line, line]
            case "cut":
                damaged.append(line[: data.draw(st.integers(0, len(line)))])
    try:
        read_offer("\r\n".join(damaged))
    except InvalidRequest:
        pass


ANSWER = (
    "m=video 40000 UDP/TLS/RTP/SAVPF 96\r\nc=IN IP4 10.0.0.5\r\n"
    "a=candidate:1 1 udp 2130706431 10.0.0.5 40000 typ host\r\n"
    "a=candidate:2 1 udp 2130706431 fd00::5 40001 typ host\r\n"
    "a=candidate:3 1 udp 1694498815 198.51.100.1 40002 typ srflx raddr 10.0.0.5 rport 40000\r\n"
)


def test_the_public_address_replaces_private_ones_of_its_version() -> None:
    """Host candidates of the same IP version carry the public address; others stay."""
    answer = announce_address(ANSWER, "203.0.113.9")
    assert "c=IN IP4 203.0.113.9\r\n" in answer
    assert "203.0.113.9 40000 typ host" in answer
    assert "fd00::5 40001 typ host" in answer
    assert "198.51.100.1 40002 typ srflx raddr 10.0.0.5" in answer


def test_one_fingerprint_is_left_in_each_section() -> None:
    """The others of aiortc would make OBS compare unlike things."""
    section = "m=video 9 X 96\r\na=fingerprint:sha-256 AA\r\na=fingerprint:sha-384 BB\r\na=fingerprint:sha-512 CC\r\n"
    assert with_one_fingerprint(section * 2) == "m=video 9 X 96\r\na=fingerprint:sha-256 AA\r\n" * 2


def test_without_a_public_address_the_answer_stays() -> None:
    """An empty address changes nothing."""
    assert announce_address(ANSWER, "") == ANSWER
