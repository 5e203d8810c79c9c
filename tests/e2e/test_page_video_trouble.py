"""Videos that cannot be taken or checked, in a real browser: each is named with what to do, and nothing else stops."""

import os
import re
import signal
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

import pytest
from playwright.async_api import FilePayload, Page, Route, expect

from tests.e2e.browser import RunningServer, ServerFactory, eventually, open_place, state_is
from tests.e2e.drawn_video import SEEN_S, write_empty_table, write_table
from tests.e2e.test_page_picture import FIREARM, hand_over
from tests.e2e.video_page import Asked, add, boxes_in, checked, job_row
from tests.video_clips import make_sound

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]

PLAYER_ASKS_APART = """
  const { get, set } = Object.getOwnPropertyDescriptor(HTMLMediaElement.prototype, "src");
  Object.defineProperty(HTMLVideoElement.prototype, "src", {
    get,
    set(address) { set.call(this, this.classList.contains("film-video") ? `${address}?player` : address); },
  });
"""
"""Gives the player an address of its own, which tells its requests from those for the pictures of the rows."""


def sent(seen: Asked) -> list[str]:
    """The uploads among what was asked."""
    return [path for method, path in seen if (method, path) == ("POST", "api/videos")]


async def break_once(page: Page, pattern: str) -> None:
    """Has the connection of the next request to such an address break."""

    async def breaks(route: Route) -> None:
        await route.abort("connectionreset")

    await page.route(pattern, breaks, times=1)


async def refused(page: Page, name: str, reason: str) -> None:
    """Waits until a file is refused, in the list and on the stage."""
    row = job_row(page, name)
    await expect(row.locator(".st.bad")).to_have_text("Not added", timeout=20_000)
    await expect(row.locator(".jerr")).to_have_text(reason)
    await expect(page.get_by_role("heading", name=f"{name} was not added")).to_be_visible()


async def test_too_many_bytes_are_refused_before_they_are_sent(
    page: Page, start_server: ServerFactory, asked: Asked, tmp_path: Path
) -> None:
    """The sentence names both sizes, nothing is sent, and the row goes by Dismiss."""
    server = start_server(env={"SIGHTLINE_VIDEOS__MAX_BYTES": "2000000"})
    await open_place(page, server, "video")
    large = tmp_path / "gate.mov"
    large.write_bytes(bytes(3_250_585))
    await add(page, large)
    reason = "gate.mov is 3.1 MB, the limit is 1.9 MB. Cut it or lower its quality, then add it again."
    await refused(page, "gate.mov", reason)
    assert sent(asked) == []
    await page.get_by_role("button", name="Dismiss gate.mov").click()
    await expect(page.get_by_role("heading", name="Find firearms in a recording")).to_be_visible()


async def test_a_preview_that_broke_off_asks_for_nothing_once_it_is_closed(
    page: Page, server: RunningServer, asked: Asked
) -> None:
    """Neither the next try nor the look for a picture outlives it."""
    await open_place(page, server)
    async with page.expect_response("**/api/videos/no-such-video/mjpeg*"):
        await page.evaluate("""async () => {
          const { Preview } = await import("/static/js/preview.js");
          window.preview = new Preview(() => {});
          preview.open("no-such-video");
        }""")
    await page.wait_for_timeout(500)  # it has looked for a picture meanwhile
    await page.evaluate("preview.close()")
    await page.wait_for_timeout(2500)  # longer than it waits before it tries again
    assert [path for _, path in asked if path.endswith("mjpeg")] == ["api/videos/no-such-video/mjpeg"]


async def test_too_long_and_too_large_pictures_are_refused_before_they_are_sent(
    page: Page, start_server: ServerFactory, asked: Asked, tmp_path: Path
) -> None:
    """What the browser can read of a file is held against the limits too."""
    limits = {"SIGHTLINE_VIDEOS__MAX_DURATION_S": "5", "SIGHTLINE_VIDEOS__MAX_PIXELS": "300000"}
    await open_place(page, start_server(env=limits), "video")
    await add(page, write_table(tmp_path / "long.mp4"))
    await refused(page, "long.mp4", "long.mp4 is 8 s long, the limit is 5 s. Cut it, then add it again.")
    await add(page, write_empty_table(tmp_path / "wide.mp4"))
    reason = "wide.mp4 has 640\u00d7480 pixels, the limit is 0.3 million in all. Lower its resolution, then add it again."
    await refused(page, "wide.mp4", reason)
    assert sent(asked) == []


