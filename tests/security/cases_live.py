"""Live video: offers, candidates, controls and WebSocket messages that cannot be meant."""

from tests.conftest import Client
from tests.security.bad_input import Answer, BadInput, Send, read_answer, request, websocket
from tests.transports.test_sdp import make_offer

TITLE = "Live video"
NO_SDP = "the offer is not valid SDP: it has no media section"
NO_SESSION = "no such live session"
SDP = {"Content-Type": "application/sdp"}
FRAGMENT = {"Content-Type": "application/trickle-ice-sdpfrag", "If-Match": "*"}


def _offer(text: str | bytes, *, query: str = "") -> Send:
    return request("POST", f"/whip?{query}", data=text, headers=SDP)


def _candidates(body: str | bytes, *, headers: dict[str, str] = FRAGMENT) -> Send:
    """Sends candidates to a session that was opened for it, and ends that."""

    async def send(client: Client) -> Answer:
        async with client.post("/whip", data=make_offer(), headers=SDP) as opened:
            session = opened.headers["Location"]
        async with client.patch(session, data=body, headers=headers) as answer:
            read = await read_answer(answer)
        await client.delete(session)
        return read

    return send


def _control(body: str) -> Send:
    """Changes a stream that was opened for it, and ends that."""

    async def send(client: Client) -> Answer:
        async with client.post("/whip", data=make_offer(), headers=SDP) as opened:
            stream = opened.headers["Location"].rpartition("/")[2]
        async with client.patch(f"/api/streams/{stream}", data=body) as answer:
            read = await read_answer(answer)
        await client.delete(f"/whip/{stream}")
        return read

    return send


def _without(line: str) -> str:
    return "".join(f"{one}\r\n" for one in make_offer().splitlines() if not one.startswith(line))


TWO_VIDEOS = make_offer() + make_offer().partition("m=")[1] + make_offer().partition("m=")[2].replace("mid:0", "mid:1")

