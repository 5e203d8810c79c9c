"""One picture: `POST /predict` and `/api/predict`."""

from aiohttp import hdrs, web

from server.web import keys
from server.web.answers import json_response, predict_answer
from server.web.negotiation import MEDIA_TYPES, negotiate
from server.web.parameters import Fields, PictureParameters, read_parameters
from server.web.upload import read_upload


async def predict(request: web.Request) -> web.Response:
    """Checks the picture in the body and answers in the form that is asked for."""
    app = request.app
    started_s = app[keys.CLOCK]()
    app[keys.LIFECYCLE].check_ready()
    info = app[keys.MODEL].info
    with app[keys.PICTURE_ADMISSION].enter():
        upload = await read_upload(request, max_bytes=app[keys.SETTINGS].predict.max_bytes)
        parameters = read_parameters(PictureParameters, {**upload.fields, **_query(request)})
        default = app[keys.SETTINGS].predict.default_format
        form = parameters.format or negotiate(",".join(request.headers.getall(hdrs.ACCEPT, [])), default=default)
        picture = await app[keys.PICTURES].check(upload.picture, parameters.detect_options(info), form=form)
    if form == "json":
        response = json_response(predict_answer(picture, info=info, elapsed_s=app[keys.CLOCK]() - started_s))
    else:
        response = web.Response(body=picture.file, content_type=MEDIA_TYPES[form])
    response.headers[hdrs.VARY] = hdrs.ACCEPT
    return response


async def preflight(_request: web.Request) -> web.Response:
    """Tells a browser that pages of other sites may send pictures, and with which headers."""
    headers = {
        hdrs.ALLOW: "POST, OPTIONS",
        hdrs.ACCESS_CONTROL_ALLOW_METHODS: "POST, OPTIONS",
        hdrs.ACCESS_CONTROL_ALLOW_HEADERS: "Accept, Authorization, Content-Type, X-Request-Id",
        hdrs.ACCESS_CONTROL_MAX_AGE: "86400",
    }
    return web.Response(status=204, headers=headers)


def _query(request: web.Request) -> Fields:
    return {name: request.query.getall(name) for name in request.query}
