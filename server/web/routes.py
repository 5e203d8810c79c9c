"""Routes: every address that the server answers, in one table."""

import enum
from dataclasses import dataclass

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler

from server.web.api_key import Right
from server.web.handlers import (
    alert_files,
    alerts,
    cameras,
    channels,
    deepstack,
    doctor,
    events,
    info,
    operations,
    page,
    predict,
    session,
    signalling,
    streams,
    video_results,
    videos,
    viewing,
    websocket,
    whep,
    whip,
)


class Audience(enum.Enum):
    """Whom an address answers while keys are set."""

    KEY_HOLDERS = enum.auto()
    EVERYBODY = enum.auto()
    """Preflights, signing in, and addresses that look at the key themselves: the page and its files."""
    FORM_KEY_HOLDERS = enum.auto()
    """Holders of any key, which may stand within the form: the handler looks at it."""
    PROBES = enum.auto()
    """Everybody, under any host name: whoever watches over the process may call it by its address."""


@dataclass(frozen=True, slots=True)
class Route:
    """One method of one address."""

    method: str
    path: str
    handler: Handler
    audience: Audience = Audience.KEY_HOLDERS
    needs: Right | None = None
    """What a key has to have the right to; None: `view` for GET, `admin` for all else."""

    @property
    def right(self) -> Right:
        """What a key has to have the right to."""
        return self.needs or (Right.VIEW if self.method == hdrs.METH_GET else Right.ADMIN)

    @property
    def canonical(self) -> str:
        """The path with the bare names of its variables."""
        return self.path.replace(":.+}", "}")


