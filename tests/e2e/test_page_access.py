"""The page by keyboard and screen reader, and as something to install."""

import re

import pytest
from playwright.async_api import Browser, Page, expect

from tests.e2e.browser import RunningServer, eventually, new_page, open_place

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]

FOCUSED = "document.activeElement.getAttribute('aria-label') ?? document.activeElement.textContent.trim()"
NAMELESS = """() => [...document.querySelectorAll("button, a[href], input, select, video, [role=dialog], nav, aside, section")]
  .filter((element) => element.checkVisibility({ visibilityProperty: true }) && element.getAttribute("aria-hidden") !== "true")
  .filter((element) => !(element.getAttribute("aria-label") || element.labels?.length || element.textContent.trim()))
  .map((element) => element.outerHTML)"""
SMALL = """() => [...document.querySelectorAll("button, a[href], input:not(.vh), select")]
  .filter((element) => element.checkVisibility() && !element.closest(".skip, .vh, .menu"))
  .filter((element) => { const box = element.getBoundingClientRect(); return box.width < 24 || box.height < 24; })
  .map((element) => element.outerHTML)"""


async def test_tab_walks_the_page_in_reading_order(page: Page, server: RunningServer) -> None:
    """Skip link, mark, places, server, theme, help, then the stage and its controls."""
    await open_place(page, server)
    order = []
    for _ in range(16):
        await page.keyboard.press("Tab")
        order.append(str(await page.evaluate(FOCUSED)).split("\n")[0])
    assert order[:2] == ["Skip to content", "Sightline"]
    assert order[2:6] == ["Live", "Video", "Picture", "Cameras"]
    assert order[6].startswith("Alerts")  # and how many wait
    assert order[7].startswith("Server ready, model ")
    assert order[8:12] == ["Theme", "Keyboard shortcuts and help", "Start camera", "Try the sample clip"]
    assert order[14:] == ["firearm", "Smooth"]


async def test_the_camera_starts_and_stops_by_keyboard(page: Page, server: RunningServer) -> None:
    """Enter on the primary button goes live, and the focus lands on the picture's tools; Stop gives it back to the page."""
    await open_place(page, server)
    await page.get_by_role("button", name="Start camera").focus()
    await page.keyboard.press("Enter")
    await expect(page.locator(".screen")).to_have_attribute("data-state", "picture", timeout=20_000)
    await page.get_by_role("button", name="Stop").focus()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("button", name="Start camera")).to_be_visible()


async def test_every_part_has_a_name_and_a_size(page: Page, server: RunningServer) -> None:
    """Nothing that can be used is nameless, and no target is smaller than 24 by 24."""
    for place in ("live", "video", "picture"):
        await open_place(page, server, place)
        assert await page.evaluate(NAMELESS) == []
        assert await page.evaluate(SMALL) == []


async def test_landmarks_and_live_regions_are_there_from_the_start(page: Page, server: RunningServer) -> None:
    """Banner, navigation, main, complementary; two empty live regions."""
    await open_place(page, server)
    for role in ("banner", "main", "complementary", "contentinfo"):
        await expect(page.get_by_role(role)).to_have_count(1)
    await expect(page.get_by_role("navigation", name="Main")).to_have_count(1)
    assert await page.locator("#polite").get_attribute("aria-live") == "polite"
    assert await page.locator("#assertive").get_attribute("aria-live") == "assertive"


async def test_changes_are_spoken(page: Page, server: RunningServer) -> None:
    """That it is live, and what comes into view, is said politely, in whichever order they happen."""
    await open_place(page, server)
    await page.evaluate("""new MutationObserver((changes) => {
      for (const change of changes) for (const node of change.addedNodes) (window.said ??= []).push(node.textContent);
    }).observe(document.querySelector("#polite"), { childList: true })""")
    await page.click("[data-action=start]")

    async def spoken() -> bool:
        said: list[str] = await page.evaluate("window.said ?? []")
        return "Live over WebRTC" in said and any(re.fullmatch(r"Firearm in view, \d+ percent", text) for text in said)

    await eventually(spoken, page=page, what="both are announced")


