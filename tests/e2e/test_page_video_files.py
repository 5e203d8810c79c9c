"""The files of the place Video in a real browser: several at once, cancelled, begun again, deleted, and taken back."""

from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect

from tests.e2e.browser import RunningServer, ServerFactory, eventually, new_page, open_place
from tests.e2e.drawn_video import write_empty_table, write_table
from tests.e2e.video_page import Asked, add, checked, job_row

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]


async def names(page: Page) -> list[str]:
    """The files in the order of the list."""
    return await page.locator(".jobs .jn").all_inner_texts()


async def test_several_files_queue(page: Page, start_server: ServerFactory, tmp_path: Path) -> None:
    """All are sent, one is checked, the others wait and say how many are before them; the list is in that order."""
    await open_place(page, start_server(), "video")
    await expect(page.get_by_role("heading", name="Find firearms in a recording")).to_be_visible()
    first = write_table(tmp_path / "first.mp4", times=8)
    others = [write_empty_table(tmp_path / f"{name}.mp4") for name in ("second", "third")]
    await add(page, first, *others)
    await expect(job_row(page, "third.mp4")).to_contain_text("2 files ahead", timeout=60_000)
    await expect(job_row(page, "second.mp4")).to_contain_text("1 file ahead")
    await expect(job_row(page, "second.mp4").locator(".st.off")).to_have_text("Waiting")
    await expect(job_row(page, "first.mp4").locator(".st.busy")).to_contain_text("%", timeout=60_000)
    assert await names(page) == ["first.mp4", "second.mp4", "third.mp4"]
    await expect(page.get_by_role("heading", level=1)).to_have_text("first.mp4")
    await page.get_by_role("button", name="third.mp4", exact=True).click()
    await expect(page.locator(".screen .empty")).to_contain_text("2 files ahead.")


async def test_a_running_check_is_cancelled_and_begun_again(page: Page, start_server: ServerFactory, tmp_path: Path) -> None:
    """Cancel leaves the file with a way to start again, which ends as done."""
    await open_place(page, start_server(), "video")
    await add(page, write_table(tmp_path / "gate.mp4", times=4))
    await expect(job_row(page, "gate.mp4")).to_contain_text("frames/s", timeout=60_000)
    await page.get_by_role("button", name="Cancel gate.mp4").click()
    await expect(job_row(page, "gate.mp4").locator(".st.off")).to_have_text("Cancelled")
    await expect(page.get_by_role("heading", name="gate.mp4 was cancelled")).to_be_visible()
    await job_row(page, "gate.mp4").get_by_role("button", name="Start again").click()
    await checked(page, "gate.mp4", timeout_s=120)


async def test_a_deleted_file_is_taken_back(page: Page, start_server: ServerFactory, asked: Asked, tmp_path: Path) -> None:
    """Until Undo is gone nothing is deleted on the server; the file is selected again, and has the focus."""
    await open_place(page, start_server(), "video")
    await add(page, write_empty_table(tmp_path / "gate.mp4"))
    await checked(page, "gate.mp4")
    address = page.url
    await page.get_by_role("button", name="Delete gate.mp4").click()
    await expect(job_row(page, "gate.mp4")).to_have_count(0)
    await expect(page.get_by_role("heading", name="Files")).to_be_focused()
    await expect(page.get_by_role("heading", name="Find firearms in a recording")).to_be_visible()
    await page.get_by_role("button", name="Undo").click()
    await expect(page.get_by_role("button", name="gate.mp4", exact=True)).to_be_focused()
    await expect(page.locator(".files .note")).to_be_hidden()
    await checked(page, "gate.mp4")
    assert page.url == address
    assert [method for method, _ in asked if method == "DELETE"] == []


