"""Video in a real browser: a drawn clip is sent, watched while it is checked, then played, searched and saved."""

import csv
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from tests.e2e.browser import RunningServer, eventually, new_page, open_place
from tests.e2e.drawn_video import FPS, LENGTH_S, SEEN_S, write_empty_table, write_table
from tests.e2e.video_page import add, boxes_in, checked, job_row, time_of

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]

FRAME_S = 1 / FPS


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def done(browser: Browser, video_server: RunningServer, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Page]:
    """The place Video with the drawn table, checked; tests leave it as it is."""
    async with new_page(browser) as page:
        await open_place(page, video_server, "video")
        await add(page, write_table(tmp_path_factory.mktemp("video") / "table.mp4"))
        await checked(page, "table.mp4")
        yield page


async def shows_frame_at(page: Page, seconds: float) -> None:
    """Waits until the player has sought to a time, to the frame."""

    async def there() -> bool:
        seeking = await page.locator("video.film-video").evaluate("video => video.seeking || video.readyState < 2")
        return not seeking and abs(await time_of(page) - seconds) < FRAME_S / 2

    await eventually(there, page=page, what=f"the frame at {seconds} s, but at {await time_of(page)} s")


async def test_a_video_is_watched_while_it_is_checked(page: Page, video_server: RunningServer, tmp_path: Path) -> None:
    """Sent by the button, it is shown with its boxes and its progress before it is done, and then plays."""
    await open_place(page, video_server, "video")
    await add(page, write_table(tmp_path / "gate.mp4", times=6))
    await expect(page.get_by_role("heading", level=1)).to_have_text("gate.mp4")
    await expect(page.locator(".screen .chip.st")).to_contain_text("Checking, ", timeout=60_000)
    preview = page.locator(".screen img.live")
    await eventually(lambda: boxes_in(preview), page=page, what="an orange box in the preview", timeout_s=60)
    assert await preview.evaluate("image => image.naturalWidth") == 640
    await expect(job_row(page, "gate.mp4")).to_contain_text("frames/s")
    await expect(page.get_by_role("progressbar", name="gate.mp4")).to_be_visible()
    await expect(page.locator(".tl-head .sub")).to_contain_text("Checked up to 0:")
    grows = page.locator(".lane rect")
    await expect(grows.first).to_be_visible(timeout=60_000)
    mark = await grows.first.evaluate("({ dataset }) => [+dataset.start, +dataset.end]")
    assert mark[0] == pytest.approx(SEEN_S[0][0], abs=0.6)
    await checked(page, "gate.mp4", timeout_s=180)
    await expect(preview).to_be_hidden()
    await expect(page.get_by_role("table", name="Sightings").locator("tbody tr")).to_have_count(12)
    await page.get_by_role("button", name="Delete gate.mp4").click()


async def test_the_finished_video_plays(done: Page) -> None:
    """The marked MP4 plays in the page: time goes on, frames are decoded, and Pause stops it."""
    await done.get_by_role("button", name="Play").click()

    async def goes_on() -> bool:
        return await time_of(done) > 0.3

    await eventually(goes_on, page=done, what="time goes on")
    quality = "video => video.getVideoPlaybackQuality().totalVideoFrames"
    assert await done.locator("video.film-video").evaluate(quality) > 1
    await done.get_by_role("button", name="Pause").click()
    await expect(done.get_by_role("button", name="Play")).to_be_visible()
    assert await done.locator("video.film-video").evaluate("video => [video.videoWidth, video.videoHeight]") == [640, 480]
    assert await done.locator("video.film-video").evaluate("video => video.duration") == pytest.approx(LENGTH_S, abs=FRAME_S)


