"""What is kept of an alert: its pictures, its clip, and what was seen."""

import asyncio
from pathlib import Path

from aiohttp import hdrs, web

from server.domain.alert import Alert, ClipState
from server.domain.errors import Conflict, NotFound
from server.media.crop import crop_jpeg
from server.web import keys
from server.web.io_file import IoFileResponse


async def snapshot(request: web.Request) -> web.StreamResponse:
    """The best frame: with boxes, without (`boxes=0`), or the object with its surroundings (`crop=1`)."""
    alert = await _alert(request)
    files, io = request.app[keys.ALERTS].files, request.app[keys.IO]
    loop = asyncio.get_running_loop()
    if request.query.get("crop") == "1":
        file = await _existing(request, files.snapshot(alert.id), what="picture")
        body = await loop.run_in_executor(io, lambda: crop_jpeg(file.read_bytes(), alert.xyxy))
        return web.Response(body=body, content_type="image/jpeg", headers={hdrs.CACHE_CONTROL: "no-cache"})
    clean = request.query.get("boxes") == "0"
    file = await _existing(request, files.snapshot(alert.id) if clean else files.annotated(alert.id), what="picture")
    return _file(request, file, content_type="image/jpeg")


async def clip(request: web.Request) -> web.StreamResponse:
    """A few seconds before and after (H.264), in parts where they are asked for."""
    alert = await _alert(request)
    if alert.clip is ClipState.PENDING:
        raise Conflict("the clip is not made yet: it ends some seconds after the alert")
    if alert.clip is ClipState.MISSING:
        raise NotFound("there is no clip of this alert")
    file = await _existing(request, request.app[keys.ALERTS].files.clip(alert.id), what="clip")
    return _file(request, file, content_type="video/mp4")


async def detections(request: web.Request) -> web.StreamResponse:
    """What was seen, frame by frame, over the clip's span."""
    alert = await _alert(request)
    file = request.app[keys.ALERTS].files.detections(alert.id)
    if alert.clip is ClipState.PENDING:
        raise Conflict("the detections are written with the clip, some seconds after the alert")
    return _file(request, await _existing(request, file, what="list of detections"), content_type="application/json")


async def _alert(request: web.Request) -> Alert:
    return await request.app[keys.ALERTS].service.get(request.match_info["id"])


async def _existing(request: web.Request, file: Path, *, what: str) -> Path:
    if not await asyncio.get_running_loop().run_in_executor(request.app[keys.IO], file.is_file):
        raise NotFound(f"there is no {what} of this alert")
    return file


def _file(request: web.Request, file: Path, *, content_type: str) -> IoFileResponse:
    headers = {hdrs.CONTENT_TYPE: content_type, hdrs.CACHE_CONTROL: "no-cache"}
    return IoFileResponse(file, io=request.app[keys.IO], headers=headers)
