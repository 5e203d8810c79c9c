"""Tests of the page and the sign-in page, with the files that are delivered."""

import re
from pathlib import Path
from posixpath import join, normpath

import pytest

from server.config.settings import Auth, Settings
from server.resources import static_dir
from server.web.headers import PAGE_POLICY
from tests.conftest import Client, ClientFactory, with_sections

IMPORT = re.compile(r"""^\s*(?:import|export)\b[^"'=(]*["'](\.{1,2}/[^"']+)["']""", re.MULTILINE)
REFERENCE = re.compile(r"""["'(](/static/[^"'#)?]+)""")


@pytest.fixture
async def guarded(start_client: ClientFactory, settings: Settings) -> Client:
    """A client without a key, of a server that has one."""
    return await start_client(with_sections(settings, auth=Auth(api_keys=["a-key"])))


def needed_by(page: str) -> set[str]:
    """Everything that a page loads: what it names, and what that imports, however deep."""
    waiting = set(REFERENCE.findall((static_dir() / page).read_text()))
    needed: set[str] = set()
    while waiting:
        path = waiting.pop()
        needed.add(path)
        if path.endswith(".js"):
            text = (static_dir() / path.removeprefix("/static/")).read_text()
            waiting |= {normpath(join(path, "..", name)) for name in IMPORT.findall(text)} - needed
    return needed


async def test_serves_the_page(client: Client) -> None:
    """`/` is the page, under a policy that allows nothing from elsewhere and no inline script."""
    answer = await client.get("/")
    assert (answer.status, answer.content_type) == (200, "text/html")
    assert answer.headers["Content-Security-Policy"] == PAGE_POLICY
    assert "camera=(self)" in answer.headers["Permissions-Policy"]


async def test_serves_everything_that_the_page_needs(client: Client) -> None:
    """Each file that the page loads is there."""
    for path in needed_by("index.html"):
        assert (await client.get(path)).status == 200, path


async def test_shows_the_sign_in_page_without_a_key(guarded: Client) -> None:
    """Without a key `/` is the sign-in page, with 401."""
    answer = await guarded.get("/")
    assert (answer.status, answer.content_type) == (401, "text/html")
    assert "Sign in" in await answer.text()
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert answer.headers["Content-Security-Policy"] == PAGE_POLICY


async def test_the_sign_in_page_has_all_that_it_needs(guarded: Client) -> None:
    """Each file that the sign-in page loads is open, its imports included."""
    for path in needed_by("sign-in.html"):
        assert (await guarded.get(path)).status == 200, path


@pytest.mark.parametrize("path", ["manifest.webmanifest", "icons/icon.svg"])
async def test_manifest_and_icons_are_open(guarded: Client, path: str) -> None:
    """Browsers fetch them without the cookie."""
    assert (await guarded.get(f"/static/{path}")).status == 200


async def test_the_rest_of_the_page_needs_a_key(guarded: Client) -> None:
    """No other file is shown, and none is known to be there."""
    opened = needed_by("sign-in.html")
    for file in static_dir().rglob("*"):
        path = "/static/" + file.relative_to(static_dir()).as_posix()
        if file.is_file() and path not in opened and "/icons/" not in path and not path.endswith(".webmanifest"):
            assert (await guarded.get(path)).status == 401, path
    assert (await guarded.get("/static/none.js")).status == 401


async def test_sends_files_compressed_and_once(client: Client) -> None:
    """Text travels as gzip where the client takes it, and not at all when the client has it."""
    first = await client.get("/static/js/main.js", headers={"Accept-Encoding": "gzip"})
    assert first.headers["Content-Encoding"] == "gzip"
    assert first.headers["Vary"] == "Accept-Encoding"
    plain = await client.get("/static/js/main.js", headers={"Accept-Encoding": "identity"})
    assert "Content-Encoding" not in plain.headers
    assert await first.text() == await plain.text()
    again = await client.get("/static/js/main.js", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status, await again.read()) == (304, b"")
    assert again.headers["ETag"] == first.headers["ETag"]


async def test_files_are_asked_for_each_time(client: Client) -> None:
    """An update of the server reaches every browser at its next visit."""
    assert (await client.get("/static/js/main.js")).headers["Cache-Control"] == "no-cache"
    assert (await client.get("/")).headers["Cache-Control"] == "no-cache"


@pytest.mark.parametrize(
    "path", ["none.js", "..%2fpyproject.toml", "%2e%2e/pyproject.toml", "js/..%2f..%2fpyproject.toml", "js", ""]
)
async def test_serves_nothing_else(client: Client, path: str) -> None:
    """What is not a file of the page is 404."""
    assert (await client.get(f"/static/{path}", allow_redirects=False)).status == 404


async def test_videos_can_be_read_in_parts(client: Client) -> None:
    """Players ask for parts of a video."""
    videos = [file for file in static_dir().rglob("*") if file.suffix in (".mp4", ".webm")]
    if not videos:
        pytest.skip("the page has no video")
    path = Path(videos[0]).relative_to(static_dir()).as_posix()
    answer = await client.get(f"/static/{path}", headers={"Range": "bytes=0-99"})
    assert (answer.status, len(await answer.read())) == (206, 100)
    assert answer.content_type.startswith("video/")


async def test_answers_head(client: Client) -> None:
    """HEAD gives the headers of GET alone."""
    answer = await client.head("/")
    assert (answer.status, await answer.read()) == (200, b"")