async def test_the_timeline_marks_the_right_seconds(done: Page) -> None:
    """Its marks begin and end with the frames on which the firearm was drawn, and boxes are drawn there and only there."""
    marks = await done.locator(".lane rect").evaluate_all("all => all.map(({ dataset }) => [+dataset.start, +dataset.end])")
    assert [tuple(mark) for mark in marks] == [
        pytest.approx((start, end - FRAME_S), abs=1.5 * FRAME_S) for start, end in SEEN_S
    ]
    slider = await done.get_by_role("slider", name="Position", exact=True).bounding_box()
    drawn = [await mark.bounding_box() for mark in await done.locator(".lane rect").all()]
    assert slider is not None
    for box, (start, end) in zip(drawn, SEEN_S, strict=True):
        assert box is not None
        left, right = ((x - slider["x"]) / slider["width"] * LENGTH_S for x in (box["x"], box["x"] + box["width"]))
        assert (left, right) == pytest.approx((start, end), abs=2 * FRAME_S)
    await expect(done.locator(".tl-head .sub")).to_have_text("2 sightings, 3.0 s in all")
    video = done.locator("video.film-video")
    for fraction, seen in ((1.0, False), (3.0, True), (5.0, False), (6.5, True), (7.5, False)):
        await done.mouse.click(slider["x"] + slider["width"] * fraction / LENGTH_S, slider["y"] + slider["height"] / 2)

        async def arrived(wanted: float = fraction) -> bool:
            return abs(await time_of(done) - wanted) < 0.1 and not await video.evaluate("video => video.seeking")

        await eventually(arrived, page=done, what=f"the frame at {fraction} s")
        assert await boxes_in(video) == seen


async def test_the_table_says_the_same_in_words(done: Page) -> None:
    """Each sighting has its row with its times, and Go to leads to its first frame."""
    rows = done.get_by_role("table", name="Sightings").locator("tbody tr")
    await expect(rows).to_have_count(len(SEEN_S))
    for row, (start, end) in zip(await rows.all(), SEEN_S, strict=True):
        cells = [await cell.inner_text() for cell in await row.locator("td").all()]
        assert cells[1].startswith("Firearm #")
        assert _seconds(cells[2]) == pytest.approx(start, abs=1.5 * FRAME_S + 0.1)
        assert _seconds(cells[3]) == pytest.approx(end, abs=1.5 * FRAME_S + 0.1)
        assert cells[5].endswith(" %")
    await rows.nth(1).get_by_role("button", name="Go to").click()
    await shows_frame_at(done, float(await done.locator(".lane rect").nth(1).get_attribute("data-start") or 0))
    await expect(rows.nth(1)).to_have_class("now")
    await eventually(lambda: boxes_in(rows.nth(0).locator("canvas")), page=done, what="the best picture in its row")


def _seconds(text: str) -> float:
    minutes, _, rest = text.partition(":")
    return int(minutes) * 60 + float(rest)


async def test_keys_lead_through_the_video(done: Page) -> None:
    """Seconds, frames, sightings, sound and playing by keys, and the slider says where that is."""
    slider = done.get_by_role("slider", name="Position", exact=True)
    starts = [float(await mark.get_attribute("data-start") or 0) for mark in await done.locator(".lane rect").all()]
    await slider.press("Home")
    await shows_frame_at(done, 0)
    await done.locator("h1").focus()
    for key, lands in (
        ("ArrowRight", 1.0), ("n", starts[0]), ("n", starts[1]), ("p", starts[0]), ("Shift+ArrowRight", LENGTH_S),
        ("Shift+ArrowLeft", 0.0), ("ArrowRight", 1.0), (".", 1 + 1.5 * FRAME_S), (",", 1 + 0.5 * FRAME_S),
    ):  # fmt: skip
        await done.keyboard.press(key)
        await shows_frame_at(done, lands)
    await done.keyboard.press("n")
    await shows_frame_at(done, starts[0])
    text = await slider.get_attribute("aria-valuetext") or ""
    assert text.startswith(("0:01 of 0:08, firearm ", "0:02 of 0:08, firearm ")), text
    await slider.press("End")
    await expect(slider).to_have_attribute("aria-valuetext", "0:08 of 0:08")
    await slider.press("Home")
    await done.locator("h1").focus()
    await done.keyboard.press("m")
    await expect(done.get_by_role("button", name="Sound")).to_have_attribute("aria-pressed", "false")
    await done.keyboard.press("m")
    await done.keyboard.press(" ")
    await expect(done.get_by_role("button", name="Pause")).to_be_visible()
    await done.keyboard.press(" ")
    await expect(done.get_by_role("button", name="Play")).to_be_visible()


async def test_space_presses_the_button_that_has_the_focus(done: Page) -> None:
    """Space on Next sighting goes to it, and does not play."""
    await done.get_by_role("slider", name="Position", exact=True).press("Home")
    await done.get_by_role("button", name="Next sighting").press(" ")
    await shows_frame_at(done, float(await done.locator(".lane rect").first.get_attribute("data-start") or 0))
    await expect(done.get_by_role("button", name="Play")).to_be_visible()


