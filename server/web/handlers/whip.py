"""WHIP (RFC 9725): publishing live video by one HTTP request."""

from aiohttp import hdrs, web
from multidict import CIMultiDict

from server.config import IceServer, Settings
from server.domain.errors import InvalidRequest, UnsupportedFormat
from server.transports.webrtc import WebrtcSession
from server.web import keys
from server.web.parameters import LiveParameters, read_parameters
from server.web.problems import Problem
from server.web.upload import read_body

SDP = "application/sdp"
FRAGMENT = "application/trickle-ice-sdpfrag"
# Offers of browsers take 5 to 8 KB.
_MAX_SDP_BYTES = 64 * 1024


async def publish(request: web.Request) -> web.Response:
    """Opens a session for an offer and answers it."""
    app = request.app
    app[keys.LIFECYCLE].check_ready()
    info = app[keys.MODEL].info
    settings = app[keys.SETTINGS]
    query = {name: request.query.getall(name) for name in request.query}
    parameters = read_parameters(LiveParameters, query)
    offer = await _read_text(request, content_type=SDP)
    session = await app[keys.LIVE].open_webrtc(
        offer,
        name=parameters.stream_name,
        options=parameters.stream_options(info, settings=settings),
        annotated=parameters.answer == "annotated",
    )
    return web.Response(
        status=201, body=session.answer_sdp.encode(), content_type=SDP, headers=_session_headers(session, settings)
    )


async def trickle(request: web.Request) -> web.Response:
    """Takes candidates that the client found after its offer; the entity tag names the ICE session that they belong to."""
    session = _session(request)
    etag = request.headers.get(hdrs.IF_MATCH)
    if etag is None:
        raise Problem(428, "If-Match must name the ICE session by the ETag of the answer (RFC 9725, section 4.3.1)")
    await session.add_candidates(await _read_text(request, content_type=FRAGMENT), etag)
    return web.Response(status=204)


async def end(request: web.Request) -> web.Response:
    """Ends the session; its place is free when the answer comes."""
    await _session(request).aclose("the client ended it")
    return web.Response(status=200)


async def describe(_request: web.Request) -> web.Response:
    """Names what is accepted here (RFC 9725, section 4.2)."""
    return web.Response(status=204, headers={hdrs.ALLOW: "POST, OPTIONS", "Accept-Post": SDP})


async def describe_session(_request: web.Request) -> web.Response:
    """Names what is accepted at a session."""
    return web.Response(status=204, headers={hdrs.ALLOW: "PATCH, DELETE, OPTIONS", "Accept-Patch": FRAGMENT})


def _session(request: web.Request) -> WebrtcSession:
    session = request.app[keys.LIVE].registry.get(request.match_info["id"])
    if not isinstance(session, WebrtcSession):
        raise Problem(404, "no such live session")
    return session


async def _read_text(request: web.Request, *, content_type: str) -> str:
    if request.content_type != content_type:
        raise UnsupportedFormat(f"the body must be {content_type}, not {request.content_type}")
    body = await read_body(request, max_bytes=_MAX_SDP_BYTES)
    try:
        return body.decode()
    except UnicodeDecodeError as exc:
        raise InvalidRequest("the body is not text in UTF-8") from exc


def _session_headers(session: WebrtcSession, settings: Settings) -> CIMultiDict[str]:
    headers = CIMultiDict({hdrs.LOCATION: f"/whip/{session.id}", hdrs.ETAG: session.etag, "Accept-Patch": FRAGMENT})
    for server in settings.webrtc.ice_servers:
        for url in server.urls:
            headers.add(hdrs.LINK, _link(url, server))
    return headers


def _link(url: str, server: IceServer) -> str:
    """One ICE server as a Link header (RFC 9725, section 4.6)."""
    fields = [f"<{url}>", 'rel="ice-server"']
    if server.username is not None and server.credential is not None:
        fields += [f'username="{_quoted(server.username)}"', f'credential="{_quoted(server.credential)}"']
        fields.append('credential-type="password"')
    return "; ".join(fields)


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
