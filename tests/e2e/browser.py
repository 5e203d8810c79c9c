"""Chromium for the tests of the page, and the server that it talks to."""

import os
import shutil
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Protocol, Self

import aiohttp
import numpy as np
import pytest
from playwright.async_api import Browser, ConsoleMessage, Error, Page, Playwright, expect

from tests.drawing import Image
from tests.server_process import ServerProcess

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--allow-loopback-in-peer-connection",  # a machine may have no other interface
)

# What the browser says by itself about answers above 399, WebSockets that do not open, and plain http, which tests provoke.
_EXPECTED = ("Failed to load resource", "WebSocket connection to", "Cross-Origin-Opener-Policy header has been ignored")


def find_chromium() -> str:
    """The path of a Chromium, or a skip that says why: SIGHTLINE_CHROMIUM, else what the system has."""
    named = os.environ.get("SIGHTLINE_CHROMIUM")
    found = named or next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if not found or not shutil.which(found):
        pytest.skip("no Chromium found: install one or name it in SIGHTLINE_CHROMIUM")
    return found


def camera_flags(file: Path) -> tuple[str, ...]:
    """The flags of a browser whose camera shows a file and is always allowed."""
    return ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream", f"--use-file-for-fake-video-capture={file}")


async def launch(playwright: Playwright, *flags: str) -> Browser:
    """A headless Chromium with an empty profile."""
    return await playwright.chromium.launch(executable_path=find_chromium(), args=[*FLAGS, *flags])


def write_y4m(path: Path, pictures: list[Image], *, fps: int = 15) -> Path:
    """A camera file of BGR pictures, in the raw form that Chromium reads."""
    import cv2  # noqa: PLC0415 - only those tests that draw a camera need it

    height, width = pictures[0].shape[:2]
    with path.open("wb") as file:
        file.write(f"YUV4MPEG2 W{width} H{height} F{fps}:1 Ip A1:1 C420jpeg\n".encode())
        for picture in pictures:
            file.write(b"FRAME\n" + np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2YUV_I420)).tobytes())
    return path


class RunningServer(ServerProcess):
    """A server for the tests of the page; `url` is its bare address, without a slash."""

    @classmethod
    def start(cls, *arguments: str, env: dict[str, str] | None = None) -> Self:
        """Starts `sightline serve` and waits until it accepts requests."""
        server = cls(*arguments, environ=env)
        server.__enter__()
        server.url = server.url.partition("#")[0].rstrip("/")
        return server

    @property
    def port(self) -> int:
        """The TCP port."""
        return int(self.url.rsplit(":", 1)[1])

    def kill(self) -> None:
        """Ends it as a power cut does."""
        self.stop(signal.SIGKILL)

    async def streams(self) -> list[dict[str, object]]:
        """The live streams that it runs now."""
        async with aiohttp.ClientSession() as http, http.get(f"{self.url}/api/streams") as answer:
            listed: list[dict[str, object]] = (await answer.json())["streams"]
            return listed


class ServerFactory(Protocol):
    """Starts servers that end with the test."""

    def __call__(self, *arguments: str, env: dict[str, str] | None = None) -> RunningServer:
        """A server with these arguments, on a free port."""


@asynccontextmanager
async def new_page(browser: Browser, *, width: int = 1280, height: int = 800, theme: str = "dark") -> AsyncIterator[Page]:
    """A page with an empty profile; an error of its scripts or a broken content policy fails the test."""
    scheme: dict[str, object] = {"color_scheme": theme}
    context = await browser.new_context(viewport={"width": width, "height": height}, **scheme)  # type: ignore[arg-type]  # a literal
    page = await context.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda message: problems.extend(_problem(message)))
    yield page
    seen = list(problems)
    with suppress(Error):  # the test may have closed either
        # A stub that is just answering would fail on the closed page, and with it the next test.
        await page.unroute_all(behavior="ignoreErrors")
    with suppress(Error):
        await context.close()
    assert seen == [], seen


def _problem(message: ConsoleMessage) -> list[str]:
    wrong = message.type in {"error", "warning"} and not any(text in message.text for text in _EXPECTED)
    return [message.text] if wrong else []


async def eventually(
    condition: Callable[[], Awaitable[bool]], *, page: Page, what: str, timeout_s: float = 20, every_ms: int = 100
) -> None:
    """Waits until a condition holds; the limit only ends a test that would hang."""
    for _ in range(int(timeout_s * 1000 / every_ms)):
        if await condition():
            return
        await page.wait_for_timeout(every_ms)
    raise AssertionError(f"still not: {what}")


async def open_place(page: Page, server: RunningServer, place: str = "live") -> None:
    """Opens a place of the page and waits until it is built."""
    await page.goto(f"{server.url}/#/{place}")
    await expect(page.locator(".screen")).to_be_visible()


async def go_live(page: Page, server: RunningServer, *, action: str = "start") -> None:
    """Opens Live and waits for the first annotated picture."""
    await open_place(page, server)
    await page.click(f"[data-action={action}]")
    await expect(page.locator(".screen")).to_have_attribute("data-state", "picture", timeout=20_000)


async def state_is(page: Page, state: str, *, timeout_s: float = 20) -> None:
    """Waits until the stage shows a state."""
    await expect(page.locator(".screen")).to_have_attribute("data-state", state, timeout=timeout_s * 1000)


async def no_streams(server: RunningServer, page: Page) -> None:
    """Waits until no place on the server is taken."""

    async def empty() -> bool:
        return await server.streams() == []

    await eventually(empty, page=page, what="every session is gone", timeout_s=8)


async def exit_code_of(server: RunningServer, page: Page) -> int:
    """The exit code of a server that ends by itself; a further signal on its last steps would be its end."""

    async def ended() -> bool:
        return server.process.poll() is not None

    await eventually(ended, page=page, what="the server has ended")
    return server.stop()
