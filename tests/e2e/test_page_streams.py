"""Running streams in a real browser: what others show is listed by itself, and opens with its boxes."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from tests.e2e.browser import RunningServer, eventually, go_live, new_page, no_streams, open_place
from tests.e2e.test_page_live import boxes_are_drawn

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]


@pytest_asyncio.fixture(loop_scope="session")
async def other(browser: Browser) -> AsyncIterator[Page]:
    """The page of somebody else."""
    async with new_page(browser) as opened:
        yield opened


async def test_a_running_stream_is_listed_and_opens(page: Page, other: Page, server: RunningServer) -> None:
    """Another's camera appears without a reload, plays with its boxes and its age, and takes no second place of a stream."""
    await open_place(page, server)
    listed = page.get_by_role("region", name="Running streams")
    await expect(listed).to_be_hidden()
    await go_live(other, server)
    await expect(listed).to_contain_text("Camera in the browser", timeout=10_000)
    await expect(other.get_by_role("region", name="Running streams")).to_be_hidden()
    await page.get_by_role("button", name="Watch Camera in the browser").click()
    dialog = page.get_by_role("dialog")
    await expect(dialog.locator(".screen")).to_have_attribute("data-state", "picture", timeout=20_000)
    await page.evaluate("document.querySelector('.live-page video.live').remove()")  # the helper looks at the first one
    await eventually(lambda: boxes_are_drawn(page), page=page, what="an orange box in the picture")
    await expect(dialog.locator("[data-cell=transport] dd")).to_contain_text("WebRTC")
    await expect(dialog.locator("[data-cell=age] dd").first).to_contain_text("ms")
    await expect(dialog.locator("[data-cell=age] dd").first).not_to_contain_text("\u2013")
    assert len(await server.streams()) == 1
    await dialog.get_by_role("button", name="Close").click()
    await expect(dialog).to_have_count(0)


async def test_the_own_stream_is_not_listed_while_it_connects(page: Page, other: Page, server: RunningServer) -> None:
    """Others see it from the start; on the page that sends it, it is nobody else's before its first picture either."""
    await page.add_init_script(
        "RTCPeerConnection.prototype.setRemoteDescription = async function () {};"  # so that it never connects
    )
    await open_place(other, server)
    await open_place(page, server)
    await page.click("[data-action=start]")
    await expect(other.get_by_role("region", name="Running streams")).to_contain_text("Camera in the browser", timeout=10_000)
    await expect(page.locator(".screen")).to_have_attribute("data-state", "connecting")
    await expect(page.get_by_role("region", name="Running streams")).to_be_hidden()
    await page.get_by_role("button", name="Cancel").click()
    await no_streams(server, page)


async def test_a_stream_that_ends_says_so_and_leaves_the_list(page: Page, other: Page, server: RunningServer) -> None:
    """The dialog has words and a next step when the other side stops."""
    await open_place(page, server)
    await go_live(other, server)
    await page.get_by_role("button", name="Watch Camera in the browser").click()
    dialog = page.get_by_role("dialog")
    await expect(dialog.locator(".screen")).to_have_attribute("data-state", "picture", timeout=20_000)
    await other.get_by_role("button", name="Stop").click()
    await expect(dialog.locator(".screen")).to_have_attribute("data-state", "ended", timeout=20_000)
    await expect(dialog).to_contain_text("The stream ended")
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("region", name="Running streams")).to_be_hidden()
    await no_streams(server, page)


async def test_without_udp_it_plays_as_mjpeg(page: Page, other: Page, server: RunningServer) -> None:
    """Where no packet gets through the pictures come over HTTP, and the page says why, and when they have ended."""
    await page.add_init_script(
        "RTCPeerConnection.prototype.setRemoteDescription = async function () {};"  # so that it never connects
    )
    await open_place(page, server)
    await go_live(other, server)
    await page.get_by_role("button", name="Watch Camera in the browser").click()
    dialog = page.get_by_role("dialog")
    await expect(dialog).to_contain_text("Running over MJPEG.", timeout=20_000)
    image = dialog.locator("img.live")

    async def is_shown() -> bool:
        return int(await image.evaluate("image => image.naturalWidth")) == 640

    await eventually(is_shown, page=page, what="pictures in the size of the camera")
    await other.get_by_role("button", name="Stop").click()
    await expect(dialog.locator(".screen")).to_have_attribute("data-state", "ended", timeout=10_000)
    await page.keyboard.press("Escape")
