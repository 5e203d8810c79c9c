"""Tests of how a key is shown, of signing in, of host names and of other sites; test_route_table.py has who may what."""

import base64

import pytest

from server.config.settings import Auth, Server, Settings
from server.web import keys
from server.web.routes import ROUTES, Audience, Route
from tests.conftest import Client, ClientFactory, with_sections
from tests.web.pictures import picture_file

KEY = "a-key-for-tests"


def name_of(route: Route) -> str:
    """How a route is called where it fails."""
    return f"{route.method} {route.path}"


def address(route: Route) -> str:
    """An address of the route."""
    return route.path.replace("{id}", "some-id").replace("{viewer}", "some-viewer").replace("{path}", "js/main.js")


def basic(user: str, password: str) -> str:
    """Credentials as simple viewers send them."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


@pytest.fixture
async def guarded(start_client: ClientFactory, settings: Settings) -> Client:
    """A client without a key, of a server that has one."""
    return await start_client(with_sections(settings, auth=Auth(api_keys=["another-key", KEY])))


async def test_takes_the_key_as_the_password_of_basic(guarded: Client) -> None:
    """Simple viewers send user and password; the user's name does not matter."""
    answer = await guarded.get("/api/streams", headers={"Authorization": basic("anyone", KEY)})
    assert answer.status == 200


async def test_asks_programs_for_basic_and_browsers_not(guarded: Client) -> None:
    """A viewer that waits for it is asked for Basic; a browser would open a window of its own over the page."""
    viewer = await guarded.get("/api/streams", headers={"User-Agent": "Lavf/61"})
    assert [header.split()[0] for header in viewer.headers.getall("WWW-Authenticate")] == ["Bearer", "Basic"]
    browser = await guarded.get("/api/streams", headers={"User-Agent": "Mozilla/5.0 (X11; Linux x86_64)"})
    assert [header.split()[0] for header in browser.headers.getall("WWW-Authenticate")] == ["Bearer"]


async def test_key_in_the_address_is_not_taken(guarded: Client) -> None:
    """Addresses end in logs and histories, so a key there opens nothing."""
    assert (await guarded.get(f"/api/streams?key={KEY}&api_key={KEY}")).status == 401


async def test_signs_in_and_out(guarded: Client) -> None:
    """The key is answered with a cookie that opens everything until signing out."""
    signed_in = await guarded.post("/api/session", json={"key": KEY})
    assert signed_in.status == 204
    cookie = signed_in.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Path=/" in cookie
    assert "Secure" not in cookie
    assert KEY not in cookie
    assert (await guarded.get("/api/info")).status == 200
    assert (await guarded.delete("/api/session")).status == 204
    assert (await guarded.get("/api/info")).status == 401


@pytest.mark.parametrize(("trusted", "secure"), [(["127.0.0.0/8"], True), (["10.0.0.0/8"], False), ([], False)])
async def test_cookie_is_secure_on_https(
    start_client: ClientFactory, settings: Settings, trusted: list[str], *, secure: bool
) -> None:
    """Behind a trusted proxy that ends https the cookie never travels without it; from others the header says nothing."""
    server = Server(data_dir=settings.server.data_dir, trusted_proxies=trusted)
    client = await start_client(with_sections(settings, server=server, auth=Auth(api_keys=[KEY])))
    answer = await client.post("/api/session", json={"key": KEY}, headers={"X-Forwarded-Proto": "https"})
    assert ("Secure" in answer.headers["Set-Cookie"]) is secure


async def test_refuses_to_sign_in_with_a_wrong_key(guarded: Client) -> None:
    """401, and no cookie."""
    answer = await guarded.post("/api/session", json={"key": "wrong"})
    assert answer.status == 401
    assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize(
    "body", [b"", b"key", b"[]", b"{}", b'{"key": 5}', b'{"key": "a", "more": 1}', b"\xff", b'{"key": "\xff"}']
)
async def test_refuses_a_malformed_sign_in(guarded: Client, body: bytes) -> None:
    """Anything but the one JSON form is 400."""
    assert (await guarded.post("/api/session", data=body)).status == 400


async def test_refuses_a_forged_cookie(guarded: Client) -> None:
    """A cookie that was not signed here opens nothing."""
    answer = await guarded.get("/api/info", headers={"Cookie": "sightline_session=1900000000.00ff.00ff"})
    assert answer.status == 401


