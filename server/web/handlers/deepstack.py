"""The dialect of DeepStack and CodeProject.AI, which programs for security cameras speak: `/v1/*`."""

from contextlib import ExitStack
from functools import partial

from aiohttp import web

from server.domain.errors import NotFound
from server.web import keys
from server.web.access import unauthorized
from server.web.answers import json_response
from server.web.deepstack import ModelsAnswer, detection_answer, update_answer
from server.web.parameters import DialectParameters, Fields, read_parameters
from server.web.upload import Upload, read_fields, read_upload

PICTURE_FIELD = "image"


async def detect(request: web.Request) -> web.Response:
    """Checks a picture with the served model."""
    return await _check(request, command="detect")


async def detect_custom(request: web.Request) -> web.Response:
    """Checks a picture with the model of that name, which has to be the served one."""
    return await _check(request, command="custom", model=request.match_info["name"])


async def list_custom(request: web.Request) -> web.Response:
    """Names the served model."""
    if not _is_permitted(request):
        _check_key(request, await read_fields(request))
    return json_response(ModelsAnswer(models=[request.app[keys.MODEL].info.name]))


async def update_available(_request: web.Request) -> web.Response:
    """Says that no update is known of."""
    return json_response(update_answer())


async def _check(request: web.Request, *, command: str, model: str | None = None) -> web.Response:
    app = request.app
    started_s = app[keys.CLOCK]()
    app[keys.LIFECYCLE].check_ready()
    with ExitStack() as places:
        upload = await _admit(request, places)
        info = app[keys.MODEL].info
        if model not in (None, info.name):
            raise NotFound(f"there is no model {model!r} here: {info.name!r} is the one that is served")
        parameters = read_parameters(DialectParameters, upload.fields)
        picture = await app[keys.PICTURES].check(upload.picture, parameters.detect_options(info), form="json")
    elapsed_s = app[keys.CLOCK]() - started_s
    return json_response(detection_answer(picture, info=info, command=command, elapsed_s=elapsed_s))


async def _admit(request: web.Request, places: ExitStack) -> Upload:
    """The upload of someone who may, who from then on holds one of the places for pictures.

    A key within the form is known only once the form is here. Until then its sender has a place among a few of their own, so
    that nobody without a key can take those of the others.
    """
    app = request.app
    max_bytes = app[keys.SETTINGS].predict.max_bytes
    if _is_permitted(request):
        places.enter_context(app[keys.PICTURE_ADMISSION].enter())
        return await read_upload(request, max_bytes=max_bytes, picture_field=PICTURE_FIELD)
    with app[keys.UNKNOWN_ADMISSION].enter():
        check = partial(_check_key, request)
        upload = await read_upload(request, max_bytes=max_bytes, picture_field=PICTURE_FIELD, check_fields=check)
    places.enter_context(app[keys.PICTURE_ADMISSION].enter())
    return upload


def _is_permitted(request: web.Request) -> bool:
    return not request.app[keys.ACCESS].is_guest(request)


def _check_key(request: web.Request, fields: Fields) -> None:
    """Raises a 401 problem unless the form shows a key; any may do what these addresses do."""
    shown = fields.get("api_key", [""])[-1]
    if request.app[keys.ACCESS].find(shown, client=request.remote) is None:
        raise unauthorized(request)
