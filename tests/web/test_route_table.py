"""Every route that the server has, against every kind of key: who gets in, who does not, and what a stranger learns.

Each test asks one server for all routes and names every one that answers otherwise than decided.
"""

import base64
import re
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager

import pytest
from aiohttp import ClientResponse

from server.config.settings import Auth, Settings
from server.web.api_key import Right
from server.web.key_file import key_file
from server.web.routes import ROUTES, Audience
from server.web.session_cookie import NAME
from tests.conftest import Client, ClientFactory, with_sections
from tests.web.named_keys import look

OPEN, OWN, VIEW, ADMIN = "open", "looks at the key itself", "view", "admin"

# Who may, decided for each route by hand and not by what the code says: a route that is not here fails the first test, and
# one that is opened by mistake the others.
DECISIONS = {
    ("GET", "/"): OWN,
    ("GET", "/static/{path}"): OWN,
    ("POST", "/predict"): VIEW,
    ("OPTIONS", "/predict"): OPEN,
    ("POST", "/api/predict"): VIEW,
    ("OPTIONS", "/api/predict"): OPEN,
    ("GET", "/api"): VIEW,
    ("GET", "/api/info"): VIEW,
    ("GET", "/api/doctor"): VIEW,
    ("POST", "/api/doctor/path"): VIEW,
    ("GET", "/source.tar.gz"): VIEW,
    ("POST", "/api/session"): OPEN,
    ("DELETE", "/api/session"): OPEN,
    ("POST", "/whip"): ADMIN,
    ("OPTIONS", "/whip"): OPEN,
    ("PATCH", "/whip/{id}"): ADMIN,
    ("DELETE", "/whip/{id}"): ADMIN,
    ("OPTIONS", "/whip/{id}"): OPEN,
    ("POST", "/whep/{id}"): VIEW,
    ("OPTIONS", "/whep/{id}"): OPEN,
    ("PATCH", "/whep/{id}/{viewer}"): VIEW,
    ("DELETE", "/whep/{id}/{viewer}"): VIEW,
    ("OPTIONS", "/whep/{id}/{viewer}"): OPEN,
    ("GET", "/ws/stream"): ADMIN,
    ("GET", "/api/streams"): VIEW,
    ("GET", "/api/streams/{id}"): VIEW,
    ("PATCH", "/api/streams/{id}"): ADMIN,
    ("DELETE", "/api/streams/{id}"): ADMIN,
    ("GET", "/api/streams/{id}/mjpeg"): VIEW,
    ("GET", "/api/streams/{id}/snapshot.jpg"): VIEW,
    ("POST", "/api/videos"): ADMIN,
    ("GET", "/api/videos"): VIEW,
    ("GET", "/api/videos/{id}"): VIEW,
    ("DELETE", "/api/videos/{id}"): ADMIN,
    ("POST", "/api/videos/{id}/cancel"): ADMIN,
    ("POST", "/api/videos/{id}/restart"): ADMIN,
    ("GET", "/api/videos/{id}/mjpeg"): VIEW,
    ("GET", "/api/videos/{id}/poster.jpg"): VIEW,
    ("GET", "/api/videos/{id}/annotated.mp4"): VIEW,
    ("GET", "/api/videos/{id}/detections.json"): VIEW,
    ("GET", "/api/videos/{id}/detections.csv"): VIEW,
    ("GET", "/api/cameras"): VIEW,
    ("POST", "/api/cameras"): ADMIN,
    ("GET", "/api/cameras/{id}"): VIEW,
    ("PATCH", "/api/cameras/{id}"): ADMIN,
    ("DELETE", "/api/cameras/{id}"): ADMIN,
    ("POST", "/api/cameras/{id}/reconnect"): ADMIN,
    ("GET", "/api/alerts"): VIEW,
    ("GET", "/api/alerts/export.csv"): VIEW,
    ("GET", "/api/alerts/export.zip"): VIEW,
    ("GET", "/api/alerts/{id}"): VIEW,
    ("PATCH", "/api/alerts/{id}"): VIEW,
    ("DELETE", "/api/alerts/{id}"): ADMIN,
    ("POST", "/api/alerts/{id}/confirm"): VIEW,
    ("POST", "/api/alerts/{id}/dismiss"): VIEW,
    ("GET", "/api/alerts/{id}/snapshot.jpg"): VIEW,
    ("GET", "/api/alerts/{id}/clip.mp4"): VIEW,
    ("GET", "/api/alerts/{id}/detections.json"): VIEW,
    ("POST", "/api/alerts/{id}/deliveries/{delivery}/again"): ADMIN,
    ("GET", "/api/channels"): VIEW,
    ("POST", "/api/channels/{name}/test"): ADMIN,
    ("GET", "/api/events"): VIEW,
    ("POST", "/v1/vision/detection"): VIEW,
    ("POST", "/v1/vision/custom/list"): VIEW,
    ("POST", "/v1/vision/custom/{name}"): VIEW,
    ("GET", "/v1/status/updateavailable"): VIEW,
    ("GET", "/healthz"): OPEN,
    ("GET", "/readyz"): OPEN,
    ("GET", "/metrics"): VIEW,
    ("GET", "/openapi.yaml"): VIEW,
}
# Each GET answers HEAD too, for the same people.
ASKED = {**DECISIONS, **{("HEAD", path): who for (method, path), who in DECISIONS.items() if method == "GET"}}

