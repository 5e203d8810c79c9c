"""Browsers and servers for the tests of the page; browsers are shared by all of them, profiles and pages never."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, Playwright, Request, async_playwright

from tests.e2e.browser import RunningServer, ServerFactory, camera_flags, find_chromium, launch, new_page, write_y4m
from tests.e2e.video_page import Asked
from tests.scenes import CLIP_S, draw_frame

PANS = (0.0, 0.05, 0.1, 0.15, 0.1, 0.05)
"""Seconds around the middle of the clip: a hand-held camera on the drawn firearm, which never leaves the picture."""


@pytest.fixture(scope="session")
def server() -> Iterator[RunningServer]:
    """A server with default settings and the delivered model."""
    running = RunningServer.start()
    yield running
    running.stop()


@pytest.fixture(scope="module")
def video_server() -> Iterator[RunningServer]:
    """A server with default settings, and none but a module's own files."""
    running = RunningServer.start()
    yield running
    running.stop()


@pytest.fixture
def start_server() -> Iterator[ServerFactory]:
    """Starts servers with settings of the test's own."""
    running: list[RunningServer] = []

    def start(*arguments: str, env: dict[str, str] | None = None) -> RunningServer:
        running.append(RunningServer.start(*arguments, env=env))
        return running[-1]

    yield start
    for one in running:
        one.kill()


@pytest.fixture(scope="session")
def firearm_camera(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A camera file that shows the drawn firearm."""
    pictures = [draw_frame(CLIP_S / 4 + offset).bgr for offset in PANS for _ in range(3)]
    return write_y4m(tmp_path_factory.mktemp("camera") / "firearm.y4m", pictures)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def playwright() -> AsyncIterator[Playwright]:
    """Playwright's driver."""
    find_chromium()
    async with async_playwright() as driver:
        yield driver


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser(playwright: Playwright, firearm_camera: Path) -> AsyncIterator[Browser]:
    """A Chromium whose camera shows the drawn firearm."""
    running = await launch(playwright, *camera_flags(firearm_camera))
    yield running
    await running.close()


@pytest_asyncio.fixture(loop_scope="session")
async def page(browser: Browser) -> AsyncIterator[Page]:
    """A page on a desktop, dark, with an empty profile."""
    async with new_page(browser) as opened:
        yield opened


@pytest.fixture
def asked(page: Page) -> Asked:
    """What the page asks of videos, as it grows."""
    seen: Asked = []

    def note(request: Request) -> None:
        path = request.url.partition("://")[2].partition("/")[2]
        if path.startswith("api/videos"):
            seen.append((request.method, path.partition("?")[0]))

    page.on("request", note)
    return seen
