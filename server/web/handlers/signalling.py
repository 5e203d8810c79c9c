"""Signalling of WebRTC over HTTP, the same for publishers (WHIP, RFC 9725) and viewers (WHEP)."""

from aiohttp import hdrs, web
from multidict import CIMultiDict

from server.domain.errors import InvalidRequest, UnsupportedFormat
from server.transports.ice import IceServer
from server.transports.peer_session import PeerSession
from server.web import keys
from server.web.access import HOLDER, unauthorized
from server.web.api_key import ApiKey
from server.web.problems import Problem
from server.web.upload import read_body

SDP = "application/sdp"
FRAGMENT = "application/trickle-ice-sdpfrag"


async def read_offer(request: web.Request) -> str:
    """The SDP offer in the body; raises UnsupportedFormat, TooLarge, and InvalidRequest for what is not text."""
    return await _read_text(request, content_type=SDP)


async def answer_offer(request: web.Request, session: PeerSession) -> web.Response:
    """201 with the SDP answer; the session's address is below that of the request. It ends with the key that has opened it."""
    if (key := request.get(HOLDER)) is not None:
        await _bind(request, session, key=key)
    headers = CIMultiDict({hdrs.LOCATION: f"{request.path}/{session.id}", hdrs.ETAG: session.etag, "Accept-Patch": FRAGMENT})
    for server in request.app[keys.LIVE].limits.ice_servers.current():
        for url in server.urls:
            headers.add(hdrs.LINK, _link(url, server))
    return web.Response(status=201, body=session.answer_sdp.encode(), content_type=SDP, headers=headers)


async def _bind(request: web.Request, session: PeerSession, *, key: ApiKey) -> None:
    """Has the session end with `key`; raises a 401 problem where that was revoked while the offer was answered."""
    request.app[keys.HELD_OPEN].add_session(session, key=key)
    if key not in request.app[keys.ACCESS].keys:
        await session.aclose("its key was revoked")
        raise unauthorized(request)


async def take_candidates(request: web.Request, session: PeerSession) -> web.Response:
    """Takes candidates that the client found after its offer; the entity tag names the ICE session that they belong to."""
    etag = request.headers.get(hdrs.IF_MATCH)
    if etag is None:
        raise Problem(428, "If-Match must name the ICE session by the ETag of the answer (RFC 9725, section 4.3.1)")
    await session.add_candidates(await _read_text(request, content_type=FRAGMENT), etag)
    return web.Response(status=204)


async def describe(_request: web.Request) -> web.Response:
    """Names what is accepted where offers go (RFC 9725, section 4.2)."""
    return web.Response(status=204, headers={hdrs.ALLOW: "POST, OPTIONS", "Accept-Post": SDP})


async def describe_session(_request: web.Request) -> web.Response:
    """Names what is accepted at a session."""
    return web.Response(status=204, headers={hdrs.ALLOW: "PATCH, DELETE, OPTIONS", "Accept-Patch": FRAGMENT})


async def _read_text(request: web.Request, *, content_type: str) -> str:
    if request.content_type != content_type:
        raise UnsupportedFormat(f"the body must be {content_type}, not {request.content_type}")
    most = request.app[keys.SETTINGS].webrtc.max_sdp_bytes
    body = await read_body(request, max_bytes=most, setting="webrtc.max_sdp_bytes")
    try:
        return body.decode()
    except UnicodeDecodeError as exc:
        raise InvalidRequest("the body is not text in UTF-8") from exc


def _link(url: str, server: IceServer) -> str:
    """One ICE server as a Link header (RFC 9725, section 4.6)."""
    fields = [f"<{url}>", 'rel="ice-server"']
    if server.username is not None and server.credential is not None:
        fields += [f'username="{_quoted(server.username)}"', f'credential="{_quoted(server.credential)}"']
        fields.append('credential-type="password"')
    return "; ".join(fields)


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
