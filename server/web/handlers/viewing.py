"""Watching a live stream without WebRTC: MJPEG, and single pictures."""

import asyncio
import logging
from collections.abc import Callable

from aiohttp import hdrs, web

from server.domain.errors import Busy, NotFound
from server.logs import log_context
from server.pipeline.freshness import FreshnessMeter
from server.pipeline.stream import Stream
from server.transports.jpeg_feed import JpegFeed, JpegPicture
from server.web import keys
from server.web import mjpeg as mjpeg_form
from server.web.clients import client_of
from server.web.endless_answer import EndlessAnswer

logger = logging.getLogger(__name__)

# A running stream shows a picture within a tenth of this; one that has just been opened may need a key frame first.
SNAPSHOT_TIMEOUT_S = 5.0
# Where a stream shows nothing for so long it is looked whether the viewer is still there.
QUIET_S = 2.0


async def mjpeg(request: web.Request) -> web.StreamResponse:
    """The annotated video as JPEG pictures, each replacing the one before; a slow reader gets fewer."""
    app = request.app
    app[keys.LIFECYCLE].check_ready()
    stream, viewing = _stream(request), app[keys.VIEWING]
    if request.method == hdrs.METH_HEAD:
        return web.Response(headers={hdrs.CONTENT_TYPE: mjpeg_form.CONTENT_TYPE})
    stall_s = app[keys.SETTINGS].live.viewer_stall_s
    answer = EndlessAnswer(request, headers={hdrs.CONTENT_TYPE: mjpeg_form.CONTENT_TYPE}, stall_s=stall_s)
    with viewing.places.hold(stream.id, client=client_of(request)), log_context(session=stream.id):
        async with viewing.feeds.read(stream) as feed:
            await _send_pictures(answer, feed, stream=stream, clock=app[keys.CLOCK])
    return answer.response


async def snapshot(request: web.Request) -> web.Response:
    """The next annotated picture."""
    app = request.app
    app[keys.LIFECYCLE].check_ready()
    async with app[keys.VIEWING].feeds.read(_stream(request)) as feed:
        try:
            async with asyncio.timeout(SNAPSHOT_TIMEOUT_S):
                picture = await feed.next()
        except TimeoutError as exc:
            raise Busy(f"the stream has shown nothing for {SNAPSHOT_TIMEOUT_S:g} s") from exc
    if picture is None:
        raise NotFound("the stream has ended")
    return web.Response(body=picture.file, content_type="image/jpeg")


async def _send_pictures(answer: EndlessAnswer, feed: JpegFeed, *, stream: Stream, clock: Callable[[], float]) -> None:
    """Sends until the stream ends or the client is gone."""
    meter = FreshnessMeter(sums=stream.viewing)
    opened_at = clock()
    logger.info("viewer opened: of %s, MJPEG", stream.name)
    await answer.open()
    going_on = await answer.send(mjpeg_form.BEGIN)
    while going_on and (picture := await _next_picture(answer, feed)) is not None:
        going_on = await answer.send(mjpeg_form.part(picture.file))
        boxes_at = picture.boxes_received_at
        if going_on:
            meter.record_picture(None if boxes_at is None else (clock() - boxes_at) * 1000)
    logger.info("viewer ended: MJPEG, after %.1f s: %d pictures sent", clock() - opened_at, meter.delivered)


async def _next_picture(answer: EndlessAnswer, feed: JpegFeed) -> JpegPicture | None:
    """The next picture, however long that takes; None when the stream has ended or the client is gone."""
    while answer.has_client:
        try:
            async with asyncio.timeout(QUIET_S):
                return await feed.next()
        except TimeoutError:
            continue
    return None


def _stream(request: web.Request) -> Stream:
    return request.app[keys.LIVE].registry.get(request.match_info["id"]).stream
