"""The round trip of numbered pictures as a real Chromium has it, through the connection that the page itself makes."""

import asyncio
from pathlib import Path
from typing import Any

import numpy as np
from playwright.async_api import async_playwright

from tests.e2e.browser import launch
from tests.server_process import ServerProcess

SCRIPT = Path(__file__).with_suffix(".js")


def watch_in_chromium(server: ServerProcess, *, seconds: float, warm_up_s: float = 2.0) -> dict[str, Any]:
    """Percentiles of the round trip in milliseconds, pictures a second, the longest gap, and the sizes that were seen."""
    return _figures(asyncio.run(_watch(server, seconds=seconds, warm_up_s=warm_up_s)), seconds=seconds)


async def _watch(server: ServerProcess, *, seconds: float, warm_up_s: float) -> dict[str, Any]:
    async with async_playwright() as playwright:
        browser = await launch(playwright)
        page = await browser.new_page()
        # An empty page under the server's address: nothing else runs in it.
        await page.route("**/measured/", lambda route: route.fulfill(body="<!doctype html>", content_type="text/html"))
        await page.goto(f"{server.url}measured/")
        told = await page.evaluate(SCRIPT.read_text(encoding="utf-8"), {"seconds": seconds, "warmUpS": warm_up_s})
        await browser.close()
    return dict(told)


def _figures(told: dict[str, Any], *, seconds: float) -> dict[str, Any]:
    p50, p95, p99 = np.percentile(told["roundTripsMs"], [50, 95, 99])
    return {
        "round_trip_ms": {"p50": float(p50), "p95": float(p95), "p99": float(p99)},
        "fps": told["returned"] / seconds,
        "longest_gap_ms": told["longestGapMs"],
        "unreadable": told["unreadable"],
        "sizes": sorted({*told["sizes"], told["sentSize"]}),
    }
