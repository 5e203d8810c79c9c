"""RFC 9725 (WHIP): what a client that follows it may rely on, in the order of its section 4.

The offers are texts, so that they can be whatever a client might send; nobody connects.
"""

from urllib.parse import urljoin

import pytest
from aiohttp import ClientResponse
from yarl import URL

from server.config.settings import Auth, IceServer, Live, Settings, Webrtc
from tests.conftest import Client, ClientFactory, with_sections
from tests.transports.test_sdp import make_offer

SDP = {"Content-Type": "application/sdp"}
FRAGMENT = {"Content-Type": "application/trickle-ice-sdpfrag"}
ICE = "a=ice-ufrag:abcd\r\na=ice-pwd:0123456789012345678901\r\n"
CANDIDATE = "a=candidate:1 1 udp 2130706431 192.0.2.9 50000 typ host\r\n"


def make_whip_offer(*, setup: str = "actpass", bundle_only: bool = True) -> str:
    """Audio and video as section 4.4 has them: one bundle, one stream, RTCP multiplexed; the second section is bundle-only."""
    video = make_offer().replace("a=setup:actpass", f"a=setup:{setup}").replace("a=mid:0", "a=mid:1")
    head, section = video[: video.index("m=video")], video[video.index("m=video") :]
    audio = section.replace("m=video", "m=audio").replace("VP8/90000", "opus/48000/2").replace("a=mid:1", "a=mid:0")
    if bundle_only:
        section = section.replace("m=video 9", "m=video 0") + "a=bundle-only\r\n"
    return f"{head}a=group:BUNDLE 0 1\r\n{audio}{section}"


async def publish(client: Client, offer: str = "") -> ClientResponse:
    """Sends an offer."""
    return await client.post("/whip", data=offer or make_whip_offer(), headers=SDP)


async def patch(client: Client, opened: ClientResponse, body: str, *, etag: str | None = "") -> ClientResponse:
    """Sends a fragment with the session's entity tag, another one, or none."""
    tag = opened.headers["ETag"] if etag == "" else etag
    return await client.patch(opened.headers["Location"], data=body, headers=FRAGMENT | ({"If-Match": tag} if tag else {}))


def sections(sdp: str) -> list[str]:
    """The media sections of a description."""
    return sdp.split("\nm=")[1:]


async def test_setup_an_offer_is_answered_201(client: Client) -> None:
    """201 Created, an answer as application/sdp, and the session's address in Location, relative or absolute."""
    opened = await publish(client)
    assert opened.status == 201
    assert opened.content_type == "application/sdp"
    location = URL(urljoin(str(opened.url), opened.headers["Location"]))
    assert location.origin() == opened.url.origin()
    assert (await client.options(location.path)).ok


async def test_setup_the_answer_fits_the_offer(client: Client) -> None:
    """It has the offer's sections in their order, each receiving, bundled, with RTCP multiplexed, and all our candidates."""
    answer = await (await publish(client)).text()
    assert "a=group:BUNDLE 0 1" in answer
    assert [section.split()[0] for section in sections(answer)] == ["audio", "video"]
    for section in sections(answer):
        for line in ("a=recvonly", "a=rtcp-mux", "a=candidate:", "a=end-of-candidates", "a=fingerprint:"):
            assert line in section


@pytest.mark.parametrize(("offered", "answered"), [("actpass", "active"), ("active", "passive"), ("passive", "active")])
async def test_constraint_every_dtls_role_is_taken(client: Client, offered: str, answered: str) -> None:
    """A client that is only DTLS client (active) is served, and so is FFmpeg, which is only server (passive)."""
    answer = await (await publish(client, make_whip_offer(setup=offered))).text()
    assert all(f"a=setup:{answered}" in section for section in sections(answer))


async def test_constraint_sections_need_not_be_bundle_only(client: Client) -> None:
    """An offer that leaves bundle-only out, as older clients do, is answered."""
    assert (await publish(client, make_whip_offer(bundle_only=False))).status == 201


async def test_constraint_no_answer_is_partly_successful(client: Client) -> None:
    """Two video sections, or a section that cannot be used, refuse the whole offer: 422, and no session."""
    offer = make_whip_offer()
    second = offer + offer[offer.index("m=video") :].replace("a=mid:1", "a=mid:2")
    for refused in (second, offer.replace("opus/48000/2", "speex/16000"), offer.replace("VP8/90000", "AV1/90000")):
        assert (await publish(client, refused)).status == 422
    assert (await (await client.get("/api/streams")).json())["streams"] == []


@pytest.mark.parametrize(
    ("content_type", "body", "status"), [("text/plain", make_whip_offer(), 415), ("application/sdp", "no sdp", 400)]
)
async def test_setup_refuses_what_is_no_offer(client: Client, content_type: str, body: str, status: int) -> None:
    """Another content type is 415, a malformed body 400."""
    assert (await client.post("/whip", data=body, headers={"Content-Type": content_type})).status == status


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE"])
async def test_setup_other_methods_of_the_endpoint_are_reserved(client: Client, method: str) -> None:
    """405, with those that are taken in Allow."""
    answer = await client.request(method, "/whip")
    assert answer.status == 405
    assert set(answer.headers["Allow"].replace(" ", "").split(",")) == {"OPTIONS", "POST"}


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT"])
async def test_setup_other_methods_of_a_session_are_reserved(client: Client, method: str) -> None:
    """405 at a session that exists."""
    assert (await client.request(method, (await publish(client)).headers["Location"])).status == 405


