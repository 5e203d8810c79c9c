"""Signing in and out: `POST` and `DELETE /api/session`."""

import msgspec
from aiohttp import web

from server.domain.errors import InvalidRequest
from server.web import keys
from server.web.access import unauthorized
from server.web.upload import read_body

_MAX_BODY_BYTES = 4096


class SignIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the sign-in page sends."""

    key: str


async def sign_in(request: web.Request) -> web.Response:
    """Answers a valid key with the session cookie; where no key is needed everybody is signed in already."""
    try:
        shown = msgspec.json.decode(await read_body(request, max_bytes=_MAX_BODY_BYTES), type=SignIn)
    except (msgspec.DecodeError, UnicodeError) as exc:
        raise InvalidRequest('the body must be JSON: {"key": "..."}') from exc
    access = request.app[keys.ACCESS]
    response = web.Response(status=204)
    if not access.required:
        return response
    key = access.find(shown.key, client=request.remote)
    if key is None:
        raise unauthorized(request)
    access.cookies.set(response, value=access.cookies.issue(shown.key, key=key), secure=request.secure)
    return response


async def sign_out(request: web.Request) -> web.Response:
    """Takes the session cookie away from the browser."""
    response = web.Response(status=204)
    request.app[keys.ACCESS].cookies.clear(response)
    return response