KEY = "a-key-for-tests"
PLENTY = 1_000_000
UPGRADE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}


@pytest.fixture
async def server(start_client: ClientFactory, settings: Settings) -> Client:
    """A server that asks for a key, and looks at as many wrong ones as come."""
    return await start_client(with_sections(settings, auth=Auth(api_keys=[KEY], max_wrong_keys=PLENTY)))


def address(path: str) -> str:
    """An address of the route."""
    return re.sub(r"\{\w+\}", "some-id", path.replace("{path}", "js/main.js"))


@asynccontextmanager
async def asking(client: Client, method: str, path: str, headers: Mapping[str, str]) -> AsyncIterator[ClientResponse]:
    """The answer of a route, and the end of it where it has none."""
    more = UPGRADE if path == "/ws/stream" else {}
    async with client.request(method, address(path), headers={**headers, **more}, allow_redirects=False) as answer:
        yield answer
        answer.close()


async def ask_all(client: Client, headers: Mapping[str, str]) -> dict[tuple[str, str], int]:
    """The status with which each route answers."""
    statuses = {}
    for method, path in ASKED:
        async with asking(client, method, path, headers) as answer:
            statuses[method, path] = answer.status
    return statuses


def other_than(statuses: Mapping[tuple[str, str], int], *, wanted: Callable[[str, int], bool]) -> dict[str, int]:
    """The routes whose answer is not what their decision wants."""
    return {f"{method} {path}": got for (method, path), got in statuses.items() if not wanted(ASKED[method, path], got)}


def is_for_strangers(decision: str, status: int) -> bool:
    """401 for all but what is open, and for what looks at the key itself."""
    return status in (200, 204, 400) if decision is OPEN else status == 401


def gets_in(status: int) -> bool:
    """Whether the handler answered, with whatever it says of a thing that does not exist or of a body that is none."""
    return status not in (401, 403, 429) and status < 500


def test_a_route_without_a_decision_fails() -> None:
    """The table above is that of the code, route by route, so that the tests below miss none."""
    words = {Audience.EVERYBODY: OPEN, Audience.PROBES: OPEN}
    decided = {(route.method, route.canonical): words.get(route.audience) or route.right.value for route in ROUTES}
    own = {("GET", "/"): OWN, ("GET", "/static/{path}"): OWN}
    assert decided | own == DECISIONS
    assert all(route.right is Right.VIEW for route in ROUTES if route.audience is Audience.FORM_KEY_HOLDERS)