async def test_a_file_is_deleted_when_undo_is_over(page: Page, start_server: ServerFactory, tmp_path: Path) -> None:
    """After Undo has gone the file is gone from the server, and the one after it is shown."""
    server = start_server()
    await open_place(page, server, "video")
    await add(page, write_empty_table(tmp_path / "gate.mp4"), write_empty_table(tmp_path / "stairs.mp4"))
    await checked(page, "stairs.mp4")
    await page.get_by_role("button", name="gate.mp4", exact=True).click()
    await page.get_by_role("button", name="Delete gate.mp4").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("stairs.mp4")
    await expect(page.get_by_role("button", name="Undo")).to_be_hidden(timeout=15_000)
    await eventually(lambda: _listed(page, server, ["stairs.mp4"]), page=page, what="gate.mp4 is gone on the server")
    assert await names(page) == ["stairs.mp4"]


async def test_what_was_deleted_is_gone_when_the_page_is_left(
    page: Page, browser: Browser, start_server: ServerFactory, tmp_path: Path
) -> None:
    """Closing the tab before Undo is over deletes too; another page sees the file go by itself."""
    server = start_server()
    async with new_page(browser) as other:
        await open_place(other, server, "video")
        await add(other, write_empty_table(tmp_path / "gate.mp4"))
        await open_place(page, server, "video")
        await checked(page, "gate.mp4")
        await checked(other, "gate.mp4")
        await other.get_by_role("button", name="Delete gate.mp4").click()
        await expect(other.get_by_role("button", name="Undo")).to_be_visible()
        await other.goto("about:blank")
        # A browser that ends at once may take the request with it: this one stays until it is through.
        await expect(job_row(page, "gate.mp4")).to_have_count(0, timeout=30_000)
    await expect(page.get_by_role("heading", name="Find firearms in a recording")).to_be_visible()


async def test_all_that_is_done_is_cleared_at_once(page: Page, start_server: ServerFactory, tmp_path: Path) -> None:
    """Clear done takes away what is done, says how much that was, and gives all of it back."""
    await open_place(page, start_server(), "video")
    await add(page, write_empty_table(tmp_path / "gate.mp4"), write_empty_table(tmp_path / "stairs.mp4"))
    await checked(page, "gate.mp4")
    await expect(job_row(page, "stairs.mp4").locator(".st")).to_have_text("Done", timeout=60_000)
    await page.get_by_role("button", name="Clear done").click()
    await expect(page.locator(".files .note")).to_contain_text("2 files deleted.")
    await expect(page.get_by_role("button", name="Clear done")).to_be_hidden()
    await page.get_by_role("button", name="Undo").click()
    assert sorted(await names(page)) == ["gate.mp4", "stairs.mp4"]


async def test_a_killed_server_goes_on_where_it_was(page: Page, start_server: ServerFactory, tmp_path: Path) -> None:
    """A server that dies in the middle is back with the same files; the page follows by itself, and the check ends as done."""
    own = {"SIGHTLINE_SERVER__DATA_DIR": str(tmp_path / "data")}
    first = start_server(env=own)
    await open_place(page, first, "video")
    await add(page, write_table(tmp_path / "gate.mp4", times=6))
    await expect(job_row(page, "gate.mp4")).to_contain_text("frames/s", timeout=60_000)
    first.kill()
    start_server("--port", str(first.port), env=own)
    await checked(page, "gate.mp4", timeout_s=180)
    await expect(page.locator(".head .sub")).to_contain_text("720 frames, every one checked")


async def test_an_upload_goes_on_while_another_place_is_open(page: Page, start_server: ServerFactory, tmp_path: Path) -> None:
    """Leaving the place ends nothing: the file is there, checked, when the person is back."""
    await open_place(page, start_server(), "video")
    await add(page, write_table(tmp_path / "gate.mp4"))
    await page.get_by_role("link", name="Picture").first.click()
    await expect(page.get_by_role("heading", name="Check a picture")).to_be_visible()
    await expect(page.locator("#polite")).to_have_text("gate.mp4: Done, 2 sightings", timeout=60_000)
    await page.get_by_role("link", name="Video").first.click()
    await checked(page, "gate.mp4")


async def _listed(page: Page, server: RunningServer, wanted: list[str]) -> bool:
    answer = await page.request.get(f"{server.url}/api/videos")
    return [video["name"] for video in (await answer.json())["videos"]] == wanted
