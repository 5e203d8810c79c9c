"""Messages of live sessions: JSON controls of data channels and WebSockets, and frames of WebSockets."""

import json
import struct

from hypothesis import given
from hypothesis import strategies as st

from server.domain.errors import InvalidRequest
from server.transports.messages import apply_control, decode_control
from tests.builders import make_options
from tests.fakes import FAKE_MODEL
from tests.fuzz.bounds import bounded
from tests.fuzz.mutations import mutated
from tests.fuzz.served import KEY, Served
from tests.web.pictures import picture_file

JPEG = picture_file("JPEG", width=64, height=48)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)
FIELDS = ("conf", "classes", "annotate", "mode", "view_h", "other")
LIKELY: st.SearchStrategy[object] = st.sampled_from(
    (0, 0.5, 1, -1, 1.5, 10**30, "firearm", ["firearm"], [0, 1], [10**20], "exact", "smooth", True, None, [], {})
)
CONTROLS = [
    b'{"conf":0.4}',
    b'{"classes":["firearm",1],"annotate":false}',
    b'{"mode":"exact","view_h":219}',
    b'{"classes":null}',
    b"[" * 20_000,
    b'{"conf":' * 2000,
]
TEXTS = st.one_of(
    st.dictionaries(st.sampled_from(FIELDS), LIKELY | JSON, max_size=4).map(lambda value: json.dumps(value).encode()),
    mutated(CONTROLS),
    st.binary(max_size=30),
)
MESSAGES = st.tuples(st.booleans(), st.one_of(TEXTS, mutated([JPEG], most=3), st.just(JPEG)))


@bounded(500)
@given(text=TEXTS, form=st.sampled_from((bytes, str)))
def test_a_control_is_applied_or_refused(text: bytes, form: type[bytes | str]) -> None:
    """What is applied makes options that mean something."""
    try:
        control = decode_control(text.decode("utf-8", "replace") if form is str else text)
        options = apply_control(make_options(), control, model=FAKE_MODEL)
    except InvalidRequest:
        return
    assert 0 <= options.confidence <= 1
    assert options.classes is None or options.classes <= {0, 1}
    assert options.view_height_px is None or options.view_height_px >= 1


@bounded(30)
@given(
    messages=st.lists(
        st.tuples(st.booleans(), st.one_of(TEXTS, mutated([JPEG], most=3), st.just(JPEG))), min_size=1, max_size=4
    )
)
def test_a_websocket_answers_each_frame_or_ends(served: Served, messages: list[tuple[bool, bytes]]) -> None:
    """Texts and frames of any content: the session answers or closes with a reason, and is gone when the client is."""
    frames = [_frame(1 if text else 2, data) for text, data in messages]
    _converse(served, b"".join(frames), ended=False)


@bounded(40)
@given(sent=mutated([b"\x82\x83abcdef\x88\x80abcd", b"\x01\x80abcd\x80\x80abcd", b"\x89\x80abcd"], most=4))
def test_a_websocket_that_breaks_the_protocol_ends(served: Served, sent: bytes) -> None:
    """Frames that are none: the session is gone when the client is."""
    _converse(served, sent, ended=True)


def _converse(served: Served, sent: bytes, *, ended: bool) -> None:
    """Opens a WebSocket, sends, closes, and reads until the server closes, too."""
    hello = (
        f"GET /ws/stream HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {KEY}\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    head, _ = served.converse(hello.encode(), sent + _frame(8, struct.pack(">H", 1000)), ended=ended)
    assert head.startswith(b"HTTP/1.1 101"), head


def _frame(opcode: int, data: bytes) -> bytes:
    """A frame as a client sends it: masked, here by zeros (RFC 6455, 5.2)."""
    size, first = len(data), bytes([128 | opcode])
    if size < 126:
        return first + bytes([128 | size, 0, 0, 0, 0]) + data
    return first + (b"\xfe" + struct.pack(">H", size) if size < 65536 else b"\xff" + struct.pack(">Q", size)) + bytes(4) + data