async def test_the_server_refuses_what_the_browser_cannot_read(page: Page, start_server: ServerFactory, tmp_path: Path) -> None:
    """A container that browsers do not open is measured by the server, and its sentence is shown."""
    await open_place(page, start_server(env={"SIGHTLINE_VIDEOS__MAX_DURATION_S": "5"}), "video")
    await add(page, write_table(tmp_path / "long.avi"))
    await expect(job_row(page, "long.avi").locator(".jerr")).to_contain_text("the limit is 5 s", timeout=20_000)


async def test_a_document_is_no_video(page: Page, start_server: ServerFactory, asked: Asked) -> None:
    """Its kind is named at once, without sending it."""
    await open_place(page, start_server(), "video")
    pdf = FilePayload(name="notes.pdf", mimeType="application/pdf", buffer=b"%PDF-1.7")
    await page.set_input_files("input[type=file]", pdf)
    await refused(page, "notes.pdf", "notes.pdf is not a video. MP4, MOV, MKV, WebM, AVI and most others work.")
    assert sent(asked) == []


async def test_what_only_calls_itself_a_video_is_refused(page: Page, start_server: ServerFactory, tmp_path: Path) -> None:
    """The server looks into the file; the sentence is the same."""
    await open_place(page, start_server(), "video")
    fake = tmp_path / "gate.mp4"
    fake.write_bytes(b"nothing of a video " * 1000)
    await add(page, fake)
    await refused(page, "gate.mp4", "gate.mp4 is not a video. MP4, MOV, MKV, WebM, AVI and most others work.")


async def test_sound_without_a_picture_is_refused(page: Page, start_server: ServerFactory, tmp_path: Path) -> None:
    """A recording of sound says what it lacks."""
    await open_place(page, start_server(), "video")
    await add(page, make_sound(tmp_path / "voice.mp4"))
    await refused(page, "voice.mp4", "It has sound but no picture.")


async def test_a_broken_upload_is_sent_again(page: Page, start_server: ServerFactory, tmp_path: Path) -> None:
    """When the connection breaks the row says so, and Send again ends as done."""
    await open_place(page, start_server(), "video")
    await break_once(page, "**/api/videos?*")
    await add(page, write_empty_table(tmp_path / "gate.mp4"))
    row = job_row(page, "gate.mp4")
    await expect(row.locator(".st.bad")).to_have_text("Upload stopped")
    await expect(row.locator(".jerr")).to_have_text("The connection broke at 0 %.")
    await state_is(page, "broken")
    await page.locator(".screen").get_by_role("button", name="Send again").click()
    await checked(page, "gate.mp4")


async def test_an_upload_breaks_with_its_server(page: Page, start_server: ServerFactory, tmp_path: Path) -> None:
    """A server that dies during an upload leaves a file that can be sent again, with how far it was."""
    server = start_server()
    await open_place(page, server, "video")
    large = tmp_path / "gate.avi"
    large.write_bytes(bytes(400_000_000))
    await add(page, large)
    await expect(job_row(page, "gate.avi").locator(".jm")).to_contain_text("% of 381 MB")
    server.kill()
    await expect(job_row(page, "gate.avi").locator(".st.bad")).to_have_text("Upload stopped", timeout=20_000)
    await expect(job_row(page, "gate.avi").get_by_role("button", name="Send again")).to_be_visible()


