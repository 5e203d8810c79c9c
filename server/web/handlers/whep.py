"""WHEP: watching a live stream by one HTTP request."""

from aiohttp import web

from server.transports.whep import WhepViewer
from server.web import keys
from server.web.clients import client_of
from server.web.handlers.signalling import answer_offer, read_offer, take_candidates


async def watch(request: web.Request) -> web.Response:
    """Opens a viewer of a stream for an offer and answers it."""
    app = request.app
    app[keys.LIFECYCLE].check_ready()
    stream_id = request.match_info["id"]
    app[keys.LIVE].registry.get(stream_id)  # 404 wins over whatever is wrong with the body
    offer = await read_offer(request)
    viewer = await app[keys.VIEWING].whep.open(
        offer, stream_id=stream_id, model=app[keys.MODEL].info, client=client_of(request)
    )
    return await answer_offer(request, viewer)


async def trickle(request: web.Request) -> web.Response:
    """Takes candidates that the client found after its offer."""
    return await take_candidates(request, _viewer(request))


async def end(request: web.Request) -> web.Response:
    """Ends the viewer; its place is free when the answer comes."""
    await _viewer(request).aclose("the client ended it")
    return web.Response(status=200)


def _viewer(request: web.Request) -> WhepViewer:
    return request.app[keys.VIEWING].whep.get(request.match_info["viewer"], stream_id=request.match_info["id"])
