"""Running live streams: `/api/streams`."""

from aiohttp import web

from server.domain.errors import Conflict
from server.transports.messages import apply_control, decode_control
from server.transports.registry import LiveSession
from server.web import keys
from server.web.answers import StreamsAnswer, json_response, stream_answer
from server.web.upload import read_small_body


async def list_streams(request: web.Request) -> web.Response:
    """All of them, oldest first."""
    return json_response(StreamsAnswer([stream_answer(session.stream) for session in request.app[keys.LIVE].registry]))


async def get_stream(request: web.Request) -> web.Response:
    """One of them."""
    return json_response(stream_answer(_session(request).stream))


async def change_stream(request: web.Request) -> web.Response:
    """Changes what is shown from the next frame on; takes the controls of the data channel."""
    stream = _session(request).stream
    control = decode_control(await read_small_body(request))
    stream.configure(apply_control(stream.options, control, model=request.app[keys.MODEL].info))
    return json_response(stream_answer(stream))


async def end_stream(request: web.Request) -> web.Response:
    """Ends the stream and the session that feeds it."""
    if request.app[keys.CAMERAS].camera(request.match_info["id"]) is not None:
        raise Conflict("this is a camera: switch it off there")
    await _session(request).aclose("ended through /api/streams")
    return web.Response(status=204)


def _session(request: web.Request) -> LiveSession:
    return request.app[keys.LIVE].registry.get(request.match_info["id"])