async def test_a_new_place_takes_the_focus_and_the_title(page: Page, server: RunningServer) -> None:
    """Going to Picture moves the focus to its heading; back goes back; the last place opens next time."""
    await open_place(page, server)
    await expect(page).to_have_title(_title("Live"))
    await page.get_by_role("link", name="Picture").first.click()
    await expect(page).to_have_title(_title("Picture"))
    await expect(page.get_by_role("heading", level=1)).to_be_focused()
    await page.goto(f"{server.url}/")
    await expect(page).to_have_title(_title("Picture"))


def _title(place: str) -> re.Pattern[str]:
    """The title of a place; the server's camera may have made alerts, which it counts."""
    return re.compile(rf"^(\(\d+\) )?{place} - Sightline$")


async def test_a_dialog_takes_the_focus_and_gives_it_back(page: Page, server: RunningServer) -> None:
    """Help opens and closes by keyboard."""
    await open_place(page, server)
    button = page.get_by_role("button", name="Keyboard shortcuts and help")
    await button.press("Enter")
    dialog = page.get_by_role("dialog", name="Help")
    await expect(dialog).to_be_visible()
    assert await dialog.evaluate("dialog => dialog.contains(document.activeElement)")
    await page.keyboard.press("Escape")
    await expect(button).to_be_focused()


async def test_a_selection_that_ends_beside_a_dialog_leaves_it_open(page: Page, server: RunningServer) -> None:
    """Only a click that began beside it closes it."""
    await open_place(page, server)
    await page.get_by_role("button", name="Keyboard shortcuts and help").click()
    dialog = page.get_by_role("dialog", name="Help")
    heading = await dialog.locator("h2").bounding_box()
    assert heading is not None
    await page.mouse.move(heading["x"] + 20, heading["y"] + heading["height"] / 2)
    await page.mouse.down()
    await page.mouse.move(5, 5)
    await page.mouse.up()
    await expect(dialog).to_be_visible()
    await page.mouse.click(5, 5)
    await expect(dialog).to_have_count(0)


async def test_single_key_shortcuts_can_be_switched_off(page: Page, server: RunningServer) -> None:
    """B hides the boxes until Help's switch is off; then it does nothing."""
    await open_place(page, server, "picture")
    boxes = page.locator(".tool").first
    await page.keyboard.press("b")
    await expect(boxes).to_have_attribute("aria-pressed", "false")
    await page.get_by_role("button", name="Keyboard shortcuts and help").click()
    await page.get_by_label("Single-key shortcuts").uncheck()
    await page.keyboard.press("Escape")
    await page.keyboard.press("b")
    await expect(boxes).to_have_attribute("aria-pressed", "false")


async def test_the_theme_is_kept(browser: Browser, server: RunningServer) -> None:
    """A chosen theme holds against the system's, also after the page is loaded again."""
    async with new_page(browser, theme="light") as page:
        await open_place(page, server)
        await page.get_by_role("button", name="Theme").click()
        await page.get_by_text("Dark", exact=True).click()
        await page.reload()
        assert await page.evaluate("getComputedStyle(document.documentElement).colorScheme") == "dark"
        assert await page.evaluate("getComputedStyle(document.documentElement).backgroundColor") == "rgb(10, 12, 15)"


async def test_the_server_button_tells_what_is_served(page: Page, server: RunningServer) -> None:
    """Its popover names the model, its classes and the live sessions."""
    await open_place(page, server)
    await page.get_by_role("button", name="Server ready").click()
    await expect(page.get_by_role("dialog", name="Server")).to_contain_text("firearm-yolov8n")
    await expect(page.get_by_role("dialog", name="Server")).to_contain_text("0 of 8")


async def test_the_footer_offers_the_source(page: Page, server: RunningServer) -> None:
    """The link goes where the server says; the answer is there (AGPL-3.0, section 13)."""
    await open_place(page, server)
    address = await page.get_by_role("link", name="Source code").get_attribute("href")
    assert address == (await (await page.request.get(f"{server.url}/api/info")).json())["source"]


async def test_the_page_can_be_installed(page: Page, server: RunningServer) -> None:
    """The manifest is understood by the browser without an error, and its icons are there."""
    await open_place(page, server)
    session = await page.context.new_cdp_session(page)
    manifest = await session.send("Page.getAppManifest")
    assert manifest["errors"] == []
    errors = (await session.send("Page.getInstallabilityErrors"))["installabilityErrors"]
    # a profile of a test is a private one, which never installs
    assert [error["errorId"] for error in errors if error["errorId"] != "in-incognito"] == []
