"""Live with several servers: when one is about to end, the page goes on at another by itself."""

import signal

import pytest
from playwright.async_api import Page, expect

from tests.e2e.browser import RunningServer, eventually, exit_code_of, state_is
from tests.e2e.nginx import FAIL_OVER, free_port, nginx

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]


def start_member() -> RunningServer:
    """One of two servers of a cluster, which has a minute to drain."""
    port = str(free_port())
    environ = {
        "SIGHTLINE_CLUSTER__SECRET": "a-secret-of-all-servers-of-the-cluster",
        "SIGHTLINE_CLUSTER__ADDRESS": f"127.0.0.1:{port}",
        "SIGHTLINE_CLUSTER__PEERS_NETWORK": "127.0.0.1/32",
        "SIGHTLINE_CLUSTER__SIZE": "2",
        "SIGHTLINE_SERVER__DRAIN_S": "60",
    }
    return RunningServer.start("--port", port, env=environ)


async def test_the_page_goes_on_at_another_server(page: Page) -> None:
    """Without a click the session of a server that drains is opened at the other, long before its time is over."""
    first, second = start_member(), start_member()
    try:
        with nginx(first=first.url, second=second.url, locations=FAIL_OVER) as url:
            await page.goto(f"{url}/#/live")
            await page.click("[data-action=start]")
            await state_is(page, "picture")
            assert len(await first.streams()) == 1
            first.process.send_signal(signal.SIGTERM)

            async def moved() -> bool:
                return len(await second.streams()) == 1

            await eventually(moved, page=page, what="the session is at the second server", timeout_s=20)
            await state_is(page, "picture")
            await expect(page.locator(".note", has_text="being restarted")).to_have_count(0)
            assert await exit_code_of(first, page) == 0
    finally:
        first.kill()
        second.kill()
