"""Tests of live video over a WebSocket, with real JPEG frames."""

import asyncio
import json
import threading
from typing import Any

import numpy as np
import pytest
from aiohttp import ClientWebSocketResponse, WSMsgType, WSServerHandshakeError

from server.config.settings import Auth, Live, Settings
from server.media.jpeg import decode_i420, encode_i420
from server.transports.websocket import MOST_DAMAGED_IN_A_ROW
from server.web import keys
from tests.conftest import Client, ClientFactory, with_sections
from tests.fakes import BLUE, FakeDetector, HeldDetector
from tests.marked_video import coloured_pixels, marked_picture, read_number
from tests.transports.rig import FixedDetector, eventually
from tests.web.openapi import check_answer, schema
from tests.web.pictures import picture_file

Socket = ClientWebSocketResponse
ENDS = (WSMsgType.CLOSE, WSMsgType.CLOSED, WSMsgType.CLOSING)


def jpeg(number: int = 0, *, width: int = 640, height: int = 480) -> bytes:
    """A JPEG frame that carries a number."""
    return encode_i420(marked_picture(number, width=width, height=height))


async def connect(client: Client, query: str = "", **options: Any) -> Socket:
    """An open session."""
    socket: Socket = await client.ws_connect(f"/ws/stream{query}", **options)
    return socket


async def text_from(socket: Socket) -> dict[str, Any]:
    """The next message, which has to be text."""
    message = await socket.receive(timeout=20)
    assert message.type is WSMsgType.TEXT, message
    decoded: dict[str, Any] = json.loads(message.data)
    return decoded


async def picture_from(socket: Socket) -> bytes:
    """The next message, which has to be binary."""
    message = await socket.receive(timeout=20)
    assert message.type is WSMsgType.BINARY, message
    data: bytes = message.data
    return data


async def answer_from(socket: Socket) -> tuple[dict[str, Any], bytes]:
    """The next answer: its text and its picture."""
    return await text_from(socket), await picture_from(socket)


async def end_of(socket: Socket) -> tuple[int | None, str]:
    """The code and the reason with which the server closes; what it sends before is thrown away."""
    async with asyncio.timeout(20):
        while (message := await socket.receive()).type not in ENDS:
            pass
    return socket.close_code, str(message.extra or "")


def active(client: Client) -> int:
    """Places that are taken."""
    assert client.app is not None
    return client.app[keys.LIVE].registry.active


async def no_session(client: Client) -> None:
    """Waits until no place is taken."""
    await eventually(lambda: active(client) == 0)


# Framing


async def test_answers_a_frame_with_text_and_then_its_picture(start_client: ClientFactory) -> None:
    """Each answer is one JSON message of the described form, then the annotated JPEG of that very frame."""
    client = await start_client(detector=FixedDetector())
    async with await connect(client, "?conf=0.3") as socket:
        for number in range(3):
            await socket.send_bytes(jpeg(100 + number))
            message, file = await answer_from(socket)
            schema("DetectionMessage").validate(message)
            assert (message["frame"], message["shape"], message["conf"]) == (number, [480, 640], 0.3)
            assert [found["name"] for found in message["results"]] == ["firearm"]
            picture = decode_i420(file, max_pixels=640 * 480)
            assert read_number(picture) == 100 + number
            assert coloured_pixels(picture) > 500


async def test_each_answer_has_the_age_of_its_own_picture(start_client: ClientFactory) -> None:
    """The text goes out with the picture: both ages are the same, and cover the detection."""
    client = await start_client(detector=FixedDetector(takes_s=0.05))
    async with await connect(client) as socket:
        await socket.send_bytes(jpeg())
        message, _ = await answer_from(socket)
        assert message["age_ms"] == message["box_age_ms"] >= 50


async def test_a_session_without_pictures(client: Client) -> None:
    """With `annotate=0` only texts come back."""
    async with await connect(client, "?annotate=0") as socket:
        for number in range(3):
            await socket.send_bytes(picture_file("JPEG"))
            message = await text_from(socket)
            assert (message["frame"], message["annotate"], message["box_age_ms"]) == (number, False, None)
            assert message["results"][0]["name"] == "firearm"


