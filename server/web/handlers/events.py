"""The one event stream of a page: `GET /api/events`."""

import asyncio

from aiohttp import hdrs, web

from server.domain.errors import InvalidRequest
from server.web import keys
from server.web.endless_answer import EndlessAnswer

EVENT_STREAM = "text/event-stream"
# A page shows a handful of streams at once.
MOST_STREAMS = 16
# What a person can follow; the data channel has every frame's results.
BATCHES_PER_S = 10.0
# Proxies end connections on which nothing comes for a minute, some after half of one.
HEARTBEAT_S = 15.0
# Videos are named by their ids, or all of them by one of these.
_ALL = frozenset({"1", "all"})
_HEARTBEAT = b": still here\n\n"
_RETRY = b"retry: 2000\n\n"


async def follow(request: web.Request) -> web.StreamResponse:
    """What becomes of streams, with the newest results of those that are named, of video files, cameras and alerts."""
    app = request.app
    info = app[keys.MODEL].info
    stream_ids = _stream_ids(request)
    if request.method == hdrs.METH_HEAD:
        return web.Response(content_type=EVENT_STREAM)
    stall_s = app[keys.SETTINGS].live.viewer_stall_s
    answer = EndlessAnswer(request, headers={hdrs.CONTENT_TYPE: EVENT_STREAM, "X-Accel-Buffering": "no"}, stall_s=stall_s)
    with app[keys.EVENTS].open(stream_ids, model=info) as feed:
        if (videos := _video_ids(request)) is not None:
            await feed.follow_videos(app[keys.VIDEOS].jobs, ids=None if videos & _ALL else videos)
        if _named(request, "cameras") - {"0"} and app[keys.CAMERAS].offered:
            feed.follow_cameras(app[keys.CAMERAS])
        if _named(request, "alerts") - {"0"} and app[keys.ALERTS].offered:
            await feed.follow_alerts(app[keys.ALERTS])
        await answer.open()
        going_on = await answer.send(_RETRY)
        while going_on and (events := await feed.next(within_s=HEARTBEAT_S)) is not None:
            going_on = await answer.send(events or _HEARTBEAT)
            await asyncio.sleep(1 / BATCHES_PER_S)
    return answer.response


def _stream_ids(request: web.Request) -> set[str]:
    """The streams that are named; one that does not run is left alone, as it may have ended in between."""
    named = _named(request, "streams")
    if len(named) > MOST_STREAMS:
        raise InvalidRequest(f"parameter streams: at most {MOST_STREAMS} streams can be followed at once")
    return named


def _video_ids(request: web.Request) -> set[str] | None:
    """The videos that are named, None where none are, or where this server takes no videos."""
    named = _named(request, "videos") - {"0"}
    return named if named and request.app[keys.VIDEOS].offered else None


def _named(request: web.Request, parameter: str) -> set[str]:
    return {one.strip() for value in request.query.getall(parameter, []) for one in value.split(",") if one.strip()}
