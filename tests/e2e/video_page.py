"""What the tests of the place Video do with the page."""

from pathlib import Path

from playwright.async_api import Locator, Page, expect

Asked = list[tuple[str, str]]
"""What a page has asked of videos since its test began: methods and paths."""

ORANGE = """(source) => {
  const canvas = new OffscreenCanvas(640, 480).getContext("2d");
  canvas.drawImage(source, 0, 0, 640, 480);
  const { data } = canvas.getImageData(0, 0, 640, 480);
  let count = 0;
  for (let at = 0; at < data.length; at += 4)
    if (Math.abs(data[at] - 255) < 50 && Math.abs(data[at + 1] - 107) < 60 && Math.abs(data[at + 2] - 53) < 60) count += 1;
  return count;
}"""


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


async def boxes_in(shown: Locator) -> bool:
    """Whether an orange box is in a picture or in the frame that a video shows."""
    return int(await shown.evaluate(ORANGE)) > 200