async def test_setup_options_names_what_is_taken(client: Client) -> None:
    """The endpoint names application/sdp, the session the fragments of trickle ICE."""
    assert (await client.options("/whip")).headers["Accept-Post"] == "application/sdp"
    session = await client.options((await publish(client)).headers["Location"])
    assert session.headers["Accept-Patch"] == "application/trickle-ice-sdpfrag"


async def test_setup_delete_ends_the_session(client: Client) -> None:
    """200; an entity tag is ignored there, and afterwards there is nothing at the address."""
    opened = await publish(client)
    ended = await client.delete(opened.headers["Location"], headers={"If-Match": '"another"'})
    assert ended.status == 200
    assert (await client.delete(opened.headers["Location"])).status == 404
    assert (await patch(client, opened, CANDIDATE)).status == 404


async def test_ice_the_entity_tag_is_strong_and_of_its_own(client: Client) -> None:
    """Each session has a strong entity tag that no other has."""
    tags = {(await publish(client)).headers["ETag"] for _ in range(3)}
    assert len(tags) == 3
    assert all(tag.startswith('"') and tag.endswith('"') for tag in tags)


@pytest.mark.parametrize(
    "body",
    [
        f"{ICE}m=audio 9 RTP/AVP 0\r\na=mid:0\r\n{CANDIDATE}a=end-of-candidates\r\n",
        f"{ICE}a=mid:0\r\n{CANDIDATE}",
        f"{ICE}m=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:0\r\na=end-of-candidates\r\n",
        f"{ICE}m=audio 9 RTP/AVP 0\r\na=mid:0\r\na=candidate:1 1 tcp 1518280447 192.0.2.1 9 typ host tcptype active\r\n",
        f"{ICE}m=audio 9 RTP/AVP 0\r\na=mid:0\r\na=candidate:1 1 udp 1 0bd2.local 5000 typ host\r\n",
        f"{ICE}m=audio 9 RTP/AVP 0\r\na=mid:0\r\na=candidate:1 1 udp 1 nowhere.example 5000 typ host ufrag abcd\r\n",
    ],
)
async def test_ice_candidates_are_taken(client: Client, body: str) -> None:
    """204 without a body; candidates that are of no use, by TCP or by name, are passed over in silence."""
    answer = await patch(client, await publish(client), body)
    assert (answer.status, await answer.read()) == (204, b"")


@pytest.mark.parametrize(("etag", "status"), [('"another"', 412), ('W/"another"', 412), (None, 428)])
async def test_ice_candidates_need_the_entity_tag(client: Client, etag: str | None, status: int) -> None:
    """412 for another ICE session's tag, 428 for none."""
    assert (await patch(client, await publish(client), CANDIDATE, etag=etag)).status == status


@pytest.mark.parametrize(
    ("content_type", "body", "status"), [("text/plain", CANDIDATE, 415), (FRAGMENT["Content-Type"], "x", 400)]
)
async def test_ice_refuses_what_is_no_fragment(client: Client, content_type: str, body: str, status: int) -> None:
    """Another content type is 415, a malformed body 400."""
    location = (await publish(client)).headers["Location"]
    answer = await client.patch(location, data=body, headers={"Content-Type": content_type, "If-Match": "*"})
    assert answer.status == status


async def test_ice_an_ice_restart_is_refused_and_the_session_goes_on(client: Client) -> None:
    """422, as trickle ICE is all that is supported; the session and its entity tag stay."""
    opened = await publish(client)
    restart = "a=ice-ufrag:ysXw\r\na=ice-pwd:vw5LmwG4y/e6dPP/zAP9Gp5k\r\n"
    assert (await patch(client, opened, restart, etag="*")).status == 422
    assert (await patch(client, opened, ICE + "a=mid:0\r\n" + CANDIDATE)).status == 204


async def test_load_a_full_server_says_when_to_come_back(start_client: ClientFactory, settings: Settings) -> None:
    """503 with Retry-After."""
    client = await start_client(with_sections(settings, live=Live(max_sessions=1)))
    await publish(client)
    refused = await publish(client)
    assert refused.status == 503
    assert int(refused.headers["Retry-After"]) > 0


async def test_servers_ice_servers_are_links(
    start_client: ClientFactory, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each address is a Link with rel="ice-server" in the answer to the offer, and none stands in that to OPTIONS."""
    monkeypatch.setattr("aioice.stun.RETRY_MAX", 0)  # nobody answers at these addresses
    servers = [IceServer(urls=["turn:127.0.0.1:3479?transport=udp"], username="u", credential="p")]
    client = await start_client(with_sections(settings, webrtc=Webrtc(ice_servers=servers)))
    [link] = (await publish(client)).headers.getall("Link")
    assert link.startswith('<turn:127.0.0.1:3479?transport=udp>; rel="ice-server"; username="u"; credential="p"')
    assert "Link" not in (await client.options("/whip")).headers


async def test_access_a_bearer_token_opens_endpoint_and_session(start_client: ClientFactory, settings: Settings) -> None:
    """Without it each request is 401 with a Bearer challenge, except OPTIONS."""
    client = await start_client(with_sections(settings, auth=Auth(api_keys=["a-key"])))
    token = {"Authorization": "Bearer a-key"}
    opened = await client.post("/whip", data=make_whip_offer(), headers=SDP | token)
    location = opened.headers["Location"]
    for refused in (await publish(client), await patch(client, opened, CANDIDATE), await client.delete(location)):
        assert refused.status == 401
        assert refused.headers["WWW-Authenticate"].startswith("Bearer")
    assert (await client.options("/whip")).ok
    assert (await client.options(location)).ok
    assert (await client.delete(location, headers=token)).status == 200