async def test_without_keys_everybody_is_signed_in(client: Client) -> None:
    """Where no key is asked for, signing in succeeds and sets nothing."""
    answer = await client.post("/api/session", json={"key": "anything"})
    assert (answer.status, "Set-Cookie" in answer.headers) == (204, False)


async def test_refuses_foreign_host_names_without_a_key(client: Client) -> None:
    """On loopback without a key only the names of loopback are answered, at all routes but the probes'."""
    refused = []
    for route in ROUTES:
        answer = await client.request(route.method, address(route), headers={"Host": "rebound.example:5000"})
        refused += [name_of(route)] * (answer.status == 403)
    assert refused == [name_of(route) for route in ROUTES if route.audience is not Audience.PROBES]


@pytest.mark.parametrize("host", ["localhost", "localhost:1234", "127.0.0.1", "[::1]:5000"])
async def test_answers_to_the_names_of_loopback(client: Client, host: str) -> None:
    """The names that people type are answered, whatever the port, as tunnels change it."""
    assert (await client.get("/api", headers={"Host": host})).status == 200


async def test_answers_to_allowed_host_names(start_client: ClientFactory, settings: Settings) -> None:
    """The settings can add a name."""
    client = await start_client(with_sections(settings, auth=Auth(allowed_hosts=["camera.local"])))
    assert (await client.get("/api", headers={"Host": "camera.local:5000"})).status == 200


async def test_any_host_name_with_a_key(guarded: Client) -> None:
    """With a key there is nothing that a foreign name could steal."""
    answer = await guarded.get("/api", headers={"Host": "camera.example", "Authorization": f"Bearer {KEY}"})
    assert answer.status == 200


async def test_another_address_asks_for_the_generated_key(start_client: ClientFactory, settings: Settings) -> None:
    """Reached from outside without a configured key, the server asks for the one that it made."""
    client = await start_client(with_sections(settings, server=Server(host="0.0.0.0", data_dir=settings.server.data_dir)))
    assert (await client.get("/api")).status == 401


async def test_insecure_opens_every_address(start_client: ClientFactory, settings: Settings) -> None:
    """With `insecure` everybody is served, under any name."""
    opened = with_sections(settings, server=Server(host="0.0.0.0", data_dir=settings.server.data_dir), auth=Auth(insecure=True))
    client = await start_client(opened)
    assert (await client.get("/api", headers={"Host": "anything.example"})).status == 200


CHANGING = [route for route in ROUTES if route.method != "GET" and route.path not in ("/predict", "/api/predict")]


