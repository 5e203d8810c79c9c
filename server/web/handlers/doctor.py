"""The doctor for who has a key: `GET /api/doctor`, and the path of live video, `POST /api/doctor/path`."""

from aiohttp import web

from server.web import keys
from server.web.answers import json_response
from server.web.doctor import doctor_answer
from server.web.handlers.signalling import SDP, read_offer


async def findings(request: web.Request) -> web.Response:
    """What the server finds wrong with itself and its surroundings; asked again soon it answers the same."""
    model = request.app[keys.MODEL]
    found = await request.app[keys.DOCTOR].examine_serving(model.info, model.throughput)
    return json_response(doctor_answer(found))


async def try_path(request: web.Request) -> web.Response:
    """Answers an offer with a data channel that sends back what it gets: what comes back came by the way that video takes."""
    answer = await request.app[keys.PATH_CHECKS].answer(await read_offer(request))
    return web.Response(body=answer.encode(), content_type=SDP)