async def test_the_application_answers_what_is_in_the_table_and_nothing_else(client: Client) -> None:
    """No route is added beside the table."""
    assert client.app is not None
    answered = {(route.method, route.resource.canonical) for route in client.app.router.routes() if route.resource is not None}
    assert answered == set(ASKED)


WRONG = {
    "no key": {},
    "an empty key": {"Authorization": "Bearer"},
    "a wrong key": {"Authorization": "Bearer wrong"},
    "more than the key": {"Authorization": f"Bearer {KEY}x"},
    "another scheme": {"Authorization": f"Token {KEY}"},
    "Basic that is none": {"Authorization": "Basic !!!"},
    "Basic that is not encoded": {"Authorization": f"Basic {KEY}"},
    "the key as the user of Basic": {"Authorization": "Basic " + base64.b64encode(f"{KEY}:x".encode()).decode()},
    "a forged cookie": {"Cookie": f"{NAME}=1900000000.00ff.00ff"},
    "the key as the cookie": {"Cookie": f"{NAME}={KEY}"},
}


@pytest.mark.parametrize("kind", WRONG)
async def test_refuses_whoever_shows_no_key(server: Client, kind: str) -> None:
    """Without a key and with a wrong one, of whatever form, every route that is not open answers 401."""
    assert other_than(await ask_all(server, WRONG[kind]), wanted=is_for_strangers) == {}


async def test_refuses_a_key_that_is_revoked(server: Client, settings: Settings) -> None:
    """In the header and by the cookie that was got with it."""
    file = key_file(settings)
    value = file.add("gone", Right.ADMIN)
    await look(server)
    cookie = (await server.post("/api/session", json={"key": value})).cookies[NAME].value
    file.revoke("gone")
    await look(server)
    for headers in ({"Authorization": f"Bearer {value}"}, {"Cookie": f"{NAME}={cookie}"}):
        server.session.cookie_jar.clear()
        assert other_than(await ask_all(server, headers), wanted=is_for_strangers) == {}


@pytest.mark.parametrize("way", ["bearer", "basic", "cookie"])
async def test_a_key_that_may_look_does_no_more(server: Client, settings: Settings, way: str) -> None:
    """403 wherever something could be changed or a stream be fed, whichever way the key is shown."""
    value = key_file(settings).add("viewer", Right.VIEW)
    await look(server)

    def wanted(decision: str, status: int) -> bool:
        return status == 403 if decision is ADMIN else gets_in(status)

    assert other_than(await ask_all(server, await shown(server, value, way=way)), wanted=wanted) == {}


@pytest.mark.parametrize("way", ["bearer", "basic", "cookie"])
async def test_a_key_that_may_do_everything_does(server: Client, way: str) -> None:
    """Every route answers, whichever way the key is shown."""
    statuses = await ask_all(server, await shown(server, KEY, way=way))
    assert other_than(statuses, wanted=lambda _, status: gets_in(status)) == {}


async def shown(server: Client, value: str, *, way: str) -> dict[str, str]:
    """The headers that show a key in one of the three ways."""
    if way == "bearer":
        return {"Authorization": f"Bearer {value}"}
    if way == "basic":
        return {"Authorization": "Basic " + base64.b64encode(f"anyone:{value}".encode()).decode()}
    signed_in = await server.post("/api/session", json={"key": value})
    server.session.cookie_jar.clear()
    return {"Cookie": f"{NAME}={signed_in.cookies[NAME].value}"}


async def test_says_which_right_is_missing(server: Client, settings: Settings) -> None:
    """A program reads which right it would need, a person whose key it is."""
    value = key_file(settings).add("Lobby screen", Right.VIEW)
    await look(server)
    answer = await server.delete("/api/streams/some-id", headers={"Authorization": f"Bearer {value}"})
    problem = await answer.json()
    assert (answer.status, problem["right"]) == (403, "admin")
    assert "'Lobby screen'" in problem["detail"]
