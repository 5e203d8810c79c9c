"""Limits: what is larger, more, longer or slower than the settings allow, told with the setting that allows it."""

import asyncio
import tempfile
from pathlib import Path

import msgspec
from aiohttp import FormData

from server.config.settings import Live, Settings, Videos, Webrtc
from tests.conftest import Client, with_sections
from tests.limits.bare_server import close
from tests.limits.bare_server import read_answer as read_bare
from tests.limits.claimed_pictures import CLAIMING, jpeg_claiming
from tests.security.bad_input import Answer, BadInput, Send, raw, read_answer, request, websocket
from tests.transports.test_sdp import make_offer
from tests.video_clips import make_clip
from tests.web.pictures import form_with, picture_file

TITLE = "Limits"
SDP = {"Content-Type": "application/sdp"}
FRAGMENT = {"Content-Type": "application/trickle-ice-sdpfrag", "If-Match": "*"}
CANDIDATE = "a=candidate:1 1 udp 1 192.0.2.1 5000 typ host"


def small(settings: Settings) -> Settings:
    """A server that takes little of anything."""
    return with_sections(
        settings,
        server=msgspec.structs.replace(settings.server, max_body_bytes=100, header_timeout_s=0.1, body_timeout_s=0.1),
        live=Live(max_frame_bytes=20_000, max_frame_pixels=10_000, max_controls_per_s=5),
        webrtc=Webrtc(max_sdp_bytes=2000, max_candidates=4),
        videos=Videos(max_bytes=5000, max_duration_s=1, upload_stall_s=0.1),
    )


def short_videos(settings: Settings) -> Settings:
    """A server that takes videos of one second with small pictures."""
    return with_sections(settings, videos=Videos(max_duration_s=1, max_pixels=20_000))


def full(settings: Settings) -> Settings:
    """A server whose disk has no room for videos."""
    return with_sections(settings, videos=Videos(min_free_bytes=2**60))


def one_at_a_time(settings: Settings) -> Settings:
    """A server for patient clients: one request in a hundred seconds, one session."""
    server = msgspec.structs.replace(settings.server, max_requests_per_s=0.01)
    return with_sections(settings, server=server)


def one_session(settings: Settings) -> Settings:
    """A server at which one client has one live session."""
    return with_sections(settings, live=Live(max_sessions_per_client=1))


def _stopping(path: str, content_type: str) -> Send:
    """Sends headers, and the beginning of a body; the server would wait some seconds for the rest after it has answered."""

    async def send(client: Client) -> Answer:
        connection = reader, writer = await asyncio.open_connection(client.host, client.port)
        lines = f"POST {path} HTTP/1.1", "Host: 127.0.0.1", "Content-Length: 5000", f"Content-Type: {content_type}", "", "begin"
        writer.write("\r\n".join(lines).encode())
        answer = await read_bare(reader)
        await close(connection)
        return Answer(*answer, answer[1])

    return send


async def _twice(client: Client) -> Answer:
    """Asks twice, and says what the second answer was."""
    async with client.get("/api"):
        pass
    async with client.get("/api") as answer:
        return await read_answer(answer)


async def _second_session(client: Client) -> Answer:
    """Opens one session, and tries another."""
    async with client.ws_connect("/ws/stream"):
        return await websocket()(client)


async def _trickled(client: Client) -> Answer:
    """Opens a session with three candidates, and names two more."""
    offer = make_offer(extra="\n".join([CANDIDATE] * 3))
    async with client.post("/whip", data=offer, headers=SDP) as opened:
        place = opened.headers["Location"]
    async with client.patch(place, data=f"a=mid:0\r\n{CANDIDATE}\r\n{CANDIDATE}\r\n", headers=FRAGMENT) as answer:
        told = await read_answer(answer)
    async with client.delete(place):
        return told


async def _frame(client: Client) -> Answer:
    """Sends a frame that claims much; the session stays open."""
    async with client.ws_connect("/ws/stream") as socket:
        await socket.send_bytes(jpeg_claiming(50_000, 50_000))
        return _told(await socket.receive_str(timeout=10))


async def _flood_of_controls(client: Client) -> Answer:
    """Sends eleven controls at once; the session stays open."""
    async with client.ws_connect("/ws/stream") as socket:
        for _ in range(11):
            await socket.send_str('{"conf": 0.5}')
        return _told(await socket.receive_str(timeout=10))


def _told(message: str) -> Answer:
    return Answer(0, msgspec.json.decode(message)["error"], message)


