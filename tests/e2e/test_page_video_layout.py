"""How the place Video looks in a real browser: at every width, in both themes, for eyes, keys and screen readers."""

from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect

from tests.e2e.browser import RunningServer, new_page, open_place
from tests.e2e.drawn_video import write_empty_table, write_table
from tests.e2e.test_page_states import LOWEST_CONTRAST, fits
from tests.e2e.video_page import add, checked, job_row

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]

# Buttons and links that are smaller than they may be, or that have no name for a screen reader.
FAULTY_TARGETS = """(least) => [...document.querySelectorAll("main :is(button, a, input, [role=slider])")]
  .filter((element) => element.checkVisibility() && !element.closest(".vh") && !element.matches(".vh"))
  .filter((element) => {
    const { width, height } = element.getBoundingClientRect();
    return Math.min(width, height) < least || !(element.getAttribute("aria-label") || element.textContent.trim());
  })
  .map((element) => `${element.outerHTML.slice(0, 90)} ${JSON.stringify(element.getBoundingClientRect())}`)"""


@pytest.mark.parametrize("theme", ["dark", "light"])
@pytest.mark.parametrize("width", [320, 390, 768, 1440])
async def test_video_is_readable(browser: Browser, video_server: RunningServer, width: int, theme: str, tmp_path: Path) -> None:
    """With a finished video every text has a contrast of 4.5, nothing is cut off at the side, and every target has its size."""
    async with new_page(browser, width=width, height=844, theme=theme) as page:
        await _open_checked(page, video_server, tmp_path)
        assert (lowest := await page.evaluate(LOWEST_CONTRAST))["ratio"] >= 4.5, lowest
        assert await fits(page)
        assert await page.evaluate(FAULTY_TARGETS, 44 if width < 768 else 24) == []


async def test_a_phone_leaves_out_what_has_no_room(browser: Browser, video_server: RunningServer, tmp_path: Path) -> None:
    """Below 768 the table has no picture, To and Length, and Go to is its icon with its name."""
    async with new_page(browser, width=390, height=844) as page:
        await _open_checked(page, video_server, tmp_path)
        heads = page.get_by_role("table", name="Sightings").locator("th")
        assert [await head.inner_text() for head in await heads.all() if await head.is_visible()] == [
            "Sighting", "From", "Best", "Go to",
        ]  # fmt: skip
        await expect(page.get_by_role("button", name="Go to 0:02.0")).to_be_visible()


async def test_the_player_and_its_timeline_stay_in_view(browser: Browser, video_server: RunningServer, tmp_path: Path) -> None:
    """On a laptop the picture and the timeline are seen without scrolling."""
    async with new_page(browser, width=1280, height=720) as page:
        await _open_checked(page, video_server, tmp_path)
        bottom = await page.locator(".tl").evaluate("element => element.getBoundingClientRect().bottom")
        assert bottom <= 720


async def test_a_file_name_never_makes_the_page_wider(browser: Browser, video_server: RunningServer, tmp_path: Path) -> None:
    """A long name without a space is cut in the list, and whole in its title and in the heading."""
    name = "camera-over-the-counter-in-the-east-wing_2026-11-27T01-22-59.mp4" * 2
    async with new_page(browser, width=320, height=700) as page:
        await open_place(page, video_server, "video")
        await add(page, write_empty_table(tmp_path / name))
        await checked(page, name)
        assert await fits(page)
        await expect(page.get_by_role("heading", level=1)).to_have_text(name)
        await expect(page.get_by_role("button", name=name, exact=True)).to_have_attribute("title", name)
        await page.get_by_role("button", name=f"Delete {name}").click()


async def _open_checked(page: Page, server: RunningServer, folder: Path) -> None:
    """The finished video of this module's server, sent first if it is not there."""
    await open_place(page, server, "video")
    await expect(page.locator(".screen")).not_to_have_attribute("data-state", "opening")
    if not await job_row(page, "table.mp4").count():
        await add(page, write_table(folder / "table.mp4"))
    await page.get_by_role("button", name="table.mp4", exact=True).click()
    await checked(page, "table.mp4")
    await expect(page.get_by_role("table", name="Sightings").locator("tbody tr")).to_have_count(2)