async def test_an_upload_is_cancelled_and_begun_again(page: Page, start_server: ServerFactory, tmp_path: Path) -> None:
    """Cancel stops sending; Start again sends the file from its beginning."""
    await open_place(page, start_server(), "video")

    async def never(_route: Route) -> None:
        """Keeps the request without an answer."""

    await page.route("**/api/videos?*", never, times=1)
    await add(page, write_empty_table(tmp_path / "gate.mp4"))
    await page.locator(".screen").get_by_role("button", name="Cancel").click()
    await expect(job_row(page, "gate.mp4").locator(".st.off")).to_have_text("Cancelled")
    await job_row(page, "gate.mp4").get_by_role("button", name="Start again").click()
    await checked(page, "gate.mp4")


async def test_a_full_disk_is_named(page: Page, start_server: ServerFactory, tmp_path: Path) -> None:
    """Where the server has no room nothing is taken, and the sentence says what makes room."""
    await open_place(page, start_server(env={"SIGHTLINE_VIDEOS__MIN_FREE_BYTES": str(10**16)}), "video")
    await add(page, write_table(tmp_path / "gate.mp4"))
    await expect(job_row(page, "gate.mp4").locator(".jerr")).to_contain_text("The server has no room for ", timeout=20_000)
    await expect(job_row(page, "gate.mp4").locator(".jerr")).to_contain_text("Delete old files, then add it again.")


async def test_a_file_that_cannot_be_checked_says_why(page: Page, start_server: ServerFactory, tmp_path: Path) -> None:
    """A file that turns out to be damaged fails with a reason, and the next one is checked."""
    await open_place(page, start_server(), "video")
    broken = tmp_path / "broken.mp4"
    content = bytearray(write_table(tmp_path / "whole.mp4").read_bytes())
    start = content.index(b"mdat") + 4
    end = content.index(b"moov") - 4
    content[start:end] = bytes(end - start)
    broken.write_bytes(content)
    await add(page, broken, write_empty_table(tmp_path / "next.mp4"))
    await expect(job_row(page, "broken.mp4").locator(".st.bad")).to_have_text("Failed", timeout=60_000)
    reason = "The file ends after 0 frames. Export it again and add the new file."
    await expect(job_row(page, "broken.mp4").locator(".jerr")).to_have_text(reason)
    await expect(job_row(page, "broken.mp4").get_by_role("button", name="Try again")).to_be_hidden()
    await page.get_by_role("button", name="broken.mp4", exact=True).click()
    await expect(page.get_by_role("heading", name="broken.mp4 was not checked")).to_be_visible()
    await expect(job_row(page, "next.mp4").locator(".st.ok")).to_have_text("Done", timeout=60_000)


async def test_a_crash_can_be_tried_again(page: Page, start_server: ServerFactory, tmp_path: Path) -> None:
    """A check that was killed twice has failed, says so, and ends as done when it is tried again."""
    server = start_server()
    await open_place(page, server, "video")
    await add(page, write_table(tmp_path / "gate.mp4", times=4))
    row = job_row(page, "gate.mp4")
    for _ in range(2):
        await expect(row).to_contain_text("frames/s", timeout=60_000)
        kill_check(server)
        await expect(row).not_to_contain_text("frames/s", timeout=20_000)
    await expect(row.locator(".st.bad")).to_have_text("Failed", timeout=60_000)
    await expect(row.locator(".jerr")).to_contain_text("Checking it crashed twice. The other files go on.")
    await page.locator(".screen").get_by_role("button", name="Try again").click()
    await checked(page, "gate.mp4", timeout_s=120)


def kill_check(server: RunningServer) -> None:
    """Ends the process that checks a video, as a library that crashes does."""
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            parent = re.search(r"^PPid:\s+(\d+)", status.read_text(), re.MULTILINE)
            command = (status.parent / "cmdline").read_bytes()
        except OSError:  # it has just ended
            continue
        if parent and int(parent[1]) == server.process.pid and b"server.jobs.child" in command:
            os.kill(int(status.parent.name), signal.SIGKILL)


async def test_a_timeline_that_did_not_load_is_named(page: Page, start_server: ServerFactory, tmp_path: Path) -> None:
    """The video plays without it, and Try again brings it."""
    await open_place(page, start_server(), "video")
    await break_once(page, "**/detections.json")
    await add(page, write_table(tmp_path / "gate.mp4"))
    await expect(page.get_by_text("The timeline did not load.")).to_be_visible(timeout=60_000)
    await expect(page.locator("video.film-video")).to_be_visible()
    await page.get_by_role("button", name="Try again").click()
    await checked(page, "gate.mp4")
    await expect(page.get_by_text("The timeline did not load.")).to_be_hidden()


