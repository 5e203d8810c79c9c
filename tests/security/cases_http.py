"""HTTP itself: requests that cannot be read, addresses that do not exist, and paths that lead out of a folder."""

from tests.security.bad_input import BadInput, raw, request

TITLE = "HTTP"
UNREADABLE = "the request cannot be read: its first line, a header or a chunk of its body is malformed or too long"
NOTHING = "there is nothing at this address"
CLOSING = b"Host: 127.0.0.1\r\nConnection: close\r\n\r\n"


def _raw(first: bytes, *headers: bytes, body: bytes = b"") -> bytes:
    return b"".join([first, b" HTTP/1.1\r\n", *(header + b"\r\n" for header in headers), CLOSING, body])


def _smuggled() -> bytes:
    headers = (b"Content-Length: 4", b"Transfer-Encoding: chunked")
    return _raw(b"POST /predict", *headers, body=b"0\r\n\r\nGET /api HTTP/1.1\r\n" + CLOSING)


CASES = (
    BadInput(
        "the greeting of TLS at the plain port", 400, UNREADABLE, raw(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n")
    ),
    BadInput("an address of 20,000 characters", 400, UNREADABLE, raw(_raw(b"GET /" + b"a" * 20_000))),
    BadInput("a header of 20,000 characters", 400, UNREADABLE, raw(_raw(b"GET /api", b"X: " + b"a" * 20_000))),
    BadInput("a header with a null byte", 400, UNREADABLE, raw(_raw(b"GET /api", b"X: a\0b"))),
    BadInput("200 headers", 400, UNREADABLE, raw(_raw(b"GET /api", *(b"X-%d: a" % number for number in range(200))))),
    BadInput(
        "two lengths", 400, UNREADABLE, raw(_raw(b"POST /predict", b"Content-Length: 4", b"Content-Length: 5", body=b"abcd"))
    ),
    BadInput("a length and chunks (request smuggling)", 400, UNREADABLE, raw(_smuggled())),
    BadInput("a length that is no number", 400, UNREADABLE, raw(_raw(b"POST /predict", b"Content-Length: many"))),
    BadInput("a length below 0", 400, UNREADABLE, raw(_raw(b"POST /predict", b"Content-Length: -5"))),
    BadInput(
        "a malformed chunk", 400, UNREADABLE, raw(_raw(b"POST /predict", b"Transfer-Encoding: chunked", body=b"zz\r\n\r\n"))
    ),
    BadInput("an unknown expectation", 417, "Expectation Failed", raw(_raw(b"GET /api", b"Expect: foo"))),
    BadInput(
        "a body that is not the gzip that it says",
        400,
        "the body is not what its Content-Encoding or Transfer-Encoding says",
        request("POST", "/predict", data=b"x" * 100, headers={"Content-Encoding": "gzip", "Connection": "close"}),
    ),
    BadInput("an address that does not exist", 404, NOTHING, request("GET", "/nothing")),
    BadInput("`PUT /api/info`", 405, "this address takes GET,HEAD only", request("PUT", "/api/info")),
    BadInput("`TRACE /`", 405, "this address takes GET,HEAD only", request("TRACE", "/")),
    BadInput("`GET /static/../server/cli.py`", 404, NOTHING, raw(_raw(b"GET /static/../server/cli.py"))),
    BadInput("`GET /static/%2e%2e/pyproject.toml`", 404, NOTHING, raw(_raw(b"GET /static/%2e%2e/pyproject.toml"))),
    BadInput("`GET /static/..%2f..%2fetc%2fpasswd`", 404, NOTHING, raw(_raw(b"GET /static/..%2f..%2fetc%2fpasswd"))),
    BadInput("`GET /static//etc/passwd`", 404, NOTHING, raw(_raw(b"GET /static//etc/passwd"))),
    BadInput("`GET /static/js/main.js%00.png`", 404, NOTHING, raw(_raw(b"GET /static/js/main.js%00.png"))),
    BadInput("`GET /static/` and 5,000 letters", 404, NOTHING, raw(_raw(b"GET /static/" + b"a" * 5000))),
    BadInput("`GET /static/.git/config`", 404, NOTHING, raw(_raw(b"GET /static/.git/config"))),
    BadInput("`GET //evil.example/`", 404, NOTHING, raw(_raw(b"GET //evil.example/"))),
    BadInput("`CONNECT evil.example:443`", 404, NOTHING, raw(b"CONNECT evil.example:443 HTTP/1.1\r\n" + CLOSING)),
)
