"""What the server is: `GET /api`, `/api/info`, and its source."""

import asyncio

from aiohttp import hdrs, web

from server.resources import version
from server.web import keys
from server.web.access import HOLDER
from server.web.answers import AuthAnswer, InfoAnswer, ice_server_answers, json_response, limits_answer, model_answer
from server.web.api_key import ApiKey, Right
from server.web.file_names import disposition
from server.web.source_archive import source_archive

FEATURES = ("live", "picture")
VIDEO_FEATURE = "videos"
CAMERA_FEATURE = "cameras"
ALERT_FEATURE = "alerts"
SOURCE_PATH = "/source.tar.gz"


async def running(_request: web.Request) -> web.Response:
    """The one sentence that clients of the original service look for."""
    return web.Response(text="API is running")


async def info(request: web.Request) -> web.Response:
    """Version, model, limits and features; the page reads it first."""
    app = request.app
    settings = app[keys.SETTINGS]
    model, live = app[keys.MODEL], app[keys.LIVE]
    capacity = live.capacity
    holder: ApiKey | None = request.get(HOLDER)
    answer = InfoAnswer(
        version=version(),
        source=settings.server.source_url or SOURCE_PATH,
        model=model_answer(model.info),
        ice_servers=ice_server_answers(live.limits.ice_servers.current()),
        servers=settings.cluster.size,
        capacity=capacity.sessions,
        active=live.registry.active,
        limits=limits_answer(settings, capacity=capacity, throughput=model.throughput, level=live.tuning.level),
        features=_features(app),
        alerts=app[keys.ALERTS].limits(),
        auth=AuthAnswer(
            app[keys.ACCESS].required, holder.name if holder else None, holder.right.value if holder else Right.ADMIN.value
        ),
    )
    return json_response(answer)


def _features(app: web.Application) -> tuple[str, ...]:
    """What this server offers."""
    videos = (VIDEO_FEATURE,) if app[keys.VIDEOS].offered else ()
    cameras = (CAMERA_FEATURE,) if app[keys.CAMERAS].offered else ()
    alerts = (ALERT_FEATURE,) if app[keys.ALERTS].offered else ()
    return (*FEATURES, *videos, *cameras, *alerts)


async def source(request: web.Request) -> web.Response:
    """The source of this very server."""
    archive = await asyncio.get_running_loop().run_in_executor(request.app[keys.IO], source_archive)
    headers = {hdrs.CONTENT_DISPOSITION: disposition("sightline-source.tar.gz", attachment=True)}
    return web.Response(body=archive, content_type="application/gzip", headers=headers)