async def test_pointing_at_the_timeline_shows_that_frame(done: Page) -> None:
    """Without a click the time, the frame and its picture are shown, and the player stays where it is."""
    before = await time_of(done)
    slider = await done.get_by_role("slider", name="Position", exact=True).bounding_box()
    assert slider is not None
    place = slider["x"] + slider["width"] * 3 / LENGTH_S, slider["y"] + 5
    await done.mouse.move(*place)
    tip = done.locator(".tip")
    await expect(tip).to_contain_text("0:03.0 · frame 45, firearm ")

    async def shown() -> bool:
        await done.mouse.move(*place)  # a frame that takes a busy machine seconds is left out until it is pointed at again
        return await boxes_in(tip.locator("canvas"))

    await eventually(shown, page=done, what="the frame under the pointer")
    assert await time_of(done) == before
    await done.mouse.move(0, 0)
    await expect(tip).to_be_hidden()


async def test_the_results_are_saved(done: Page, tmp_path: Path) -> None:
    """JSON and CSV hold a row for each frame or detection, and the video is an MP4."""
    saved = {}
    for label in ("Save detections as JSON", "Save detections as CSV", "Save video with boxes"):
        async with done.expect_download() as download:
            await done.get_by_role("link", name=label).click()
        file = await download.value
        saved[label] = (file.suggested_filename, _content(Path(await file.path())))
    name, content = saved["Save detections as JSON"]
    assert name == "table-detections.json"
    frames = json.loads(content)["frames"]
    assert len(frames) == round(LENGTH_S * FPS)
    found = sum(len(frame["results"]) for frame in frames)
    name, content = saved["Save detections as CSV"]
    assert name == "table-detections.csv"
    assert len(list(csv.reader(content.decode().splitlines()))) == found + 1
    name, content = saved["Save video with boxes"]
    assert name == "table-annotated.mp4"
    assert content[4:8] == b"ftyp"
    await expect(done.locator(".head .sub")).to_contain_text("0:08 · 640\u00d7480 · 120 frames, every one checked · done in ")


def _content(path: Path) -> bytes:
    return path.read_bytes()


async def test_nothing_found_is_said_with_its_threshold(page: Page, video_server: RunningServer, tmp_path: Path) -> None:
    """A video without a firearm names the confidence that nothing reached."""
    await open_place(page, video_server, "video")
    await add(page, write_empty_table(tmp_path / "corridor.mp4"))
    await expect(job_row(page, "corridor.mp4")).to_contain_text("Nothing found · 0:01", timeout=60_000)
    await expect(page.locator(".tl-head .sub")).to_have_text("No firearm found at 40 %")
    await expect(page.locator(".video-page")).to_contain_text("The detector can miss things")
    await expect(page.get_by_role("button", name="Next sighting")).to_be_hidden()


async def test_a_sampled_video_says_so(page: Page, video_server: RunningServer, tmp_path: Path) -> None:
    """A program had every fifth frame checked: the title line says it, and both times are on the timeline."""
    address = f"{video_server.url}/api/videos?every=5&name=sampled.mp4"
    content = _content(write_table(tmp_path / "sampled.mp4"))
    answer = await page.request.post(address, data=content, headers={"Content-Type": "video/mp4"})
    await page.goto(f"{video_server.url}/#/video/{(await answer.json())['id']}")
    await checked(page, "sampled.mp4")
    await expect(page.locator(".head .sub")).to_contain_text("0:08 · 640\u00d7480 · 120 frames, every 5th frame checked")
    marks = await page.locator(".lane rect").evaluate_all("all => all.map(({ dataset }) => [+dataset.start, +dataset.end])")
    assert [mark[0] for mark in marks] == pytest.approx([start for start, _ in SEEN_S], abs=5 * FRAME_S)


async def test_an_address_opens_its_video(done: Page, page: Page, tmp_path: Path) -> None:
    """The address of a video opens it in a new tab, back leads to the one before, and a lost one is named."""
    await page.goto(done.url)
    await expect(page.get_by_role("heading", level=1)).to_have_text("table.mp4")
    await expect(page.locator("video.film-video")).to_be_visible()
    await add(page, write_empty_table(tmp_path / "other.mp4"))
    for name in ("table.mp4", "other.mp4"):
        await page.get_by_role("button", name=name, exact=True).click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("other.mp4")
    await page.go_back()
    await expect(page.get_by_role("heading", level=1)).to_have_text("table.mp4")
    await page.goto(done.url.partition("#")[0] + "#/video/no-such-video")
    await expect(page.get_by_role("heading", name="This video is not here any more")).to_be_visible()
