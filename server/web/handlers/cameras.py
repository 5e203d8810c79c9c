"""Cameras: `/api/cameras`."""

from aiohttp import hdrs, web

from server.web import keys
from server.web.answers import json_response
from server.web.camera_answers import CameraAnswer, CamerasAnswer
from server.web.camera_orders import read_order
from server.web.upload import read_small_body


async def list_cameras(request: web.Request) -> web.Response:
    """All of them, oldest first."""
    return json_response(CamerasAnswer(request.app[keys.CAMERAS].all()))


async def add_camera(request: web.Request) -> web.Response:
    """Takes a new one, and begins to watch it."""
    cameras = request.app[keys.CAMERAS]
    cameras.check_offered()
    request.app[keys.LIFECYCLE].check_ready()
    answer = await cameras.add(read_order(await read_small_body(request)))
    response = _response(answer, status=201)
    response.headers[hdrs.LOCATION] = f"/api/cameras/{answer.id}"
    return response


async def get_camera(request: web.Request) -> web.Response:
    """One of them."""
    return _response(request.app[keys.CAMERAS].get(request.match_info["id"]))


async def change_camera(request: web.Request) -> web.Response:
    """Changes what is given."""
    cameras = request.app[keys.CAMERAS]
    cameras.get(request.match_info["id"])
    request.app[keys.LIFECYCLE].check_ready()
    order = read_order(await read_small_body(request))
    return _response(await cameras.change(request.match_info["id"], order))


async def remove_camera(request: web.Request) -> web.Response:
    """Forgets one."""
    await request.app[keys.CAMERAS].remove(request.match_info["id"])
    return web.Response(status=204)


async def reconnect_camera(request: web.Request) -> web.Response:
    """Connects one anew at once."""
    return _response(request.app[keys.CAMERAS].reconnect(request.match_info["id"]), status=202)


def _response(answer: CameraAnswer, *, status: int = 200) -> web.Response:
    response = json_response(answer)
    response.set_status(status)
    return response
