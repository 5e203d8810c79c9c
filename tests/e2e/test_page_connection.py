"""Help's check of the connection, in a real browser."""

import pytest
from playwright.async_api import Browser, Page, Playwright, expect

from tests.e2e.browser import RunningServer, launch, new_page, no_streams, open_place

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]


async def _check(page: Page) -> dict[str, tuple[str, str]]:
    """Sign and text of each finding, by its name."""
    await page.get_by_role("button", name="Keyboard shortcuts and help").click()
    await page.get_by_role("button", name="Check connection").click()
    await expect(page.get_by_role("button", name="Check again")).to_be_visible(timeout=30_000)
    rows: list[list[str]] = await page.locator(".findings li").evaluate_all(
        """(rows) => rows.map((row) =>
            [row.querySelector('b').textContent, row.dataset.sign, row.querySelector('p').textContent])"""
    )
    return {name: (sign, text) for name, sign, text in rows}


async def test_a_connection_that_works_says_so(page: Page, server: RunningServer) -> None:
    """Page, camera, network, and the time of a packet there and back; no live session is taken for it."""
    await open_place(page, server)
    found = await _check(page)
    assert {found[name][0] for name in ("Page", "Camera", "Network", "Live video")} == {"ok"}
    assert "UDP goes straight to the server and back in" in found["Live video"][1]
    assert not [text for name, (sign, text) in found.items() if sign == "bad"]
    await expect(page.get_by_role("dialog").get_by_role("status")).to_contain_text("live video", ignore_case=True)
    await no_streams(server, page)


async def test_a_network_without_udp_is_found(playwright: Playwright, server: RunningServer) -> None:
    """The browser may use proxied TCP only, as behind a strict firewall: the finding says what Live does instead."""
    browser: Browser = await launch(playwright, "--webrtc-ip-handling-policy=disable_non_proxied_udp")
    async with new_page(browser) as page:
        await open_place(page, server)
        found = await _check(page)
    await browser.close()
    assert "bad" in {found[name][0] for name in ("Network", "Live video")}
    assert "WebSocket" in found["Live video"][1]


async def test_a_server_that_is_gone_is_found(page: Page, server: RunningServer) -> None:
    """The check ends and says so, instead of waiting."""
    await open_place(page, server)
    await page.route("**/api/doctor**", lambda route: route.abort())
    found = await _check(page)
    assert found["Server"] == ("bad", "The server does not answer. Check again in a moment.")
    assert found["Live video"][0] == "bad"


async def test_what_the_server_finds_is_shown(page: Page, server: RunningServer) -> None:
    """With its sign and its advice, as text."""
    finding = {"check": "public_address", "sign": "warn", "text": "All addresses are <b>private</b>.", "advice": "Set one."}
    await page.route("**/api/doctor", lambda route: route.fulfill(json={"ok": True, "version": "1", "findings": [finding]}))
    await open_place(page, server)
    found = await _check(page)
    assert found["Server: Public address"] == ("warn", "All addresses are <b>private</b>. Set one.")
