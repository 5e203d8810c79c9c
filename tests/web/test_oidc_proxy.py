"""The proxy of examples/oidc in front of a real server: people by their groups, programs by their keys, nobody else.

nginx runs with the file as it is delivered, but for ports and TLS. In the place of oauth2-proxy and the provider behind it
stands what they answer nginx by their documents: 202 with the groups of whoever has a session, 401 for all others.
"""

import shutil
import socket
import subprocess
import time
import tomllib
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import aiohttp
import pytest
from aiohttp import WSMsgType, web
from aiohttp.test_utils import TestServer

from server.config.settings import Server, Settings
from server.web.api_key import Right
from server.web.key_file import key_file
from tests.conftest import REPOSITORY, Client, ClientFactory, with_sections
from tests.web.named_keys import look

EXAMPLE = REPOSITORY / "examples" / "oidc"
NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
GROUPS = {"ann": "staff,sightline-admin", "bob": "sightline-view,staff", "eve": "staff,not-sightline-view-at-all"}
CONFIGURATION = """
daemon off;
pid {folder}/nginx.pid;
error_log stderr;
events {{ worker_connections 64; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    {example}
}}
"""


async def who(request: web.Request) -> web.Response:
    """What oauth2-proxy answers at `/oauth2/auth`."""
    groups = GROUPS.get(request.cookies.get("person", ""))
    return web.Response(status=401) if groups is None else web.Response(status=202, headers={"X-Auth-Request-Groups": groups})


@pytest.fixture
async def server(start_client: ClientFactory, settings: Settings) -> Client:
    """A server that believes the proxy, and has no key but those of its file."""
    given = Server(data_dir=settings.server.data_dir, trusted_proxies=["127.0.0.1"])
    return await start_client(with_sections(settings, server=given))


@pytest.fixture
async def proxy(
    server: Client, settings: Settings, tmp_path: Path, aiohttp_server: Callable[[web.Application], Awaitable[TestServer]]
) -> AsyncIterator[aiohttp.ClientSession]:
    """A client of nginx in front of it."""
    if NGINX is None:
        pytest.skip("nginx is not installed")
    app = web.Application()
    app.router.add_get("/oauth2/auth", who)
    asked = await aiohttp_server(app)
    file = key_file(settings)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    changes = {
        "listen 443 ssl;": f"listen 127.0.0.1:{port};",
        "    ssl_certificate /etc/ssl/cam.example.com.crt;\n    ssl_certificate_key /etc/ssl/cam.example.com.key;\n": "",
        "127.0.0.1:5000": f"127.0.0.1:{server.port}",
        "127.0.0.1:4180": f"127.0.0.1:{asked.port}",
        "ADMIN_KEY": file.add("signed in, admin", Right.ADMIN),
        "VIEW_KEY": file.add("signed in, view", Right.VIEW),
    }
    example = (EXAMPLE / "nginx.conf").read_text()
    for old, new in changes.items():
        assert old in example
        example = example.replace(old, new)
    configuration = tmp_path / "nginx.conf"
    configuration.write_text(CONFIGURATION.format(folder=tmp_path, example=example))
    process = _start(configuration, port=port)
    try:
        await look(server)
        async with aiohttp.ClientSession(f"http://127.0.0.1:{port}", cookie_jar=aiohttp.DummyCookieJar()) as client:
            yield client
    finally:
        process.terminate()
        process.wait(10)


def _start(configuration: Path, *, port: int) -> subprocess.Popen[bytes]:
    """nginx, once it listens."""
    process = subprocess.Popen([str(NGINX), "-c", str(configuration), "-p", str(configuration.parent)])
    deadline = time.monotonic() + 10
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        else:
            return process


def person(name: str) -> dict[str, str]:
    """The headers of somebody's browser."""
    return {"Cookie": f"person={name}"}


async def test_people_get_the_key_of_their_group(proxy: aiohttp.ClientSession, server: Client, settings: Settings) -> None:
    """One who may look, one who may do everything, one who is in no group; nobody; and a program."""
    program = {"Authorization": f"Bearer {key_file(settings).add('program', Right.ADMIN)}"}
    await look(server)
    for headers, name, looking, changing in (
        (person("ann"), "signed in, admin", 200, 404),
        (person("bob"), "signed in, view", 200, 403),
        (program, "program", 200, 404),
        (person("eve"), None, 401, 401),
        (person("nobody"), None, 401, 401),
        ({"Authorization": "Bearer wrong", **person("ann")}, None, 401, 401),
        ({"X-Auth-Request-Groups": "sightline-admin"}, None, 401, 401),
        ({"X-Auth-Request-Groups": "sightline-admin", **person("bob")}, "signed in, view", 200, 403),
    ):
        async with proxy.get("/api/info", headers=headers) as info:
            assert info.status == looking
            if name:
                assert (await info.json())["auth"]["name"] == name
        async with proxy.delete("/api/streams/none", headers=headers) as answer:
            assert answer.status == changing, headers


async def test_pages_are_led_to_the_sign_in(proxy: aiohttp.ClientSession) -> None:
    """A browser that opens the page, or a place in it; a program is told 401."""
    async with proxy.get("/?a=b", headers={"Accept": "text/html,*/*"}, allow_redirects=False) as answer:
        assert answer.status == 302
        assert answer.headers["Location"].endswith("/oauth2/sign_in?rd=http://127.0.0.1/?a=b")
    async with proxy.get("/healthz") as answer:
        assert await answer.text() == "ok"


async def test_everything_gets_through(proxy: aiohttp.ClientSession, server: Client, settings: Settings) -> None:
    """WebSocket, events, a form with its key in it, and a body by POST."""
    form = {"api_key": key_file(settings).add("Frigate", Right.VIEW)}
    await look(server)
    async with proxy.ws_connect("/ws/stream", headers=person("ann")) as opened:
        await opened.send_bytes(b"no picture")
        assert (await opened.receive(timeout=10)).type is WSMsgType.TEXT
    async with proxy.get("/api/events", headers=person("bob")) as events:
        assert (await events.content.readline()).startswith(b"retry")
    async with proxy.post("/v1/vision/custom/list", data=form) as listed:
        assert (await listed.json())["models"] == ["fake"]
    async with proxy.post("/whip", data="v=0", headers={**person("ann"), "Content-Type": "application/sdp"}) as refused:
        assert refused.status == 400  # by the handler, which has read the body


def test_the_settings_of_oauth2_proxy_are_its_own() -> None:
    """The file is TOML, has no secret in it, and lets in the groups that nginx knows."""
    settings = tomllib.loads((EXAMPLE / "oauth2-proxy.cfg").read_text())
    assert settings["cookie_secret"] == "MAKE_ONE"
    assert (settings["cookie_samesite"], settings["cookie_secure"], settings["set_xauthrequest"]) == ("lax", True, True)
    nginx = (EXAMPLE / "nginx.conf").read_text()
    assert all(f"(^|,){group}(,|$)" in nginx for group in settings["allowed_groups"])
