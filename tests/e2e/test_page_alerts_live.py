"""An alert from the camera of a real page to the verdict of another one, through a real server."""

from typing import Any

import aiohttp
import pytest
from playwright.async_api import Browser, expect

from tests.e2e.browser import ServerFactory, eventually, go_live, new_page

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]


async def _alerts(url: str) -> list[dict[str, Any]]:
    async with aiohttp.ClientSession() as http, http.get(f"{url}/api/alerts") as answer:
        listed: list[dict[str, Any]] = (await answer.json())["alerts"]
        return listed


async def test_what_a_camera_sees_is_reviewed_on_another_page(browser: Browser, start_server: ServerFactory) -> None:
    """What one page's camera sees becomes an alert on another: best frame at once, then the clip plays, C confirms it."""
    server = start_server(env={"SIGHTLINE_ALERTS__AFTER_S": "2", "SIGHTLINE_ALERTS__BEFORE_S": "2"})
    async with new_page(browser) as camera, new_page(browser) as guard:
        await guard.goto(f"{server.url}/#/alerts")
        await expect(guard.get_by_role("heading", name="No alerts today")).to_be_visible()
        await go_live(camera, server)
        await expect(guard.locator("#alert-heading")).to_contain_text("Camera in the browser", timeout=20_000)
        await expect(guard.locator("#assertive")).to_contain_text("New alert: Possible firearm, Camera in the browser, ")
        assert (await guard.title(), await camera.title()) == ("(1) Alerts - Sightline", "(1) Live - Sightline")
        await expect(guard.locator(".best")).to_be_visible()
        video = guard.locator("video.film-video")
        await eventually(
            lambda: video.evaluate("video => !video.paused && video.currentTime > 0.5"), page=guard, what="the clip plays"
        )
        await expect(guard.locator(".cliplane path").first).to_be_attached()
        await guard.keyboard.press("c")
        await expect(guard.locator(".verdict h2")).to_contain_text("Confirmed by ")
        (alert,) = await _alerts(server.url)
        assert alert["state"] == "confirmed"
        assert alert["decided_zone"] == await guard.evaluate("Intl.DateTimeFormat().resolvedOptions().timeZone")
