"""Channels: `/api/channels`, and the messages about one alert."""

from aiohttp import web

from server.domain.errors import ChannelFailed
from server.web import keys
from server.web.answers import json_response
from server.web.channel_answers import ChannelsAnswer, TestAnswer
from server.web.problems import Problem


async def list_channels(request: web.Request) -> web.Response:
    """All of them and how they do."""
    return json_response(ChannelsAnswer(await request.app[keys.CHANNELS].all()))


async def test_channel(request: web.Request) -> web.Response:
    """Sends a message that tells of nothing."""
    try:
        after_s = await request.app[keys.CHANNELS].test(request.match_info["name"])
    except ChannelFailed as failure:
        raise Problem(502, f"{request.match_info['name']} was not told: {failure}") from failure
    return json_response(TestAnswer(sent=True, after_s=round(after_s, 3)))


async def send_again(request: web.Request) -> web.Response:
    """Has a message about an alert sent again."""
    await request.app[keys.CHANNELS].again(request.match_info["id"], request.match_info["delivery"])
    return web.Response(status=202)
