"""H.264 formats that aiortc does not know: told to it as one that it does, and back to the client in its own words."""

import pytest

from server.transports.h264 import as_known, in_offered_words
from server.transports.sdp import read_offer
from tests.transports.test_sdp import make_offer

HIGH = "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=64001f"
ANSWER = (
    "m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=rtpmap:96 H264/90000\r\na=fmtp:96 packetization-mode=1;profile-level-id=42e01f\r\n"
)


def offer_of(parameters: str) -> str:
    """An offer of H.264 with these format parameters."""
    return make_offer(codec="H264/90000", extra=f"a=fmtp:96 {parameters}" if parameters else "")


@pytest.mark.parametrize("parameters", [HIGH, "profile-level-id=4D0029;packetization-mode=1", "packetization-mode=0", ""])
def test_takes_any_profile_and_packet_form(parameters: str) -> None:
    """Main, High, single packets and no parameters at all are read, and stand in the answer as they were offered."""
    offer = read_offer(offer_of(parameters))
    assert offer.h264_formats == {"96": parameters}
    answer = in_offered_words(ANSWER, offer.h264_formats)
    formats = [line for line in answer.splitlines() if line.startswith("a=fmtp")]
    assert formats == ([f"a=fmtp:96 {parameters}"] if parameters else [])


@pytest.mark.parametrize("profile", ["42e01f", "42001e", "42C01F"])
def test_leaves_known_profiles_alone(profile: str) -> None:
    """Baseline and Constrained Baseline are negotiated by aiortc itself."""
    offer = offer_of(f"packetization-mode=1;profile-level-id={profile}")
    assert as_known(offer) == (offer, {})


def test_leaves_an_offer_alone_that_has_another_codec() -> None:
    """Where VP8 is offered as well there is something in common, and the profile stays what it is."""
    offer = offer_of(HIGH).replace("a=rtpmap:96", "a=rtpmap:97 VP8/90000\r\na=rtpmap:96")
    assert as_known(offer) == (offer, {})


def test_keeps_the_other_parameters() -> None:
    """What else the client says of its H.264 reaches aiortc."""
    sdp, _ = as_known(offer_of(HIGH))
    assert "a=fmtp:96 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f\r\n" in sdp


def test_each_payload_type_has_its_own_words() -> None:
    """Several formats are each answered as they were offered."""
    offer = offer_of(HIGH).replace("a=rtpmap:96", "a=rtpmap:97 H264/90000\r\na=fmtp:97 profile-level-id=4d001f\r\na=rtpmap:96")
    assert as_known(offer)[1] == {"97": "profile-level-id=4d001f", "96": HIGH}


def test_an_offer_without_video_is_left_to_others() -> None:
    """What has no video section is refused elsewhere."""
    assert as_known("v=0\r\nm=audio 9 X 96\r\n") == ("v=0\r\nm=audio 9 X 96\r\n", {})
