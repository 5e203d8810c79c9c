"""Picture in a real browser: one picture checked, its boxes filtered in the page."""

import base64
import json
from collections.abc import AsyncIterator

import cv2
import numpy as np
import pytest
import pytest_asyncio
from playwright.async_api import Browser, FilePayload, Page, Route, expect

from tests.e2e.browser import RunningServer, ServerFactory, new_page, open_place, state_is
from tests.scenes import draw_empty, draw_firearm

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]

HAND_OVER = """([kind, name, type, base64]) => {
  const bytes = Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
  const data = new DataTransfer();
  data.items.add(new File([bytes], name, { type }));
  const options = { bubbles: true, cancelable: true };
  if (kind === "paste") return window.dispatchEvent(new ClipboardEvent("paste", { ...options, clipboardData: data }));
  for (const step of kind === "drag" ? ["dragenter"] : ["dragenter", "dragover", "drop"]) {
    document.body.dispatchEvent(new DragEvent(step, { ...options, dataTransfer: data }));
  }
}"""


def encoded(bgr: np.ndarray, *, kind: str = ".jpg") -> bytes:
    """A picture as a file."""
    return bytes(cv2.imencode(kind, bgr)[1])


FIREARM = encoded(draw_firearm().bgr)
NOTHING = encoded(draw_empty().bgr)


async def choose(page: Page, content: bytes, *, name: str = "table.jpg", kind: str = "image/jpeg") -> None:
    """Chooses a file by the button."""
    await page.set_input_files("input[type=file]", FilePayload(name=name, mimeType=kind, buffer=content))


async def hand_over(page: Page, how: str, content: bytes, *, name: str = "table.jpg", kind: str = "image/jpeg") -> None:
    """Drops or pastes a file."""
    await page.evaluate(HAND_OVER, [how, name, kind, base64.b64encode(content).decode()])


async def one_is_found(page: Page, name: str) -> None:
    """Waits until a picture is shown with the firearm in it, box and row."""
    await expect(page.get_by_role("heading", level=1)).to_have_text(name)
    await expect(page.locator(".chip")).to_have_text("1 firearm", timeout=20_000)
    await expect(page.locator(".ov .bx")).to_have_count(1)
    await expect(page.locator(".found li")).to_contain_text("Firearm")


@pytest_asyncio.fixture(loop_scope="session")
async def picture_page(page: Page, server: RunningServer) -> Page:
    """The place Picture."""
    await open_place(page, server, "picture")
    return page


@pytest_asyncio.fixture(loop_scope="session")
async def narrow_page(browser: Browser, start_server: ServerFactory) -> AsyncIterator[Page]:
    """The place Picture of a server that takes 20,000 bytes and 300,000 pixels."""
    limits = {"SIGHTLINE_PREDICT__MAX_BYTES": "20000", "SIGHTLINE_PREDICT__MAX_PIXELS": "300000"}
    async with new_page(browser) as page:
        await open_place(page, start_server(env=limits), "picture")
        yield page


async def test_a_chosen_picture_is_checked(picture_page: Page) -> None:
    """The box stands over the firearm, the row has its place, and the times are shown."""
    await choose(picture_page, FIREARM)
    await one_is_found(picture_page, "table.jpg")
    await expect(picture_page.locator(".found .m")).to_contain_text("px at")
    await expect(picture_page.locator(".facts").last).to_contain_text("firearm-yolov8n")
    x1, y1, x2, y2 = draw_firearm().boxes[0]
    drawn = await picture_page.locator(".ov .edge").evaluate(
        """edge => {
          const shown = document.querySelector(".screen img").getBoundingClientRect();
          const box = edge.getBoundingClientRect();
          const scale = Math.min(shown.width / 640, shown.height / 480);
          const left = shown.x + (shown.width - 640 * scale) / 2;
          return [box.x - left, box.y - shown.y, box.right - left, box.bottom - shown.y].map((side) => side / scale);
        }"""
    )
    assert drawn == pytest.approx([x1, y1, x2, y2], abs=40)


async def test_a_dropped_picture_is_checked(picture_page: Page) -> None:
    """Dropping works anywhere on the window."""
    await hand_over(picture_page, "drop", FIREARM)
    await one_is_found(picture_page, "table.jpg")
    await expect(picture_page.get_by_text("Drop to check")).to_be_hidden()


async def test_a_dragged_file_shows_where_it_may_go(picture_page: Page) -> None:
    """While a file is over the window the page says that it can be dropped."""
    await hand_over(picture_page, "drag", FIREARM)
    await expect(picture_page.get_by_text("Drop to check")).to_be_visible()


async def test_a_pasted_picture_is_checked(picture_page: Page) -> None:
    """A picture from the clipboard is named by the time it came."""
    await hand_over(picture_page, "paste", encoded(draw_firearm().bgr, kind=".png"), name="image.png", kind="image/png")
    await expect(picture_page.locator(".chip")).to_have_text("1 firearm", timeout=20_000)
    await expect(picture_page.get_by_role("heading", level=1)).to_contain_text("pasted ")


