"""WHIP (RFC 9725): publishing live video by one HTTP request."""

from aiohttp import web

from server.transports.webrtc import WebrtcSession
from server.web import keys
from server.web.clients import client_of
from server.web.handlers.signalling import answer_offer, read_offer, take_candidates
from server.web.parameters import LiveParameters, read_parameters
from server.web.problems import Problem


async def publish(request: web.Request) -> web.Response:
    """Opens a session for an offer and answers it."""
    app = request.app
    app[keys.LIFECYCLE].check_ready()
    query = {name: request.query.getall(name) for name in request.query}
    parameters = read_parameters(LiveParameters, query)
    session = await app[keys.LIVE].open_webrtc(
        await read_offer(request),
        name=parameters.stream_name,
        options=parameters.stream_options(app[keys.MODEL].info, settings=app[keys.SETTINGS]),
        annotated=parameters.answer == "annotated",
        client=client_of(request),
    )
    return await answer_offer(request, session)


async def trickle(request: web.Request) -> web.Response:
    """Takes candidates that the client found after its offer."""
    return await take_candidates(request, _session(request))


async def end(request: web.Request) -> web.Response:
    """Ends the session; its place is free when the answer comes."""
    await _session(request).aclose("the client ended it")
    return web.Response(status=200)


def _session(request: web.Request) -> WebrtcSession:
    session = request.app[keys.LIVE].registry.get(request.match_info["id"])
    if not isinstance(session, WebrtcSession):
        raise Problem(404, "no such live session")
    return session
