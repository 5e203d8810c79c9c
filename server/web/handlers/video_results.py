"""What comes of a video file: its results, and how it looks while it is being checked."""

import asyncio
from contextlib import aclosing
from pathlib import Path

from aiohttp import hdrs, web

from server.domain.errors import Conflict, NotFound
from server.domain.job import Job, JobState
from server.jobs import files
from server.web import keys, mjpeg
from server.web.clients import client_of
from server.web.endless_answer import EndlessAnswer
from server.web.file_names import disposition
from server.web.io_file import IoFileResponse


async def annotated(request: web.Request) -> web.StreamResponse:
    """The annotated video (H.264), in parts where they are asked for."""
    return await _result(request, files.ANNOTATED, content_type="video/mp4")


async def detections_json(request: web.Request) -> web.StreamResponse:
    """What was found, frame by frame and track by track."""
    return await _result(request, files.JSON, content_type="application/json")


async def detections_csv(request: web.Request) -> web.StreamResponse:
    """What was found, one line a detection."""
    return await _result(request, files.CSV, content_type="text/csv; charset=utf-8")


async def poster(request: web.Request) -> web.StreamResponse:
    """The first annotated picture."""
    view = await request.app[keys.VIDEOS].jobs.get(request.match_info["id"])
    file = _folder(request, view.job) / files.POSTER
    if not await asyncio.get_running_loop().run_in_executor(request.app[keys.IO], file.is_file):
        raise NotFound(f"there is no picture of {view.job.name} yet")
    return _file(request, file, content_type="image/jpeg")


async def follow(request: web.Request) -> web.StreamResponse:
    """The annotated frames while it is being checked, each replacing the one before; a slow reader gets fewer."""
    app, job_id = request.app, request.match_info["id"]
    jobs = app[keys.VIDEOS].jobs
    job = (await jobs.get(job_id)).job
    if job.state.finished:
        raise Conflict(f"{job.name} is {job.state}: it can be watched only while it is being checked")
    if request.method == hdrs.METH_HEAD:
        return web.Response(headers={hdrs.CONTENT_TYPE: mjpeg.CONTENT_TYPE})
    stall_s = app[keys.SETTINGS].live.viewer_stall_s
    answer = EndlessAnswer(request, headers={hdrs.CONTENT_TYPE: mjpeg.CONTENT_TYPE}, stall_s=stall_s)
    with app[keys.VIEWING].places.hold(job_id, client=client_of(request)):
        await answer.open()
        going_on = await answer.send(mjpeg.BEGIN)
        async with aclosing(jobs.previews.follow(job_id)) as pictures:
            while going_on and (picture := await anext(pictures, b"")) != b"":
                going_on = answer.has_client if picture is None else await answer.send(mjpeg.part(picture))
    return answer.response


async def _result(request: web.Request, name: str, *, content_type: str) -> web.StreamResponse:
    job = (await request.app[keys.VIDEOS].jobs.get(request.match_info["id"])).job
    if job.state is not JobState.DONE:
        raise Conflict(f"{job.name} is {job.state}: there are results once it is done")
    saved_as = f"{Path(job.name).stem or 'video'}-{name}"
    shown_as = disposition(saved_as, attachment=request.query.get("download") == "1")
    return _file(request, _folder(request, job) / name, content_type=content_type, shown_as=shown_as)


def _folder(request: web.Request, job: Job) -> Path:
    return request.app[keys.VIDEOS].jobs.files.results(job.id)


def _file(request: web.Request, file: Path, *, content_type: str, shown_as: str = "") -> IoFileResponse:
    headers = {hdrs.CONTENT_TYPE: content_type, hdrs.CACHE_CONTROL: "no-cache"}
    if shown_as:
        headers[hdrs.CONTENT_DISPOSITION] = shown_as
    return IoFileResponse(file, io=request.app[keys.IO], headers=headers)