async def test_several_pictures_queue(picture_page: Page) -> None:
    """All are checked one after the other and stay in the film; a click shows an earlier one again."""
    files = [
        FilePayload(name=f"{at}.jpg", mimeType="image/jpeg", buffer=content) for at, content in enumerate((FIREARM, NOTHING))
    ]
    await picture_page.set_input_files("input[type=file]", files)
    await expect(picture_page.locator(".film li")).to_have_count(2, timeout=20_000)
    await expect(picture_page.get_by_role("heading", level=1)).to_have_text("1.jpg")
    await picture_page.locator(".film button").filter(has_text="0.jpg").click()
    await one_is_found(picture_page, "0.jpg")


async def test_the_slider_filters_without_a_request(picture_page: Page) -> None:
    """Moving the slider hides and shows boxes among those already asked for."""
    await choose(picture_page, FIREARM)
    await one_is_found(picture_page, "table.jpg")
    asked: list[str] = []
    picture_page.on("request", lambda request: asked.append(request.url))
    await picture_page.get_by_label("Confidence at least").fill("95")
    await picture_page.get_by_role("button", name="firearm", exact=True).click()
    await expect(picture_page.locator(".ov .bx")).to_have_count(0)
    await picture_page.get_by_role("button", name="firearm", exact=True).click()
    await picture_page.get_by_label("Confidence at least").fill("40")
    await expect(picture_page.locator(".ov .bx")).to_have_count(1)
    assert [url for url in asked if "predict" in url] == []


async def test_a_choice_leaves_the_state_of_another_file(picture_page: Page) -> None:
    """Under the name of a file that was not checked no other file's result appears, whatever is filtered."""
    await choose(picture_page, FIREARM)
    await one_is_found(picture_page, "table.jpg")
    await choose(picture_page, b"%PDF-1.7 no picture", name="notes.pdf", kind="application/pdf")
    await state_is(picture_page, "notPicture")
    await picture_page.get_by_label("Confidence at least").fill("95")
    await picture_page.get_by_role("button", name="firearm", exact=True).click()
    await expect(picture_page.locator(".film li")).to_contain_text("0")
    await state_is(picture_page, "notPicture")
    await expect(picture_page.get_by_role("heading", level=1)).to_have_text("notes.pdf")
    await expect(picture_page.locator(".ov .bx")).to_have_count(0)


async def test_nothing_found_is_said_with_its_threshold(picture_page: Page) -> None:
    """The sentence names the threshold, and its link leads to the slider."""
    await choose(picture_page, NOTHING)
    await expect(picture_page.locator(".chip")).to_have_text("No firearm found at 40 %", timeout=20_000)
    await picture_page.get_by_role("button", name="Lower the confidence").click()
    await expect(picture_page.get_by_label("Confidence at least")).to_be_focused()


async def test_the_annotated_picture_is_saved(picture_page: Page) -> None:
    """The saved picture has the size of the original and the box drawn in."""
    await choose(picture_page, FIREARM)
    await one_is_found(picture_page, "table.jpg")
    async with picture_page.expect_download() as download:
        await picture_page.get_by_role("button", name="Save picture with boxes").click()
    saved = await download.value
    assert saved.suggested_filename == "table-boxes.png"
    picture = cv2.imread(str(await saved.path()))
    assert picture is not None
    assert picture.shape == (480, 640, 3)
    orange = np.abs(picture.astype(int) - (53, 107, 255)).max(axis=2) < 20
    assert orange.sum() > 1000


async def test_a_picture_that_cannot_be_saved_says_so(picture_page: Page) -> None:
    """A browser that makes no PNG of so large a picture: the page says it, until that is closed."""
    await choose(picture_page, FIREARM)
    await one_is_found(picture_page, "table.jpg")
    await picture_page.evaluate("() => { HTMLCanvasElement.prototype.toBlob = (done) => done(null); }")
    await picture_page.get_by_role("button", name="Save picture with boxes").click()
    note = picture_page.locator(".picture-page .note")
    await expect(note).to_contain_text("table.jpg was not saved. The picture is too large for this browser.")
    await note.get_by_role("button", name="Close").click()
    await expect(note).to_be_hidden()


async def test_a_copy_says_whether_it_was_made(picture_page: Page) -> None:
    """The button tells that the browser has the line now, or that it does not allow it."""
    button = picture_page.locator(".card", has_text="From a program").get_by_role("button")
    for answer, word in (("resolve()", "Copied"), ("reject(new DOMException('', 'NotAllowedError'))", "Not allowed")):
        await expect(button).to_have_text("Copy")
        await picture_page.evaluate(f"() => {{ navigator.clipboard.writeText = () => Promise.{answer}; }}")
        await button.click()
        await expect(button).to_have_text(word)