ROUTES = (
    Route("GET", "/", page.index, Audience.EVERYBODY),
    Route("GET", "/static/{path:.+}", page.static, Audience.EVERYBODY),
    Route("POST", "/predict", predict.predict, needs=Right.VIEW),
    Route("OPTIONS", "/predict", predict.preflight, Audience.EVERYBODY),
    Route("POST", "/api/predict", predict.predict, needs=Right.VIEW),
    Route("OPTIONS", "/api/predict", predict.preflight, Audience.EVERYBODY),
    Route("GET", "/api", info.running),
    Route("GET", "/api/info", info.info),
    Route("GET", "/api/doctor", doctor.findings),
    Route("POST", "/api/doctor/path", doctor.try_path, needs=Right.VIEW),
    Route("GET", "/source.tar.gz", info.source),
    Route("POST", "/api/session", session.sign_in, Audience.EVERYBODY),
    Route("DELETE", "/api/session", session.sign_out, Audience.EVERYBODY),
    Route("POST", "/whip", whip.publish),
    Route("OPTIONS", "/whip", signalling.describe, Audience.EVERYBODY),
    Route("PATCH", "/whip/{id}", whip.trickle),
    Route("DELETE", "/whip/{id}", whip.end),
    Route("OPTIONS", "/whip/{id}", signalling.describe_session, Audience.EVERYBODY),
    Route("POST", "/whep/{id}", whep.watch, needs=Right.VIEW),
    Route("OPTIONS", "/whep/{id}", signalling.describe, Audience.EVERYBODY),
    Route("PATCH", "/whep/{id}/{viewer}", whep.trickle, needs=Right.VIEW),
    Route("DELETE", "/whep/{id}/{viewer}", whep.end, needs=Right.VIEW),
    Route("OPTIONS", "/whep/{id}/{viewer}", signalling.describe_session, Audience.EVERYBODY),
    Route("GET", "/ws/stream", websocket.stream, needs=Right.ADMIN),
    Route("GET", "/api/streams", streams.list_streams),
    Route("GET", "/api/streams/{id}", streams.get_stream),
    Route("PATCH", "/api/streams/{id}", streams.change_stream),
    Route("DELETE", "/api/streams/{id}", streams.end_stream),
    Route("GET", "/api/streams/{id}/mjpeg", viewing.mjpeg),
    Route("GET", "/api/streams/{id}/snapshot.jpg", viewing.snapshot),
    Route("POST", "/api/videos", videos.upload),
    Route("GET", "/api/videos", videos.list_videos),
    Route("GET", "/api/videos/{id}", videos.get_video),
    Route("DELETE", "/api/videos/{id}", videos.remove_video),
    Route("POST", "/api/videos/{id}/cancel", videos.cancel_video),
    Route("POST", "/api/videos/{id}/restart", videos.restart_video),
    Route("GET", "/api/videos/{id}/mjpeg", video_results.follow),
    Route("GET", "/api/videos/{id}/poster.jpg", video_results.poster),
    Route("GET", "/api/videos/{id}/annotated.mp4", video_results.annotated),
    Route("GET", "/api/videos/{id}/detections.json", video_results.detections_json),
    Route("GET", "/api/videos/{id}/detections.csv", video_results.detections_csv),
    Route("GET", "/api/cameras", cameras.list_cameras),
    Route("POST", "/api/cameras", cameras.add_camera),
    Route("GET", "/api/cameras/{id}", cameras.get_camera),
    Route("PATCH", "/api/cameras/{id}", cameras.change_camera),
    Route("DELETE", "/api/cameras/{id}", cameras.remove_camera),
    Route("POST", "/api/cameras/{id}/reconnect", cameras.reconnect_camera),
    Route("GET", "/api/alerts", alerts.list_alerts),
    Route("GET", "/api/alerts/export.csv", alerts.export_csv),
    Route("GET", "/api/alerts/export.zip", alerts.export_dataset),
    Route("GET", "/api/alerts/{id}", alerts.get_alert),
    Route("PATCH", "/api/alerts/{id}", alerts.write_note, needs=Right.VIEW),
    Route("DELETE", "/api/alerts/{id}", alerts.remove),
    Route("POST", "/api/alerts/{id}/confirm", alerts.confirm, needs=Right.VIEW),
    Route("POST", "/api/alerts/{id}/dismiss", alerts.dismiss, needs=Right.VIEW),
    Route("GET", "/api/alerts/{id}/snapshot.jpg", alert_files.snapshot),
    Route("GET", "/api/alerts/{id}/clip.mp4", alert_files.clip),
    Route("GET", "/api/alerts/{id}/detections.json", alert_files.detections),
    Route("POST", "/api/alerts/{id}/deliveries/{delivery}/again", channels.send_again),
    Route("GET", "/api/channels", channels.list_channels),
    Route("POST", "/api/channels/{name}/test", channels.test_channel),
    Route("GET", "/api/events", events.follow),
    Route("POST", "/v1/vision/detection", deepstack.detect, Audience.FORM_KEY_HOLDERS, Right.VIEW),
    Route("POST", "/v1/vision/custom/list", deepstack.list_custom, Audience.FORM_KEY_HOLDERS, Right.VIEW),
    Route("POST", "/v1/vision/custom/{name}", deepstack.detect_custom, Audience.FORM_KEY_HOLDERS, Right.VIEW),
    Route("GET", "/v1/status/updateavailable", deepstack.update_available),
    Route("GET", "/healthz", operations.healthz, Audience.PROBES),
    Route("GET", "/readyz", operations.readyz, Audience.PROBES),
    Route("GET", "/metrics", operations.metrics),
    Route("GET", "/openapi.yaml", operations.openapi),
)

_ROUTES = {(route.method, route.canonical): route for route in ROUTES}


PICTURE_HANDLERS = frozenset({predict.predict, deepstack.detect, deepstack.detect_custom})
"""What checks a picture: their answers are counted."""


def add_routes(app: web.Application) -> None:
    """Adds all of them; each GET answers HEAD too."""
    for route in ROUTES:
        if route.method == hdrs.METH_GET:
            app.router.add_get(route.path, route.handler)
        else:
            app.router.add_route(route.method, route.path, route.handler)


def audience(request: web.Request) -> Audience:
    """Whom the requested address answers; one that does not exist is for holders of a key, too."""
    route = _route(request)
    return route.audience if route is not None else Audience.KEY_HOLDERS


def right(request: web.Request) -> Right:
    """What the request needs the right to; that an address does not exist may know whoever may look."""
    route = _route(request)
    return route.right if route is not None else Right.VIEW


def _route(request: web.Request) -> Route | None:
    resource = request.match_info.route.resource
    method = hdrs.METH_GET if request.method == hdrs.METH_HEAD else request.method
    return _ROUTES.get((method, resource.canonical if resource else ""))
