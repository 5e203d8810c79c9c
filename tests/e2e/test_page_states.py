"""Every state of every place: their words, their next steps, their contrast and their width."""

import re
from typing import Any

import pytest
from playwright.async_api import Browser, FilePayload, Page, expect

from tests.e2e.browser import RunningServer, go_live, new_page, open_place
from tests.e2e.test_page_picture import FIREARM

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]

VALUES = {
    "capacity": 8, "active": 8, "seconds": 14, "ago": 6, "attempt": 3, "detail": "The server closed it.", "missing": "WebRTC",
    "name": "a-picture-with-a-long-name-from-a-camera-20261122.jpg", "size": "41 MB", "limit": "32 MB",
    "watching": "6 cameras watching, last checked 0 s ago.", "day": "on 21 November", "state": "dismissed ",
    "noun": "firearm", "line": "1 file ahead.",
    "problem": "The file ends after 0 frames. Export it again and add the new file.",
}  # fmt: skip

SHOW_EACH = """async (values) => {
  const { Stage } = await import("/static/js/stage.js");
  const { ALERT_STATES, LIVE_STATES, PICTURE_STATES, VIDEO_STATES } = await import("/static/js/states.js");
  const shown = [];
  for (const [prefix, states] of [["", LIVE_STATES], ["", PICTURE_STATES], ["video.", VIDEO_STATES],
                                  ["alerts.", ALERT_STATES]]) {
    const stage = new Stage({ states, media: [], tools: [], onaction() {} });
    document.querySelector(".screen").replaceWith(stage.element);
    for (const [name, state] of Object.entries(states)) {
      stage.show(name, values);
      const buttons = [...stage.element.querySelectorAll(".acts button")];
      const inside = stage.element.getBoundingClientRect();
      shown.push({
        name: prefix + name, text: stage.element.innerText, body: state.body,
        words: buttons.map((button) => button.textContent),
        fits: document.documentElement.scrollWidth <= innerWidth && buttons.every((button) => {
          const box = button.getBoundingClientRect();
          return box.left >= inside.left && box.right <= inside.right && box.bottom <= inside.bottom && box.height >= 24;
        }),
      });
    }
  }
  return shown;
}"""

# Every visible text against the nearest opaque colour behind it; WCAG 2.2, 1.4.3.
LOWEST_CONTRAST = """() => {
  const channels = (colour) => {
    const canvas = new OffscreenCanvas(1, 1).getContext("2d");
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const light = ([r, g, b]) => [r, g, b].map((value) => value / 255)
    .map((value) => (value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4))
    .reduce((sum, value, at) => sum + value * [0.2126, 0.7152, 0.0722][at], 0);
  const behind = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const colour = channels(getComputedStyle(at).backgroundColor);
      if (colour[3] === 255) return colour;
    }
    return [255, 255, 255];
  };
  let lowest = { ratio: 21, text: "" };
  for (const element of document.querySelectorAll("body *")) {
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
    if (!own || !element.checkVisibility({ visibilityProperty: true }) || element.closest("option, .vh, svg, .skip")) continue;
    const [one, two] = [light(channels(getComputedStyle(element).color)), light(behind(element))].sort((a, b) => b - a);
    const ratio = (one + 0.05) / (two + 0.05);
    if (ratio < lowest.ratio) lowest = { ratio, text: element.textContent.trim() };
  }
  return lowest;
}"""

# What each state has to say, word for word.
SENTENCES = {
    "idle": "Start your camera. Each picture is checked as it arrives, and nothing is kept on the server.",
    "asking": "Your browser is asking above. Choose Allow to start.",
    "refused": "Click the camera sign in the address bar, choose Allow, then try again. "
    "Sightline cannot ask a second time by itself.",
    "noCamera": "Plug one in and it appears here by itself. A phone or laptop can open this page too.",
    "cameraInUse": "Close it there (a call, another tab), then try again.",
    "cameraGone": "Plug it in again, or choose another.",
    "insecure": "Open this page with https, or as http://localhost on the server's own machine.",
    "unsupported": "It lacks WebRTC. Chrome, Edge and Firefox from 2024, or Safari 17.5, can.",
    "loading": "Usually 2 seconds. Your camera starts by itself then.",
    "full": "8 of 8 live sessions are in use. We try again by ourselves in 14 s.",
    "connecting": "Camera is on. Opening the video connection to the server, this takes about a second.",
    "lost": "The last picture is shown, it is not live. Trying again in 14 s (attempt 3).",
    "ended": "The server closed it.",
    "video.empty": "Drop a video. You see it being checked, then get the marked video, a timeline and the data.",
    "video.queued": "1 file ahead.",
    "video.failed": "The file ends after 0 frames. Export it again and add the new file.",
    "video.gone": "It was deleted, or its time on the server was over.",
    "video.unplayable": "This browser could not open it. Saved, it plays in most other programs.",
    "alerts.none": "6 cameras watching, last checked 0 s ago.",
    "alerts.noCameras": "Add one first.",
    "alerts.filtered": "No dismissed alerts on 21 November",
    "empty": "Drop, paste or choose one. It is checked on this server and not kept.",
    "busy": "The server is busy. Trying again in 14 s.",
    "tooLarge": "It is 41 MB, the limit is 32 MB.",
    "notPicture": "This is not a picture. JPEG, PNG, WebP, TIFF and BMP work.",
    "damaged": "The file is damaged and cannot be opened.",
}


