"""Query strings, headers, cookies and keys: what stands around a body."""

from urllib.parse import quote

from hypothesis import given
from hypothesis import strategies as st

from server.web.access import key_in_header
from server.web.api_key import Right, api_key
from server.web.credentials import Keys
from server.web.negotiation import negotiate
from server.web.session_cookie import NAME, SessionCookies
from tests.fuzz.bounds import bounded
from tests.fuzz.mutations import WORDS
from tests.fuzz.served import KEY, Served
from tests.web.pictures import picture_file

OWNER = api_key(KEY, name="owner", right=Right.ADMIN)
PICTURE = picture_file("PNG", width=32, height=24)
# What is answered at once, with and without parameters of its own.
READ = ("/api/alerts", "/api/alerts/export.csv", "/api/alerts/export.zip", "/api/videos", "/api/cameras", "/api/streams")
READ_ONE = (
    "/api/alerts/{}",
    "/api/videos/{}",
    "/api/streams/{}",
    "/api/cameras/{}",
    "/api/videos/{}/detections.json",
    "/static/{}",
)
PARAMETERS = (
    "state",
    "since",
    "until",
    "camera",
    "before",
    "limit",
    "download",
    "conf",
    "iou",
    "imgsz",
    "classes",
    "format",
    "crop",
)
HEADERS = (
    "Accept",
    "Accept-Encoding",
    "Authorization",
    "Cookie",
    "Expect",
    "Forwarded",
    "Host",
    "If-Match",
    "If-Modified-Since",
    "If-None-Match",
    "If-Range",
    "Origin",
    "Range",
    "Sec-Fetch-Site",
    "Upgrade",
    "User-Agent",
    "X-Forwarded-For",
    "X-Forwarded-Host",
    "X-Request-Id",
)
VALUES = st.one_of(
    st.sampled_from(WORDS),
    st.sampled_from(("bytes=0-", "bytes=5-1", "bytes=-0", "bytes=a-b", "http://[", "http://x:99999", "[::1", "1e3", "0x1F")),
    st.sampled_from(("2026-01-01T00:00:00Z", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "2026-01-01")),
    st.sampled_from(
        ("Basic Og==", "Basic ====", "Bearer", "bearer \t", "Basic " + "A" * 4000, "websocket", 'W/"x"', "text/*;q=nan")
    ),
    st.text(max_size=30),
)
# A header has one line, without what would end it.
LINE = VALUES.map(lambda value: "".join(sign for sign in value if sign.isprintable())[:4000])


@bounded(200)
@given(path=st.sampled_from(READ), query=st.dictionaries(st.sampled_from(PARAMETERS), VALUES, max_size=4))
def test_a_query_is_answered_or_refused(served: Served, path: str, query: dict[str, str]) -> None:
    """Parameters of any value, well encoded."""
    told = "&".join(f"{name}={quote(value, safe='')}" for name, value in query.items())
    answer = served.ask("GET", f"{path}?{told}")
    assert answer.status in {200, 400, 404, 414}, answer.body


@bounded(100)
@given(path=st.sampled_from(READ_ONE), name=VALUES)
def test_a_name_in_a_path_is_found_or_not(served: Served, path: str, name: str) -> None:
    """An id may be anything; there is nothing under it."""
    answer = served.ask("GET", path.format(quote(name, safe="")))
    assert answer.status in {200, 400, 404, 405, 409, 414}, answer.body


@bounded(80)
@given(query=st.dictionaries(st.sampled_from(PARAMETERS), VALUES, max_size=4))
def test_parameters_of_a_picture_are_taken_or_refused(served: Served, query: dict[str, str]) -> None:
    """The picture is good, its parameters may be anything."""
    told = "&".join(f"{name}={quote(value, safe='')}" for name, value in query.items())
    answer = served.ask("POST", f"/predict?{told}", headers={"Content-Type": "image/png"}, body=PICTURE)
    assert answer.status in {200, 400}, answer.body


@bounded(200)
@given(
    target=st.sampled_from(
        ("GET /", "GET /api/info", "GET /static/js/main.js", "GET /openapi.yaml", "POST /predict", "GET /api/x")
    ),
    headers=st.dictionaries(st.sampled_from(HEADERS), LINE, max_size=4),
)
def test_headers_are_understood_or_refused(served: Served, target: str, headers: dict[str, str]) -> None:
    """Headers of any value: an answer, and never a fault of ours."""
    method, path = target.split()
    answer = served.ask(method, path, headers=headers, body=PICTURE if method == "POST" else b"")
    assert answer.status < 500, answer.body


@bounded(300)
@given(value=VALUES, scheme=st.sampled_from(("Bearer ", "bearer", "Basic ", "basic  ", "")))
def test_no_other_key_opens(value: str, scheme: str) -> None:
    """Whatever stands in the header, only the key is the key."""
    shown = key_in_header(scheme + value)
    assert shown is None or Keys([OWNER]).find(shown) is None or shown == KEY


@bounded(300)
@given(value=st.one_of(VALUES, st.from_regex(r"\d{1,20}(\.[0-9a-f]{64}){1,3}", fullmatch=True)))
def test_no_other_cookie_is_accepted(value: str) -> None:
    """A cookie that was not issued signs nobody in."""
    cookies = SessionCookies(Keys([OWNER]), lifetime_s=10, clock=lambda: 1000.0)
    assert not cookies.holder(value)
    issued = cookies.issue(KEY, key=OWNER)
    assert cookies.holder(issued) == OWNER
    assert not cookies.holder(issued + value) or not value


@bounded(60)
@given(value=LINE)
def test_a_cookie_without_a_key_learns_nothing(served: Served, value: str) -> None:
    """401, whatever the cookie says."""
    answer = served.ask("GET", "/api/info", headers={"Cookie": f"{NAME}={value}"}, key="")
    assert answer.status in {400, 401}, answer.body


@bounded(300)
@given(
    accept=st.one_of(VALUES, st.lists(VALUES).map(", ".join), st.from_regex(r"(text|image|\*)/(\*|png|plain);q=[0-9.e-]{1,5}"))
)
def test_any_accept_header_names_a_form(accept: str) -> None:
    """Nothing acceptable is no refusal."""
    assert negotiate(accept, default="base64") in {"base64", "json", "jpeg", "png"}