async def test_the_json_is_saved(picture_page: Page) -> None:
    """The saved JSON holds what is shown, in the server's form."""
    await choose(picture_page, FIREARM)
    await one_is_found(picture_page, "table.jpg")
    async with picture_page.expect_download() as download:
        await picture_page.get_by_role("button", name="Save JSON").click()
    path = await (await download.value).path()
    image = json.loads(path.read_bytes())["images"][0]
    assert image["shape"] == [480, 640]
    assert [result["name"] for result in image["results"]] == ["firearm"]


async def test_a_format_that_browsers_cannot_show_is_shown(picture_page: Page) -> None:
    """A TIFF is checked, and the page shows it by way of the server."""
    await choose(picture_page, encoded(draw_firearm().bgr, kind=".tiff"), name="scan.tiff", kind="image/tiff")
    await one_is_found(picture_page, "scan.tiff")
    assert await picture_page.locator(".screen img").evaluate("image => image.naturalWidth") == 640


async def test_the_line_for_a_terminal_names_this_server(picture_page: Page, server: RunningServer) -> None:
    """The curl line carries this page's own address and the picture's name."""
    await choose(picture_page, FIREARM)
    await one_is_found(picture_page, "table.jpg")
    line = await picture_page.get_by_label("Command").inner_text()
    assert line == f'curl -F file=@table.jpg \\\n  "{server.url}/predict?format=json"'


async def test_too_many_bytes_are_refused_before_they_are_sent(narrow_page: Page) -> None:
    """The sentence names both sizes, and nothing goes to the server."""
    asked: list[str] = []
    narrow_page.on("request", lambda request: asked.append(request.url))
    await choose(narrow_page, FIREARM + bytes(40_000))
    await state_is(narrow_page, "tooLarge")
    await expect(narrow_page.locator(".empty p")).to_contain_text("the limit is 20 KB.")
    assert [url for url in asked if "predict" in url] == []


async def test_too_many_pixels_are_refused(narrow_page: Page) -> None:
    """The server's sentence names the pixels and the limit."""
    await choose(narrow_page, encoded(np.zeros((600, 800, 3), np.uint8)))
    await state_is(narrow_page, "tooManyPixels")
    await expect(narrow_page.locator(".empty p")).to_contain_text("300,000")


async def test_what_is_no_picture_is_refused(picture_page: Page) -> None:
    """The sentence says what works instead."""
    await choose(picture_page, b"%PDF-1.7 no picture", name="notes.pdf", kind="application/pdf")
    await state_is(picture_page, "notPicture")
    await expect(picture_page.locator(".empty")).to_contain_text("This is not a picture. JPEG, PNG, WebP, TIFF and BMP work.")


async def test_a_damaged_picture_is_refused(picture_page: Page) -> None:
    """A file that begins like a picture but is none is called damaged."""
    png = encoded(draw_firearm().bgr, kind=".png")
    await choose(picture_page, png[:200] + bytes(300), name="broken.png", kind="image/png")
    await state_is(picture_page, "damaged")
    await expect(picture_page.locator(".empty")).to_contain_text("The file is damaged and cannot be opened.")


async def test_a_busy_server_is_asked_again(picture_page: Page) -> None:
    """After 429 the page counts down and then checks the picture by itself."""

    async def busy_once(route: Route) -> None:
        problem = json.dumps({"title": "Too Many Requests", "status": 429, "detail": "busy"})
        await route.fulfill(status=429, headers={"Retry-After": "1"}, content_type="application/problem+json", body=problem)

    await picture_page.route("**/predict*", busy_once, times=1)
    await choose(picture_page, FIREARM)
    await expect(picture_page.locator(".empty")).to_contain_text("The server is busy. Trying again in 1 s.")
    await one_is_found(picture_page, "table.jpg")


async def test_a_server_that_is_gone_is_named(page: Page, start_server: ServerFactory) -> None:
    """Without an answer the page says so and offers to try again."""
    server = start_server()
    await open_place(page, server, "picture")
    server.kill()
    await choose(page, FIREARM)
    await state_is(page, "unreachable")
    await expect(page.get_by_role("button", name="Try again")).to_be_visible()


async def test_a_running_check_can_be_cancelled(picture_page: Page) -> None:
    """Cancel leads back to where the page was."""

    async def never(_route: Route) -> None:
        """Keeps the request without an answer."""

    await picture_page.route("**/predict*", never, times=1)
    await choose(picture_page, FIREARM)
    await expect(picture_page.locator(".empty")).to_contain_text("Checking table.jpg")
    await picture_page.get_by_role("button", name="Cancel").click()
    await expect(picture_page.get_by_role("heading", name="Check a picture")).to_be_visible()
