"""What somebody without a key can learn: that the process is alive, and the sign-in page."""

import re
from collections.abc import Mapping

import msgspec
import pytest
from aiohttp import ClientResponse

from server.config.settings import Auth, Settings
from server.resources import static_dir
from server.web.routes import ROUTES
from tests.conftest import REPOSITORY, Client, ClientFactory, with_sections

# All that is answered with anything but 401, and why. docs/keys.md has the same table.
SERVED = {
    "GET /healthz": "whoever watches over the process asks whether it is alive",
    "GET /readyz": "a load balancer asks whether to send work here",
    "POST /api/session": "the sign-in page sends the key here",
    "DELETE /api/session": "a browser forgets its cookie, whoever it is",
    "OPTIONS /predict": "a browser asks before a page of another site may send a picture",
    "OPTIONS /api/predict": "likewise",
    "OPTIONS /whip": "a browser asks before it sends; RFC 9725 has the answer, which is the same for all servers",
    "OPTIONS /whip/{id}": "likewise",
    "OPTIONS /whep/{id}": "likewise",
    "OPTIONS /whep/{id}/{viewer}": "likewise",
    "/static/css/components.css": "the sign-in page's own",
    "/static/css/layout.css": "likewise",
    "/static/css/screens.css": "likewise",
    "/static/css/tokens.css": "likewise",
    "/static/icons.svg": "likewise",
    "/static/js/api.js": "likewise",
    "/static/js/dom.js": "likewise",
    "/static/js/sign-in.js": "likewise",
    "/static/js/theme-boot.js": "likewise",
    "/static/icons/icon-192.png": "a browser fetches the icons without its cookie",
    "/static/icons/icon-512.png": "likewise",
    "/static/icons/icon-maskable-512.png": "likewise",
    "/static/icons/icon.svg": "likewise",
    "/static/manifest.webmanifest": "a browser fetches it without its cookie",
}


@pytest.fixture
async def server(start_client: ClientFactory, settings: Settings) -> Client:
    """A server that asks for a key."""
    return await start_client(with_sections(settings, auth=Auth(api_keys=["a-key-for-tests"])))


def address(path: str) -> str:
    """An address of the route."""
    return re.sub(r"\{\w+\}", "some-id", path.replace("{path}", "js/main.js"))


async def refusal(answer: ClientResponse) -> Mapping[str, object]:
    """What a refusal says, apart from the address that was asked for."""
    said: dict[str, object] = msgspec.json.decode(await answer.read())
    return {name: value for name, value in said.items() if name != "instance"}


async def test_only_what_is_listed_is_served(server: Client) -> None:
    """Of all routes and all files of the page."""
    served = set()
    for route in ROUTES:
        answer = await server.request(route.method, address(route.path).replace(":.+}", "}"))
        if answer.status != 401 or (route.method, route.path) == ("POST", "/api/session"):
            served.add(f"{route.method} {route.canonical}")
    for file in static_dir().rglob("*"):
        path = f"/static/{file.relative_to(static_dir()).as_posix()}"
        if (await server.get(path)).status != 401:
            served.add(path)
    assert served == set(SERVED)


def test_the_list_stands_in_the_documents() -> None:
    """Whoever decides whether to put a server on the internet reads what it tells to strangers."""
    text = (REPOSITORY / "docs" / "keys.md").read_text("utf-8")
    assert dict(re.findall(r"^\| `((?:[A-Z]+ )?/[^`]*)` \| (.+) \|$", text, re.MULTILINE)) == SERVED


async def test_what_is_open_says_one_word(server: Client) -> None:
    """Health has no version, no model and no number in it."""
    said = {}
    for name in SERVED:
        method, _, path = name.rpartition(" ")
        if method and path != "/api/session":
            answer = await server.request(method, address(path))
            said[name] = (answer.status, await answer.read())
    assert said.pop("GET /healthz") == (200, b"ok")
    assert said.pop("GET /readyz") == (200, b"ready")
    assert set(said.values()) == {(204, b"")}


async def test_all_refusals_are_alike(server: Client) -> None:
    """Which addresses, methods and things exist cannot be told from a refusal: all have the same body and headers."""
    unknown = ["/nothing", "/api/nothing", "/whip/x/y", "/static/", "/static/none.js", "/docs", "/.git/config"]
    paths = {address(route.path.replace(":.+}", "}")) for route in ROUTES if not route.path.startswith("/v1/")} - {"/"}
    said, headers = [], []
    for method, path in [(method, path) for path in (*sorted(paths), *unknown) for method in ("GET", "PUT", "PATCH")]:
        answer = await server.request(method, path)
        if answer.status == 401:
            said.append(await refusal(answer))
            # A page of another site may read what /predict says, refusals too.
            headers.append({name for name in answer.headers if not name.startswith(("Access-Control-", "Cross-Origin-"))})
    assert len(said) == 3 * (len(paths) + len(unknown)) - len({"/healthz", "/readyz"})
    assert said == [{"type": "about:blank", "title": "Unauthorized", "status": 401, "detail": "this needs an API key"}] * len(
        said
    )
    assert all(names == headers[0] for names in headers)


@pytest.mark.parametrize("path", ["/", "/healthz", "/api/info", "/static/js/sign-in.js"])
async def test_headers_tell_no_version(server: Client, path: str) -> None:
    """Nor what the server is made of."""
    answer = await server.get(path)
    assert answer.headers["Server"] == "Sightline"
    assert not re.search(r"(?i)aiohttp|python|\b\d+\.\d+", str(answer.headers))
