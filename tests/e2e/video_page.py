"""What the tests of the place Video do with the page, and the server that they share."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.async_api import Locator, Page, expect

from tests.e2e.browser import RunningServer

@pytest.fixture(scope="module")
def video_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server with a data folder of its own."""
    running = RunningServer.start(env={"SIGHTLINE_SERVER__DATA_DIR": str(tmp_path_factory.mktemp("data"))})
    yield running
    running.stop()


async def add(page: Page, *files: Path) -> None:
    """Chooses files by the button."""
    await page.set_input_files("input[type=file]", [str(file) for file in files])


def job_row(page: Page, name: str) -> Locator:
    """The row of a file."""
    return page.locator(".jobs > li").filter(has=page.get_by_role("button", name=name, exact=True))


async def checked(page: Page, name: str, *, timeout_s: float = 60) -> None:
    """Waits until a file is done and its player is there."""
    await expect(job_row(page, name).locator(".st")).to_have_text("Done", timeout=timeout_s * 1000)
    await expect(page.locator("video.film-video")).to_be_visible()
    await expect(page.locator(".tl")).to_be_visible()


async def time_of(page: Page) -> float:
    """Where the player is, in seconds."""
    return float(await page.locator("video.film-video").evaluate("video => video.currentTime"))