CASES = (
    BadInput("WHIP: JSON", 415, "the body must be application/sdp, not application/json", request("POST", "/whip", json={})),
    BadInput("WHIP: no body", 400, NO_SDP, _offer(b"")),
    BadInput("WHIP: text that is no SDP", 400, NO_SDP, _offer("nonsense")),
    BadInput("WHIP: bytes that are no text", 400, "the body is not text in UTF-8", _offer(b"\xff\xfe")),
    BadInput("WHIP: SDP without a section", 400, NO_SDP, _offer("v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n")),
    BadInput(
        "WHIP: an offer that sends no video",
        422,
        "the offer's video section is recvonly: it sends no video",
        _offer(make_offer(video="a=recvonly")),
    ),
    BadInput(
        "WHIP: an offer of an unknown codec",
        422,
        "the offer's video section has no codec in common with us: H.264 or VP8",
        _offer(make_offer(codec="AV9/90000")),
    ),
    BadInput("WHIP: two videos", 422, "the offer has more than one video section", _offer(TWO_VIDEOS)),
    BadInput(
        "WHIP: no DTLS fingerprint",
        400,
        "the offer's video section has no DTLS fingerprint or setup attribute",
        _offer(_without("a=fingerprint")),
    ),
    BadInput(
        "WHIP: no ICE password", 400, "the offer's video section has no ICE name and password", _offer(_without("a=ice-pwd"))
    ),
    BadInput("WHIP: no rtcp-mux", 422, "the offer's video section does without rtcp-mux", _offer(_without("a=rtcp-mux"))),
    BadInput(
        "WHIP: a BUNDLE of sections that are not there",
        400,
        "the offer's BUNDLE group does not name sections of it, each once: 0 7",
        _offer(make_offer(session="a=group:BUNDLE 0 7")),
    ),
    BadInput("WHIP: `conf=5`", 400, "parameter conf: Expected `float` <= 1.0", _offer(make_offer(), query="conf=5")),
    BadInput("WHIP: `mode=fast`", 400, "parameter mode: Invalid enum value 'fast'", _offer(make_offer(), query="mode=fast")),
    BadInput(
        "WHIP: `classes=banana`",
        400,
        "parameter classes: the model knows no class 'banana'",
        _offer(make_offer(), query="classes=banana"),
    ),
    BadInput(
        "WHIP: a name of 100 letters",
        400,
        "parameter name: Expected `str` of length <= 80",
        _offer(make_offer(), query="name=" + "x" * 100),
    ),
    BadInput("WHIP: ending a session that is not there", 404, NO_SESSION, request("DELETE", "/whip/nobody")),
    BadInput("WHIP: ending `../../etc`", 404, NO_SESSION, request("DELETE", "/whip/..%2F..%2Fetc")),
    BadInput(
        "candidates for another session",
        412,
        'the session\'s ICE session is …, not "another"',
        _candidates("a=mid:0\r\n", headers={**FRAGMENT, "If-Match": '"another"'}),
    ),
    BadInput(
        "candidates without `If-Match`",
        428,
        "If-Match must name the ICE session by the ETag of the answer (RFC 9725, section 4.3.1)",
        _candidates("a=mid:0\r\n", headers={"Content-Type": FRAGMENT["Content-Type"]}),
    ),
    BadInput(
        "candidates as JSON",
        415,
        "the body must be application/trickle-ice-sdpfrag, not application/json",
        _candidates("{}", headers={**FRAGMENT, "Content-Type": "application/json"}),
    ),
    BadInput(
        "candidates that are nonsense", 400, "the ICE fragment names no ICE session and no candidate", _candidates("nonsense")
    ),
    BadInput("candidates that are no text", 400, "the body is not text in UTF-8", _candidates(b"\xff\xfe")),
    BadInput(
        "candidates of 70,000 bytes",
        413,
        "the body is larger than the limit of 65,536 bytes (webrtc.max_sdp_bytes)",
        _candidates("x" * 70_000),
    ),
    BadInput(
        "an ICE restart",
        422,
        "ICE restarts are not supported: end this session and open a new one",
        _candidates("a=ice-ufrag:other\r\na=ice-pwd:0123456789012345678901\r\na=mid:0\r\n"),
    ),
    BadInput(
        "WHEP: a stream that is not there", 404, NO_SESSION, request("POST", "/whep/nobody", data=make_offer(), headers=SDP)
    ),
    BadInput("WHEP: a viewer that is not there", 404, "no such viewer", request("DELETE", "/whep/nobody/nothing")),
    BadInput("a control that is no JSON", 400, "control not understood: Input data was truncated", _control("{")),
    BadInput("a control that is a list", 400, "control not understood: Expected `object`, got `array`", _control("[]")),
    BadInput(
        "a control with an unknown field",
        400,
        "control not understood: Object contains unknown field `speed`",
        _control('{"speed": 1}'),
    ),
    BadInput(
        'a control `{"conf": 7}`', 400, "control not understood: Expected `float` <= 1.0 - at `$.conf`", _control('{"conf": 7}')
    ),
    BadInput(
        'a control `{"conf": 1e999}`',
        400,
        "control not understood: Number out of range - at `$.conf`",
        _control('{"conf": 1e999}'),
    ),
    BadInput(
        'a control `{"view_h": -1}`',
        400,
        "control not understood: Expected `int` >= 1 - at `$.view_h`",
        _control('{"view_h": -1}'),
    ),
    BadInput(
        "a control of 10,000 brackets", 400, "control not understood: Expected `object`, got `array`", _control("[" * 10_000)
    ),
    BadInput("a control of 20,000 bytes", 400, "a control has at most 16384 bytes", _control("x" * 20_000)),
    BadInput("pictures of a stream that is not there", 404, NO_SESSION, request("GET", "/api/streams/nobody/mjpeg")),
    BadInput("WebSocket: a request that begins none", 426, "this address speaks WebSocket only", request("GET", "/ws/stream")),
    BadInput("WebSocket: `conf=5`", 400, "parameter conf: Expected `float` <= 1.0", websocket(path="/ws/stream?conf=5")),
    BadInput(
        "WebSocket: `annotate=perhaps`",
        400,
        "parameter annotate: Expected `bool`, got `str`",
        websocket(path="/ws/stream?annotate=perhaps"),
    ),
    BadInput("WebSocket: a frame that is no JPEG", 0, "the frame is not a JPEG picture", websocket(b"no picture")),
    BadInput(
        "WebSocket: frame after frame that is no JPEG",
        1007,
        "10 frames in a row could not be used: the frame is not a JPEG picture",
        websocket(*[b"no picture"] * 100),
    ),
    BadInput("WebSocket: a control that is no JSON", 0, "control not understood: Input data was truncated", websocket("{")),
    BadInput("WebSocket: a control of 20,000 bytes", 0, "a control has at most 16384 bytes", websocket("x" * 20_000)),
    BadInput(
        "the doctor's path: an offer with video",
        422,
        "the offer must have one data channel section and no other",
        request("POST", "/api/doctor/path", data=make_offer(), headers=SDP),
    ),
)
