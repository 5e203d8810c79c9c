"""Video files: `/api/videos`."""

import logging

from aiohttp import hdrs, web

from server.jobs.announcements import JobView
from server.web import keys
from server.web.answers import json_response
from server.web.video_answers import VideosAnswer, video_answer, video_limits_answer, video_path
from server.web.video_intake import VideoIntake

logger = logging.getLogger(__name__)


async def upload(request: web.Request) -> web.Response:
    """Takes a video file and puts it into the queue."""
    app = request.app
    videos = app[keys.VIDEOS]
    jobs = videos.jobs
    app[keys.LIFECYCLE].check_ready()
    with videos.uploads.enter():
        intake = VideoIntake(app[keys.SETTINGS].videos, jobs=jobs, info=app[keys.MODEL].info, io=app[keys.IO])
        view = await intake.take(request)
    logger.info("video %s added: %s, %d bytes", view.job.id, view.job.name, view.job.size_bytes)
    response = _response(view, status=202)
    response.headers[hdrs.LOCATION] = video_path(view.job.id)
    return response


async def list_videos(request: web.Request) -> web.Response:
    """All of them, newest first."""
    views = await request.app[keys.VIDEOS].jobs.all()
    limits = video_limits_answer(request.app[keys.SETTINGS].videos)
    return json_response(VideosAnswer([video_answer(view) for view in views], limits))


async def get_video(request: web.Request) -> web.Response:
    """One of them."""
    return _response(await request.app[keys.VIDEOS].jobs.get(request.match_info["id"]))


async def cancel_video(request: web.Request) -> web.Response:
    """Ends one that waits or is being checked, and keeps it as cancelled."""
    return _response(await request.app[keys.VIDEOS].jobs.cancel(request.match_info["id"]))


async def restart_video(request: web.Request) -> web.Response:
    """Puts one that failed or was cancelled at the end of the queue."""
    return _response(await request.app[keys.VIDEOS].jobs.restart(request.match_info["id"]), status=202)


async def remove_video(request: web.Request) -> web.Response:
    """Ends one where it is not finished, and removes it with its results."""
    await request.app[keys.VIDEOS].jobs.remove(request.match_info["id"])
    return web.Response(status=204)


def _response(view: JobView, *, status: int = 200) -> web.Response:
    response = json_response(video_answer(view))
    response.set_status(status)
    return response
