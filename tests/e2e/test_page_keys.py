"""The page with a key that may only look, in a real browser."""

from pathlib import Path

import pytest
from playwright.async_api import Page, Response, expect

from server.web.api_key import Right
from server.web.key_file import KeyFile
from tests.e2e.browser import ServerFactory, eventually

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]

FOR_ADMINS = "[...document.querySelectorAll('[data-needs=admin]')].map((element) => element.checkVisibility())"


async def test_a_key_that_may_look_sees_no_more(page: Page, start_server: ServerFactory, tmp_path: Path) -> None:
    """Guesses are told to wait; a viewer sees every place without what the server would refuse, and why; revoked, it is out."""
    file = KeyFile(tmp_path / "keys.json")
    value = file.add("Lobby", Right.VIEW)
    server = start_server(env={"SIGHTLINE_AUTH__KEYS_FILE": str(file.path), "SIGHTLINE_AUTH__MAX_WRONG_KEYS": "1"})
    refused: list[str] = []

    def note(answer: Response) -> None:
        if answer.status == 403:
            refused.append(answer.url)

    page.on("response", note)
    await page.goto(f"{server.url}/")
    alert, sign_in = page.get_by_role("alert"), page.get_by_role("button", name="Sign in")
    await page.get_by_label("Key").fill("wrong")

    async def told_to_wait() -> bool:
        await sign_in.click()
        return "Too many wrong keys" in await alert.inner_text()

    await eventually(told_to_wait, page=page, what="that guesses have to wait")
    await page.get_by_label("Key").fill(value)
    await sign_in.click()

    await expect(page.get_by_role("heading", name="Watch what runs here")).to_be_visible()
    for place, heading in (("video", "No recordings yet"), ("picture", "Check a picture"), ("cameras", "No cameras yet")):
        await page.click(f"#nav [data-place={place}]")
        await expect(page.get_by_role("heading", name=heading)).to_be_visible()
        await page.keyboard.press("a")  # where others add a camera
        await expect(page.get_by_role("dialog")).to_have_count(0)
        hidden = await page.evaluate(FOR_ADMINS)
        assert (len(hidden) > 0, any(hidden)) == (place != "picture", False)
    await page.click("#nav [data-place=alerts]")
    await expect(page.get_by_role("heading", name="No alerts today")).to_be_visible()
    await page.get_by_role("button", name="Account").click()
    await expect(page.locator("#account-pop")).to_contain_text("Signed in as Lobby")
    await expect(page.locator("#account-pop")).to_contain_text("may look, check pictures and answer alerts")
    await page.keyboard.press("Escape")
    assert refused == []

    file.revoke("Lobby")

    async def signed_out() -> bool:
        await page.locator("#server").click()
        return "Signed out" in await page.locator("#server").inner_text()

    await eventually(signed_out, page=page, what="that the key is revoked")
    lost = page.get_by_role("region", name="Connection")
    await expect(lost).to_contain_text("Please sign in again.", timeout=15_000)
    await page.keyboard.press("Escape")  # what the server button has opened lies over it
    await lost.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_label("Key", exact=True)).to_be_visible()