async def test_a_client_that_asks_is_told_the_id_of_its_stream(client: Client) -> None:
    """With `tell_id=1` the first message names the stream, as a browser cannot read it from the handshake."""
    async with await connect(client, "?annotate=0&tell_id=1") as socket:
        await socket.send_bytes(jpeg())
        opened = await text_from(socket)
        async with client.get("/api/streams") as answer:
            (listed,) = (await answer.json())["streams"]
        assert opened == {"event": "opened", "id": listed["id"]}
        assert (await text_from(socket))["frame"] == 0


async def test_times_count_from_the_first_frame(client: Client) -> None:
    """JPEG frames carry no time: theirs is that of receipt."""
    async with await connect(client, "?annotate=0") as socket:
        await socket.send_bytes(jpeg())
        assert (await text_from(socket))["pts"] == 0
        await socket.send_bytes(jpeg())
        assert (await text_from(socket))["pts"] > 0


async def test_frames_may_change_their_size(start_client: ClientFactory) -> None:
    """A camera that is turned, and one that is tiny, go on."""
    client = await start_client(detector=FixedDetector())
    async with await connect(client) as socket:
        for width, height in ((640, 480), (480, 640), (16, 16), (2, 2), (1280, 720)):
            await socket.send_bytes(jpeg(width=width, height=height) if min(width, height) > 100 else _plain(width, height))
            message, file = await answer_from(socket)
            assert message["shape"] == [height, width]
            assert decode_i420(file, max_pixels=1280 * 720).shape == (height * 3 // 2, width)


def _plain(width: int, height: int) -> bytes:
    return picture_file("JPEG", width=width, height=height)


# The newest wins


async def test_keeps_the_newest_frame(start_client: ClientFactory) -> None:
    """While the detector is busy each frame replaces the one that waits, and none is answered twice."""
    detector = HeldDetector()
    client = await start_client(detector=detector)
    async with await connect(client) as socket:
        await socket.send_bytes(jpeg(0))
        await asyncio.to_thread(detector.entered.acquire, timeout=10)
        for number in range(1, 10):
            await socket.send_bytes(jpeg(number))
        assert client.app is not None
        (session,) = client.app[keys.LIVE].registry
        await eventually(lambda: session.stream.stats().received == 10)
        detector.release.set()
        answers = [await answer_from(socket) for _ in range(2)]
        assert [message["frame"] for message, _ in answers] == [0, 9]
        assert [read_number(decode_i420(file, max_pixels=640 * 480)) for _, file in answers] == [0, 9]
        with pytest.raises(TimeoutError):
            await socket.receive(timeout=0.2)


async def test_two_unanswered_frames_are_both_answered(start_client: ClientFactory) -> None:
    """A client that keeps to two loses none: one is being checked, one waits."""
    client = await start_client(detector=FixedDetector(takes_s=0.02))
    async with await connect(client) as socket:
        await socket.send_bytes(jpeg(0))
        await socket.send_bytes(jpeg(1))
        for number in range(2, 12):
            assert (await answer_from(socket))[0]["frame"] == number - 2
            await socket.send_bytes(jpeg(number))


async def test_a_frame_on_which_the_detector_fails_has_no_answer(start_client: ClientFactory) -> None:
    """The session goes on with the next frame."""
    detector = FakeDetector(failure=ValueError("broken"))
    client = await start_client(detector=detector)
    async with await connect(client, "?annotate=0") as socket:
        await socket.send_bytes(jpeg())
        await eventually(lambda: detector.options)
        detector.failure = None
        await asyncio.sleep(0.05)
        await socket.send_bytes(jpeg())
        assert (await text_from(socket))["frame"] == 1


# Controls


async def test_controls_act_as_on_the_data_channel(start_client: ClientFactory) -> None:
    """What is sent as text is in force for the next frame, and confirmed with it."""
    client = await start_client(detector=FixedDetector())
    async with await connect(client) as socket:
        await socket.send_str('{"conf": 0.77, "mode": "exact", "classes": ["person"], "view_h": 300}')
        await socket.send_bytes(jpeg())
        message, _ = await answer_from(socket)
        assert (message["conf"], message["mode"], message["classes"]) == (0.77, "exact", [1])


async def test_boxes_can_be_left_out(start_client: ClientFactory) -> None:
    """With `annotate` false the pictures still come, without boxes."""
    client = await start_client(detector=FixedDetector())
    async with await connect(client) as socket:
        await socket.send_str('{"annotate": false}')
        await socket.send_bytes(jpeg(7))
        message, file = await answer_from(socket)
        assert message["annotate"] is False
        assert coloured_pixels(decode_i420(file, max_pixels=640 * 480)) < 50


@pytest.mark.parametrize("control", ["nonsense", '{"conf": 7}', '{"classes": ["banana"]}', '{"speed": 1}', "[]", "x" * 20_000])
async def test_a_control_that_cannot_be_meant_is_answered(client: Client, control: str) -> None:
    """The client learns why, and the session goes on."""
    async with await connect(client, "?annotate=0") as socket:
        await socket.send_str(control)
        assert set(await text_from(socket)) == {"error"}
        await socket.send_bytes(jpeg())
        assert "results" in await text_from(socket)


async def test_the_stream_is_listed_and_changed_like_any_other(client: Client) -> None:
    """It has its name and its options in /api/streams, takes PATCH, and is no WHIP session."""
    async with await connect(client, "?name=Door&classes=person&mode=exact") as socket:
        (stream,) = (await (await client.get("/api/streams")).json())["streams"]
        assert (stream["name"], stream["classes"], stream["mode"]) == ("Door", [1], "exact")
        assert (await client.patch(f"/api/streams/{stream['id']}", json={"classes": None})).status == 200
        assert (await client.delete(f"/whip/{stream['id']}")).status == 404
        await socket.send_bytes(picture_file("JPEG", colour=BLUE))
        message, _ = await answer_from(socket)
        assert message["results"][0]["name"] == "person"


# Frames that are none


@pytest.mark.parametrize(
    "data", [b"", b"no picture", picture_file("PNG"), picture_file("JPEG")[:300], b"\xff\xd8\xff" + bytes(500)]
)
async def test_a_damaged_frame_is_told_and_the_session_goes_on(client: Client, data: bytes) -> None:
    """The error names the frame, and the next good one is answered."""
    async with await connect(client) as socket:
        await socket.send_bytes(data)
        message = await text_from(socket)
        assert message["frame"] == 0
        schema("FrameError").validate(message)
        await socket.send_bytes(jpeg())
        assert (await answer_from(socket))[0]["frame"] == 1


async def test_too_many_pixels_are_told(start_client: ClientFactory, settings: Settings) -> None:
    """A frame above the limit is refused by its header, and the session goes on."""
    client = await start_client(with_sections(settings, live=Live(max_frame_pixels=160 * 120)))
    async with await connect(client, "?annotate=0") as socket:
        await socket.send_bytes(jpeg())
        assert "640x480" in (await text_from(socket))["error"]
        await socket.send_bytes(picture_file("JPEG"))
        assert "results" in await text_from(socket)


async def test_nothing_but_damaged_frames_ends_the_session(client: Client) -> None:
    """After ten in a row the client is told that it has mistaken the address: 1007."""
    async with await connect(client) as socket:
        for _ in range(MOST_DAMAGED_IN_A_ROW):
            await socket.send_bytes(b"no picture")
            await asyncio.sleep(0.02)
        code, reason = await end_of(socket)
        assert code == 1007
        assert "10 frames in a row" in reason
    await no_session(client)


async def test_a_good_frame_forgives_the_damaged_ones(client: Client) -> None:
    """Only those in a row count."""
    async with await connect(client, "?annotate=0") as socket:
        for _ in range(3):
            for _ in range(MOST_DAMAGED_IN_A_ROW - 1):
                await socket.send_bytes(b"no picture")
                assert "error" in await text_from(socket)
            await socket.send_bytes(jpeg())
            assert "results" in await text_from(socket)


# Limits and ends


async def test_too_large_a_message_ends_the_session(start_client: ClientFactory, settings: Settings) -> None:
    """A message above the limit is not read to its end: 1009. One of exactly the limit is taken."""
    client = await start_client(with_sections(settings, live=Live(max_frame_bytes=20_000)))
    async with await connect(client, "?annotate=0") as socket:
        await socket.send_bytes(bytes(20_000))
        assert "error" in await text_from(socket)
        await socket.send_bytes(bytes(20_001))
        assert (await end_of(socket))[0] == 1009
    await no_session(client)


async def test_a_silent_client_is_closed(start_client: ClientFactory, settings: Settings) -> None:
    """A client that sends no frames frees its place, whatever else it sends: 1008 with the reason."""
    client = await start_client(with_sections(settings, live=Live(media_timeout_s=0.3)))
    async with await connect(client) as socket:
        await socket.send_str('{"conf": 0.5}')
        assert await end_of(socket) == (1008, "no frame for 0.3 s")
    await no_session(client)


async def test_a_client_that_takes_in_nothing_is_closed(start_client: ClientFactory, settings: Settings) -> None:
    """Answers that nobody reads do not pile up: the session ends when nothing has moved for a while."""
    client = await start_client(with_sections(settings, live=Live(media_timeout_s=0.5)), detector=FixedDetector())
    async with await connect(client) as socket:
        assert socket._conn is not None
        assert socket._conn.transport is not None
        socket._conn.transport.pause_reading()
        frame = _noise()
        async with asyncio.timeout(20):
            while active(client):
                await socket.send_bytes(frame)
                await asyncio.sleep(0.005)
        socket._conn.transport.abort()


def _noise() -> bytes:
    """A frame that no encoder makes small, so that buffers are full soon."""
    return encode_i420(np.random.default_rng(1).integers(16, 235, (1080, 1280), np.uint8))


async def test_a_client_that_leaves_frees_its_place(client: Client) -> None:
    """Closing is enough, and so is a connection that breaks."""
    socket = await connect(client)
    await socket.close()
    await no_session(client)
    socket = await connect(client)
    assert socket._conn is not None
    assert socket._conn.transport is not None
    socket._conn.transport.abort()
    await no_session(client)


async def test_an_operator_ends_a_session(client: Client) -> None:
    """DELETE closes the WebSocket normally, and its place is free when the answer comes."""
    async with await connect(client) as socket:
        (stream,) = (await (await client.get("/api/streams")).json())["streams"]
        ending = asyncio.create_task(end_of(socket))
        assert (await client.delete(f"/api/streams/{stream['id']}")).status == 204
        assert active(client) == 0
        assert await ending == (1000, "ended through /api/streams")


async def test_draining_tells_the_client_and_ends_it(client: Client) -> None:
    """The event comes while answers go on; the end is 1001."""
    assert client.app is not None
    async with await connect(client, "?annotate=0") as socket:
        drain = asyncio.create_task(client.app[keys.LIFECYCLE].drain(0.5))
        assert await text_from(socket) == {"event": "draining", "grace_s": 0.5}
        await socket.send_bytes(jpeg())
        assert "results" in await text_from(socket)
        assert await end_of(socket) == (1001, "the server ends")
        await drain


async def test_the_end_of_the_server_ends_its_sessions(client: Client) -> None:
    """Shutting down closes WebSockets at once instead of waiting for them."""
    assert client.app is not None
    async with await connect(client) as socket:
        async with asyncio.timeout(5):
            shutdown = asyncio.create_task(client.app.shutdown())
            assert (await end_of(socket))[0] == 1001
            await shutdown
    assert active(client) == 0


async def test_a_session_whose_stream_fails_is_closed(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault of ours ends this session only, with 1011."""
    monkeypatch.setattr("server.pipeline.tracker.ByteTracker.update", lambda *_args, **_options: 1 / 0)
    async with await connect(client) as socket:
        await socket.send_bytes(jpeg())
        assert await end_of(socket) == (1011, "the stream failed")
    await no_session(client)
    assert (await client.get("/healthz")).status == 200


# Refusals, all before the upgrade


@pytest.mark.parametrize(
    ("query", "says"),
    [("?conf=5", "conf"), ("?mode=fast", "mode"), ("?annotate=perhaps", "annotate"), ("?classes=banana", "banana")],
)
async def test_refuses_parameters(client: Client, query: str, says: str) -> None:
    """What cannot be meant is 400, and takes no place."""
    answer = await client.get(f"/ws/stream{query}")
    assert answer.status == 400
    await check_answer(answer, method="GET", path="/ws/stream")
    assert says in (await answer.json(content_type=None))["detail"]
    assert active(client) == 0


async def test_asks_for_a_websocket(client: Client) -> None:
    """A request that begins none gets 426, which tells that a WebSocket would be taken, and keeps no place."""
    answer = await client.get("/ws/stream")
    assert answer.status == 426
    await check_answer(answer, method="GET", path="/ws/stream")
    assert answer.headers["Upgrade"] == "websocket"
    assert active(client) == 0


async def test_refuses_more_sessions_than_fit(start_client: ClientFactory, settings: Settings) -> None:
    """Full is 503 before the upgrade, for a WebSocket and for one who only asks; both say how many places there are."""
    client = await start_client(with_sections(settings, live=Live(max_sessions=1)))
    first = await connect(client)
    with pytest.raises(WSServerHandshakeError) as refusal:
        await connect(client)
    assert refusal.value.status == 503
    answer = await client.get("/ws/stream")
    await check_answer(answer, method="GET", path="/ws/stream")
    problem = await answer.json(content_type=None)
    assert (answer.status, problem["capacity"], problem["active"]) == (503, 1, 1)
    assert int(answer.headers["Retry-After"]) >= 1
    await first.close()
    await no_session(client)
    await (await connect(client)).close()


async def test_refuses_while_the_model_is_being_loaded(start_client: ClientFactory) -> None:
    """Nothing is taken until the model is there: 503."""
    gate = threading.Event()
    client = await start_client(detector=FakeDetector(gate=gate), wait=False)
    with pytest.raises(WSServerHandshakeError) as refusal:
        await connect(client)
    assert refusal.value.status == 503
    gate.set()


async def test_refuses_while_draining(client: Client) -> None:
    """Once the server is about to end it opens no session: 503."""
    assert client.app is not None
    await client.app[keys.LIFECYCLE].drain(0.1)
    with pytest.raises(WSServerHandshakeError) as refusal:
        await connect(client)
    assert refusal.value.status == 503


@pytest.mark.parametrize("headers", [{"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}])
async def test_refuses_pages_of_other_sites(client: Client, headers: dict[str, str]) -> None:
    """Browsers let any site open a WebSocket: 403."""
    with pytest.raises(WSServerHandshakeError) as refusal:
        await connect(client, headers=headers)
    assert refusal.value.status == 403


async def test_takes_the_own_page(client: Client) -> None:
    """The page itself names the server as its origin."""
    origin = str(client.make_url("/")).rstrip("/")
    await (await connect(client, headers={"Origin": origin, "Sec-Fetch-Site": "same-origin"})).close()


async def test_refuses_without_a_key(start_client: ClientFactory, settings: Settings) -> None:
    """Without a key it is 401; with one in the header or in the cookie of a signed-in browser it opens."""
    client = await start_client(with_sections(settings, auth=Auth(api_keys=["a-key"])))
    with pytest.raises(WSServerHandshakeError) as refusal:
        await connect(client)
    assert refusal.value.status == 401
    await (await connect(client, headers={"Authorization": "Bearer a-key"})).close()
    assert (await client.post("/api/session", json={"key": "a-key"})).status == 204
    await (await connect(client)).close()


async def test_nothing_is_compressed(client: Client) -> None:
    """An offer to compress is not taken up: JPEG does not get smaller."""
    async with await connect(client, compress=15) as socket:
        assert not socket.compress
