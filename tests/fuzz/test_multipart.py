"""Multipart bodies as raw bytes on a socket: framing, boundaries, headers of parts, and connections that end in the middle."""

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from tests.fuzz.bounds import bounded
from tests.fuzz.mutations import mutated
from tests.fuzz.served import KEY, Served
from tests.web.pictures import picture_file

PICTURE = picture_file("PNG", width=32, height=24)
ADDRESSES = ("/predict", "/v1/vision/detection", "/v1/vision/custom/list")
"""Of pictures; a video file is read by a child process, which takes longer."""
BODIES = [
    b'--x\r\nContent-Disposition: form-data; name="conf"\r\n\r\n0.5\r\n'
    b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\nContent-Type: image/png\r\n\r\n'
    + PICTURE
    + b"\r\n--x--\r\n",
    b"--x\r\nContent-Disposition: form-data; name=\"image\"; filename*=utf-8''%e2%82%ac.png\r\n"
    b"Content-Transfer-Encoding: base64\r\n\r\naGFsbG8=\r\n--x--\r\n",
    b"preamble\r\n--x  \r\ncontent-disposition: form-data; name=file\r\nContent-Length: 3\r\n\r\nabc\r\n--x--epilogue",
    b"--x\r\nContent-Type: multipart/mixed; boundary=y\r\n\r\n--y\r\n\r\n1\r\n--y--\r\n--x--\r\n",
    b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n'
    b"Content-Encoding: gzip\r\n\r\n\x1f\x8b\x08\r\n--x--\r\n",
    b'--x\r\nContent-Disposition: form-data; name="_charset_"\r\n\r\nutf-7\r\n--x--\r\n',
]
TYPES = (
    "multipart/form-data; boundary=x",
    'multipart/form-data; boundary="x"',
    "multipart/form-data",
    "multipart/form-data; boundary=",
    "multipart/form-data; boundary=" + "y" * 100,
    "multipart/mixed; boundary=x",
    "multipart/; boundary=x",
    "multipart/form-data; boundary=x; charset=nonsense",
    "application/x-www-form-urlencoded",
)
REFUSALS = {400, 401, 413, 415, 422}


@bounded(150)
@given(address=st.sampled_from(ADDRESSES), content_type=st.sampled_from(TYPES), body=mutated(BODIES))
def test_a_form_is_read_or_refused(served: Served, address: str, content_type: str, body: bytes) -> None:
    """A body that is all there is answered, whatever is in it."""
    answer = served.ask("POST", address, headers={"Content-Type": content_type}, body=body)
    assert answer.status in REFUSALS | {200}, answer.body


@bounded(8)
@given(content_type=st.sampled_from(TYPES), body=mutated(BODIES))
def test_a_form_with_a_video_is_read_or_refused(served: Served, content_type: str, body: bytes) -> None:
    """Likewise where the file goes to the disk as it arrives."""
    answer = served.ask("POST", "/api/videos", headers={"Content-Type": content_type}, body=body)
    assert answer.status in REFUSALS, answer.body


@st.composite
def framed(draw: DrawFn) -> bytes:
    """A whole request whose framing or body may be wrong."""
    chunks = [draw(mutated(BODIES, most=2)), draw(st.binary(max_size=8))]
    chunked = b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\n\r\n"
    length = draw(st.sampled_from((b"5", b"100000", b"-1", b"0", b"+3", b"99999999999999999999", b"3, 3")))
    framing, body = draw(
        st.sampled_from(
            (
                (b"Transfer-Encoding: chunked", chunked),
                (b"Transfer-Encoding: chunked\r\nContent-Length: 3", chunked),
                (b"Transfer-Encoding: gzip, chunked", chunked),
                (b"Content-Length: " + length, chunks[0]),
                (b"Content-Length: %d\r\nContent-Encoding: gzip" % len(chunks[0]), chunks[0]),
                (b"Content-Length: %d\r\nExpect: 100-continue" % len(chunks[0]), chunks[0]),
            )
        )
    )
    address = draw(st.sampled_from(ADDRESSES)).encode()
    kind = draw(st.sampled_from(TYPES)).encode()
    head = b"POST %s HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\nContent-Type: %s\r\n%s\r\n\r\n"
    return head % (address, KEY.encode(), kind, framing) + body


@bounded(80)
@given(request=st.one_of(framed(), mutated([b"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nabc"])))
def test_a_request_that_is_framed_wrongly_ends(served: Served, request: bytes) -> None:
    """Our side closes behind what it sent, so whatever it was it is over: answered or not, and never as a fault of ours."""
    answer = served.send(request, method="POST", ended=True)
    assert answer is None or answer.status < 500 or answer.status == 501, answer.body