async def fits(page: Page) -> bool:
    """Whether nothing has to be scrolled sideways."""
    return bool(await page.evaluate("document.documentElement.scrollWidth <= innerWidth"))


@pytest.mark.parametrize("width", [320, 390, 768, 1440])
async def test_each_state_has_words_and_a_next_step(browser: Browser, server: RunningServer, width: int) -> None:
    """Whatever the width, each state has a heading, its sentence and at least one button inside the stage."""
    async with new_page(browser, width=width, height=844) as page:
        await open_place(page, server)
        shown: list[dict[str, Any]] = await page.evaluate(SHOW_EACH, VALUES)
    assert [state["name"] for state in shown if not state["words"]] == []
    assert [state["name"] for state in shown if not state["fits"]] == []
    said = {state["name"]: state["text"] for state in shown}
    assert {name: text in said[name] for name, text in SENTENCES.items()} == dict.fromkeys(SENTENCES, True)
    assert not any(re.search(r"[{}!]|undefined|oops", text, re.IGNORECASE) for text in said.values())


@pytest.mark.parametrize("theme", ["dark", "light"])
@pytest.mark.parametrize("width", [320, 1440])
async def test_live_is_readable(browser: Browser, server: RunningServer, width: int, theme: str) -> None:
    """Idle and live, every text has a contrast of 4.5 and nothing is cut off at the side."""
    async with new_page(browser, width=width, height=800, theme=theme) as page:
        await open_place(page, server)
        assert (lowest := await page.evaluate(LOWEST_CONTRAST))["ratio"] >= 4.5, lowest
        assert await fits(page)
        await go_live(page, server)
        await expect(page.locator(".sightings li").first).to_be_visible(timeout=20_000)
        assert (lowest := await page.evaluate(LOWEST_CONTRAST))["ratio"] >= 4.5, lowest
        assert await fits(page)


@pytest.mark.parametrize("theme", ["dark", "light"])
@pytest.mark.parametrize("width", [320, 1440])
async def test_picture_is_readable(browser: Browser, server: RunningServer, width: int, theme: str) -> None:
    """With a result, every text has a contrast of 4.5 and nothing is cut off at the side."""
    async with new_page(browser, width=width, height=800, theme=theme) as page:
        await open_place(page, server, "picture")
        file = FilePayload(name="a-picture-with-a-very-long-name-indeed.jpg", mimeType="image/jpeg", buffer=FIREARM)
        await page.set_input_files("input[type=file]", file)
        await expect(page.locator(".chip")).to_have_text("1 firearm", timeout=20_000)
        assert (lowest := await page.evaluate(LOWEST_CONTRAST))["ratio"] >= 4.5, lowest
        assert await fits(page)


async def test_the_picture_and_its_controls_stay_in_view(browser: Browser, server: RunningServer) -> None:
    """On a laptop the live picture, the strip and the controls are seen without scrolling."""
    async with new_page(browser, width=1280, height=720) as page:
        await go_live(page, server)
        bottom = await page.locator(".controls").evaluate("element => element.getBoundingClientRect().bottom")
        assert bottom <= 720


async def test_a_phone_gets_tabs_at_the_bottom(browser: Browser, server: RunningServer) -> None:
    """Below 768 the places are a bar at the bottom, with targets of at least 44."""
    async with new_page(browser, width=390, height=844) as page:
        await open_place(page, server)
        tab = page.locator(".tabs").get_by_role("link", name="Picture")
        box = await tab.bounding_box()
        assert box is not None
        assert box["height"] >= 44
        await tab.click()
        await expect(page.get_by_role("heading", name="Check a picture")).to_be_visible()


async def test_a_model_of_many_classes_is_chosen_from_by_name(page: Page, server: RunningServer) -> None:
    """More than three classes become one button with a searchable dialog."""
    await open_place(page, server)
    await page.evaluate("""async () => {
      const { ClassPicker } = await import("/static/js/class-picker.js");
      const labels = [...Array(80).keys()].map((at) => `class ${at}`);
      const picker = new ClassPicker(labels, (classes) => { window.chosen = classes; });
      document.querySelector(".controls").append(picker.element);
    }""")
    await page.get_by_role("button", name="Show: 80 classes").click()
    await page.get_by_role("button", name="Show none").click()
    await page.get_by_label("Search classes").fill("class 42")
    await page.get_by_role("checkbox", name="class 42").check()
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("button", name="Show: 1 class")).to_be_focused()
    assert await page.evaluate("window.chosen") == [42]
