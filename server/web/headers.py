"""Headers: what every answer has, so that a browser does no more with it than it is meant for (docs/security.md)."""

import re
import uuid
from http import HTTPStatus

from aiohttp import hdrs, web

from server.web.access import CROSS_SITE_PATHS

REQUEST_ID_HEADER = "X-Request-Id"
REQUEST_ID = web.RequestKey("request_id", str)
_SANE_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")

# No inline script or style and nothing from elsewhere; pictures and videos may come from the page's own memory. Forms are sent
# by script alone: a browser that could not load it must not put a key into the address.
PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; media-src 'self' blob:; "
    "connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types sprite"
)
# Whatever is opened by its address is looked at, and runs nothing. The style is that of the browser's own viewer of pictures,
# and its player loads the video once more.
FILE_POLICY = (
    "default-src 'none'; img-src 'self'; media-src 'self'; style-src 'unsafe-inline'; "
    "form-action 'none'; frame-ancestors 'none'"
)
# The page asks for a camera and for the whole screen, and for nothing else.
PERMISSIONS = (
    "camera=(self), fullscreen=(self), display-capture=(), geolocation=(), gyroscope=(), hid=(), idle-detection=(), "
    "local-fonts=(), magnetometer=(), microphone=(), midi=(), payment=(), publickey-credentials-get=(), serial=(), usb=()"
)


def name_of(request: web.BaseRequest) -> str:
    """The name of a request: its client's where that is a sane one, else a new one."""
    given = request.headers.get(REQUEST_ID_HEADER, "")
    return given if _SANE_REQUEST_ID.fullmatch(given) else uuid.uuid4().hex


async def add_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Adds to each answer what all have; a signal, so that streamed answers get it too."""
    set_headers(request, response)


def set_headers(request: web.BaseRequest, response: web.StreamResponse) -> None:
    """Sets what all answers have, also those to requests that never become one of the application's."""
    headers = response.headers
    headers[REQUEST_ID_HEADER] = request.get(REQUEST_ID) or name_of(request)
    headers[hdrs.SERVER] = "Sightline"  # and not the versions of Python and aiohttp
    headers.setdefault(hdrs.CACHE_CONTROL, "no-store")
    headers["X-Content-Type-Options"] = "nosniff"
    # Not `no-referrer`: with it browsers send `Origin: null`, and that is how pages of other sites are told from ours.
    headers["Referrer-Policy"] = "same-origin"
    if response.status != HTTPStatus.NOT_MODIFIED:  # it has no type, and what it says replaces what the browser has kept
        _set_policy(response)
    if request.path in CROSS_SITE_PATHS:
        headers[hdrs.ACCESS_CONTROL_ALLOW_ORIGIN] = "*"
        headers[hdrs.ACCESS_CONTROL_EXPOSE_HEADERS] = f"{REQUEST_ID_HEADER}, {hdrs.RETRY_AFTER}"
    else:
        headers["Cross-Origin-Resource-Policy"] = "same-origin"


def _set_policy(response: web.StreamResponse) -> None:
    is_page = response.content_type == "text/html"
    response.headers["Content-Security-Policy"] = PAGE_POLICY if is_page else FILE_POLICY
    if is_page:
        response.headers["Permissions-Policy"] = PERMISSIONS
        response.headers["Cross-Origin-Opener-Policy"] = "same-origin"