async def comes_late(page: Page, route: Route) -> None:
    """Answers only when the page has lost its patience with a picture."""
    await page.wait_for_timeout(6000)
    await route.continue_()


async def is_refused(_page: Page, route: Route) -> None:
    """Answers as a server that has too much to do."""
    await route.fulfill(status=503)


@pytest.mark.parametrize("answer", [comes_late, is_refused])
async def test_a_picture_that_did_not_come_is_tried_again(
    page: Page, start_server: ServerFactory, tmp_path: Path, answer: Callable[[Page, Route], Awaitable[None]]
) -> None:
    """Each row has its picture in the end, although the video for them came late or not at all at first."""
    await page.add_init_script(PLAYER_ASKS_APART)
    await page.route("**/annotated.mp4", lambda route: answer(page, route), times=1)
    await open_place(page, start_server(), "video")
    async with page.expect_request("**/annotated.mp4", timeout=60_000):
        await add(page, write_table(tmp_path / "table.mp4"))
        await checked(page, "table.mp4")
    pictures = page.get_by_role("table", name="Sightings").locator("tbody canvas")
    await expect(pictures).to_have_count(len(SEEN_S))
    for picture in await pictures.all():
        await eventually(partial(boxes_in, picture), page=page, what="the best picture in its row", timeout_s=60)


async def test_a_server_without_videos_offers_a_picture_instead(page: Page, start_server: ServerFactory) -> None:
    """Where video files are turned off no state of Live leads to them."""
    server = start_server(env={"SIGHTLINE_VIDEOS__ENABLED": "false"})
    refuse = "async () => { throw new DOMException('', 'NotAllowedError'); }"
    await page.add_init_script(f"navigator.mediaDevices.getUserMedia = {refuse}")
    await open_place(page, server)
    await page.click("[data-action=start]")
    await state_is(page, "refused")
    await expect(page.locator(".empty .acts button")).to_have_text(["Try again", "Check a picture"])


async def test_a_server_that_is_gone_is_named(page: Page, start_server: ServerFactory, tmp_path: Path) -> None:
    """Cancelling without a server says that nothing changed."""
    server = start_server()
    await open_place(page, server, "video")
    await add(page, write_table(tmp_path / "gate.mp4", times=8))
    await expect(job_row(page, "gate.mp4")).to_contain_text("frames/s", timeout=60_000)
    server.kill()
    await page.get_by_role("button", name="Cancel gate.mp4").click()
    await expect(page.locator(".page .note.bad")).to_contain_text("gate.mp4 stays as it is. The server does not answer.")


async def test_a_dropped_picture_goes_to_its_place(page: Page, start_server: ServerFactory) -> None:
    """A picture on Video is checked on Picture, and a video on Picture is sent on Video."""
    await open_place(page, start_server(), "video")
    await hand_over(page, "drop", FIREARM)
    await expect(page.locator(".chip")).to_have_text("1 firearm", timeout=20_000)
    assert page.url.endswith("#/picture")
    await hand_over(page, "drop", b"no video at all", name="gate.mp4", kind="video/mp4")
    await refused(page, "gate.mp4", "gate.mp4 is not a video. MP4, MOV, MKV, WebM, AVI and most others work.")
    assert page.url.endswith("#/video")


async def test_a_server_without_videos_has_no_such_place(page: Page, start_server: ServerFactory) -> None:
    """Where video files are turned off the place is not shown, and a dropped video is named on Picture."""
    await open_place(page, start_server(env={"SIGHTLINE_VIDEOS__ENABLED": "false"}), "picture")
    await expect(page.get_by_role("link", name="Video")).to_have_count(0)
    await hand_over(page, "drop", b"....ftypmp42", name="gate.mp4", kind="video/mp4")
    await state_is(page, "notPicture")