@pytest.mark.parametrize("headers", [{"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}, {"Origin": "null"}])
async def test_refuses_changes_from_other_sites(client: Client, headers: dict[str, str]) -> None:
    """What could change something is refused when a page of another site asks for it, at every route."""
    refused = []
    for route in CHANGING:
        refused += [name_of(route)] * ((await client.request(route.method, address(route), headers=headers)).status == 403)
    assert refused == [name_of(route) for route in CHANGING]


async def test_refuses_changes_from_other_sites_with_a_key(guarded: Client) -> None:
    """A browser that is signed in must not be used by other sites."""
    headers = {"Authorization": f"Bearer {KEY}", "Origin": "https://evil.example"}
    assert (await guarded.delete("/api/streams/x", headers=headers)).status == 403


async def test_takes_changes_from_its_own_page(client: Client) -> None:
    """The page itself sends its own origin."""
    headers = {"Origin": f"http://127.0.0.1:{client.port}", "Sec-Fetch-Site": "same-origin"}
    assert (await client.delete("/api/streams/x", headers=headers)).status == 404


async def test_takes_changes_from_a_host_in_the_settings(start_client: ClientFactory, settings: Settings) -> None:
    """Behind a proxy that asks under another host name, the page of a host in the settings is the server's own."""
    client = await start_client(with_sections(settings, auth=Auth(allowed_hosts=["cam.example"])))
    for origin, status in (("https://cam.example", 404), ("https://evil.example", 403)):
        assert (await client.delete("/api/streams/x", headers={"Origin": origin})).status == status


@pytest.mark.parametrize("headers", [{"Origin": "https://elsewhere.example"}, {"Sec-Fetch-Site": "same-site"}])
async def test_a_cookie_opens_nothing_to_other_sites(guarded: Client, headers: dict[str, str]) -> None:
    """A browser that is signed in lends its cookie to no page but the server's own, at the picture routes too."""
    await guarded.post("/api/session", json={"key": KEY})
    for path in ("/predict", "/api/predict"):
        assert (await guarded.post(path, data=picture_file())).status == 200
        assert (await guarded.post(path, data=picture_file(), headers=headers)).status == 401


async def test_pictures_need_the_key_from_other_sites_too(guarded: Client) -> None:
    """Other sites may send pictures, with a key."""
    headers = {"Origin": "https://elsewhere.example"}
    assert (await guarded.post("/predict", data=picture_file(), headers=headers)).status == 401
    headers["Authorization"] = f"Bearer {KEY}"
    assert (await guarded.post("/predict", data=picture_file(), headers=headers)).status == 200


GUESS = {"Authorization": "Bearer guess"}
LONG_KEY = "a-key-that-is-as-long-as-those-that-are-made-here"


@pytest.fixture
async def slow_to_anger(start_client: ClientFactory, settings: Settings) -> Client:
    """A server with a short and a long key, that makes a client wait after its third wrong one, and trusts a proxy."""
    server = Server(data_dir=settings.server.data_dir, trusted_proxies=["127.0.0.0/8"])
    return await start_client(with_sections(settings, server=server, auth=Auth(api_keys=[KEY, LONG_KEY], max_wrong_keys=3)))


async def statuses(client: Client, *, times: int, headers: dict[str, str]) -> list[int]:
    """How the same request is answered, time and again."""
    return [(await client.get("/api", headers=headers)).status for _ in range(times)]


async def guess(client: Client, *, address: str = "127.0.0.1") -> None:
    """Shows as many wrong keys from an address as are free, and makes the wait that follows longer than any test takes."""
    headers = {**GUESS, "X-Forwarded-For": address}
    assert await statuses(client, times=3, headers=headers) == [401, 401, 401]
    assert client.app is not None
    for _ in range(9):
        client.app[keys.ACCESS].back_off.count_failure(address)


async def test_too_many_wrong_keys_have_to_wait(slow_to_anger: Client) -> None:
    """429 says for how long, whichever way the key is shown, and a right one is not looked at before either."""
    await guess(slow_to_anger)
    refused = await slow_to_anger.post("/api/session", json={"key": KEY})
    assert refused.status == 429
    assert 1 <= int(refused.headers["Retry-After"]) <= 60
    assert "too many wrong keys" in (await refused.json())["detail"]
    assert (await slow_to_anger.post("/v1/vision/custom/list", data={"api_key": "guess"})).status == 429
    for path in ("/api", "/", "/static/js/main.js"):
        assert (await slow_to_anger.get(path, headers=GUESS)).status == 429


async def test_whoever_shares_the_address_is_not_locked_out(slow_to_anger: Client) -> None:
    """A key that nobody can guess, a cookie, and no key at all are answered as ever."""
    signed_in = (await slow_to_anger.post("/api/session", json={"key": KEY})).cookies["sightline_session"].value
    slow_to_anger.session.cookie_jar.clear()
    await guess(slow_to_anger)
    assert await statuses(slow_to_anger, times=1, headers={"Authorization": f"Bearer {LONG_KEY}"}) == [200]
    assert await statuses(slow_to_anger, times=1, headers={"Cookie": f"sightline_session={signed_in}"}) == [200]
    assert await statuses(slow_to_anger, times=1, headers={}) == [401]
    assert await statuses(slow_to_anger, times=1, headers={"Authorization": "Bearer " + "guess" * 9}) == [429]


async def test_clients_behind_a_trusted_proxy_wait_apart(slow_to_anger: Client) -> None:
    """Who counts is whom the proxy names."""
    await guess(slow_to_anger, address="192.0.2.1")
    assert await statuses(slow_to_anger, times=1, headers={**GUESS, "X-Forwarded-For": "192.0.2.1"}) == [429]
    assert await statuses(slow_to_anger, times=1, headers={**GUESS, "X-Forwarded-For": "192.0.2.2"}) == [401]


async def test_no_key_is_no_wrong_key(slow_to_anger: Client) -> None:
    """A page that asks without its cookie, a form without a key and one with an empty key may come as often as they like."""
    assert await statuses(slow_to_anger, times=6, headers={}) == [401] * 6
    assert await statuses(slow_to_anger, times=6, headers={"Authorization": "Bearer "}) == [401] * 6
    assert await statuses(slow_to_anger, times=6, headers={"Cookie": "sightline_session=1.2.3"}) == [401] * 6
    answers = [await slow_to_anger.post("/v1/vision/custom/list", data={"api_key": ""}) for _ in range(6)]
    assert [answer.status for answer in answers] == [401] * 6