def _clip(*, frames: int, size: tuple[int, int]) -> FormData:
    with tempfile.TemporaryDirectory() as folder:
        return form_with(make_clip(Path(folder) / "clip.mp4", frames=frames, size=size).read_bytes())


PIXELS = "the picture has 50000x50000 pixels, more than the limit of 50,000,000 (predict.max_pixels)"
CASES = (
    *(
        BadInput(
            f"less than 1 KB of {kind} that claims 50,000 x 50,000 pixels",
            413,
            PIXELS,
            request("POST", "/predict", data=make(50_000, 50_000)),
        )
        for kind, make in CLAIMING.items()
    ),
    BadInput(
        "WebSocket: a JPEG frame of 200 bytes that claims 50,000 x 50,000 pixels",
        0,
        "the picture has 50000x50000 pixels, more than the limit of 10,000 (live.max_frame_pixels)",
        _frame,
        small,
    ),
    BadInput("WebSocket: a message of 20,001 bytes where 20,000 are allowed", 1009, "…", websocket(bytes(20_001)), small),
    BadInput(
        "WebSocket: 11 controls at once where 5 a second are allowed",
        0,
        "too many controls: at most 5 a second are taken (live.max_controls_per_s)",
        _flood_of_controls,
        small,
    ),
    BadInput(
        "an offer of 2,001 bytes where 2,000 are allowed",
        413,
        "the body is larger than the limit of 2,000 bytes (webrtc.max_sdp_bytes)",
        request("POST", "/whip", data=b"v" * 2001, headers=SDP),
        small,
    ),
    BadInput(
        "an offer with 5 candidates where 4 are allowed",
        413,
        "5 candidates are more than the 4 that a connection may have (webrtc.max_candidates)",
        request("POST", "/whip", data=make_offer(extra="\n".join([CANDIDATE] * 5)), headers=SDP),
        small,
    ),
    BadInput(
        "3 candidates in an offer and 2 later where 4 are allowed",
        413,
        "5 candidates are more than the 4 that a connection may have (webrtc.max_candidates)",
        _trickled,
        small,
    ),
    BadInput(
        "JSON of 101 bytes where 100 are allowed",
        413,
        "the body is larger than the limit of 100 bytes (server.max_body_bytes)",
        request("POST", "/api/cameras", data=b" " * 101),
        small,
    ),
    BadInput(
        "a form field of 5,000 bytes",
        413,
        "the body is larger than the limit of 4,096 bytes",
        request("POST", "/predict", data=lambda: form_with(picture_file(), conf="0" * 5000)),
    ),
    BadInput(
        "5,001 bytes of video where 5,000 are allowed",
        413,
        "the body is larger than the limit of 5,000 bytes (videos.max_bytes)",
        request("POST", "/api/videos", data=bytes(5001)),
        small,
    ),
    BadInput(
        "a video of 1.3 s where 1 s is allowed",
        413,
        "It is 1 s long, the limit is 1 s (videos.max_duration_s).",
        request("POST", "/api/videos", data=lambda: _clip(frames=20, size=(64, 48))),
        short_videos,
    ),
    BadInput(
        "a video of 160x128 where 20,000 pixels are allowed",
        413,
        "Its pictures are 160x128, the limit is 20,000 pixels (videos.max_pixels).",
        request("POST", "/api/videos", data=lambda: _clip(frames=2, size=(160, 128))),
        short_videos,
    ),
    BadInput(
        "a video for which the disk has no room",
        507,
        "The server has no room for 1 MB (videos.min_free_bytes). Delete old files, then add it again.",
        request("POST", "/api/videos", data=bytes(5000)),
        full,
    ),
    BadInput(
        "headers that stop coming",
        408,
        "the headers did not arrive within 0.1 s (server.header_timeout_s)",
        raw(b"GET /api HTTP/1.1\r\nHost: 127"),
        small,
    ),
    BadInput(
        "a picture that stops coming",
        408,
        "the body did not arrive within 0.1 s (server.body_timeout_s)",
        _stopping("/predict", "image/png"),
        small,
    ),
    BadInput(
        "a video that stops coming",
        408,
        "nothing of the body arrived for 0.1 s (videos.upload_stall_s)",
        _stopping("/api/videos", "video/mp4"),
        small,
    ),
    BadInput(
        "a second request within 100 s where 0.01 a second are allowed",
        429,
        "one key or client may make 0.01 requests a second (server.max_requests_per_s)",
        _twice,
        one_at_a_time,
    ),
    BadInput(
        "a second live session of a client where 1 is allowed",
        429,
        "one client may have 1 live sessions at once (live.max_sessions_per_client)",
        _second_session,
        one_session,
    ),
)
