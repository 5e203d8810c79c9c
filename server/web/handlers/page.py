"""The page, the sign-in page, and their files."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

from aiohttp import hdrs, web

from server.web import keys
from server.web.access import unauthorized
from server.web.io_file import IoFileResponse
from server.web.static_files import INDEX_PAGE, SIGN_IN_PAGE, StaticFile, content_type

Result = TypeVar("Result")


async def index(request: web.Request) -> web.Response:
    """The page; with 401 the sign-in page in its place."""
    if not request.app[keys.ACCESS].is_guest(request):
        return _response(request, await _read(request, INDEX_PAGE))
    file = await _read(request, SIGN_IN_PAGE)
    headers = {hdrs.WWW_AUTHENTICATE: 'Bearer realm="Sightline"'}
    return web.Response(status=401, body=file.content, content_type=file.content_type, charset="utf-8", headers=headers)


async def static(request: web.Request) -> web.StreamResponse:
    """One file of the page; without a key only those of the sign-in page."""
    path = request.match_info["path"]
    static_files = request.app[keys.STATIC]
    if request.app[keys.ACCESS].is_guest(request) and not await _on_io(request, lambda: static_files.is_open(path)):
        raise unauthorized(request)
    video = await _on_io(request, lambda: static_files.find_video(path))
    if video is not None:
        headers = {hdrs.CONTENT_TYPE: content_type(video), hdrs.CACHE_CONTROL: "no-cache"}
        return IoFileResponse(video, io=request.app[keys.IO], headers=headers)
    return _response(request, await _read(request, path))


async def _read(request: web.Request, path: str) -> StaticFile:
    static_files = request.app[keys.STATIC]
    file = await _on_io(request, lambda: static_files.read(path))
    if file is None:
        raise web.HTTPNotFound
    return file


def _response(request: web.Request, file: StaticFile) -> web.Response:
    """The file, compressed where the client takes it; 304 when the client has it already."""
    compress = file.compressed is not None and "gzip" in request.headers.get(hdrs.ACCEPT_ENCODING, "")
    # Weak, as both encodings carry it. File names say nothing of their content, so browsers ask each time.
    headers = {hdrs.ETAG: f'W/"{file.etag}"', hdrs.CACHE_CONTROL: "no-cache", hdrs.VARY: hdrs.ACCEPT_ENCODING}
    if file.etag in request.headers.get(hdrs.IF_NONE_MATCH, ""):
        return web.Response(status=304, headers=headers)
    if compress:
        headers[hdrs.CONTENT_ENCODING] = "gzip"
    charset = "utf-8" if file.content_type.startswith("text/") else None
    body = file.compressed if compress else file.content
    return web.Response(body=body, content_type=file.content_type, charset=charset, headers=headers)


async def _on_io(request: web.Request, work: Callable[[], Result]) -> Result:
    return await asyncio.get_running_loop().run_in_executor(request.app[keys.IO], work)
