"""The page in real Chromium, with a recorded clip in place of the camera: age and sightings as a person sees them."""

import asyncio
import tempfile
from pathlib import Path
from typing import Any

import av
import numpy as np
from playwright.async_api import Page, async_playwright

from benchmarks.load.publisher import streams
from benchmarks.report.results import summary, write_result
from tests.drawing import Image
from tests.e2e.browser import camera_flags, launch, new_page, write_y4m
from tests.server_process import REPOSITORY, ServerProcess

CLIP = REPOSITORY.parent / "shared" / "data" / "clips" / "sofwerx_hall_aiming_720p.mp4"


def run(*, clip: Path = CLIP, seconds: float = 30.0) -> None:
    """Opens Live, starts the camera and watches; says so and measures nothing where the clip is not there."""
    if not clip.is_file():
        print(f"page: left out, there is no {clip.name}")
        return
    figures: dict[str, Any] = {"clip": clip.name, "seconds": seconds}
    with tempfile.TemporaryDirectory() as folder:
        pictures, fps = _decode(clip)
        camera = write_y4m(Path(folder) / "camera.y4m", pictures, fps=fps)
        for precision in ("auto", "f32"):
            with ServerProcess("--precision", precision) as server:
                figures[f"precision {precision}"] = _figures(asyncio.run(_watch(server, camera=camera, seconds=seconds)))
    write_result("page", figures)


def _decode(clip: Path) -> tuple[list[Image], int]:
    with av.open(str(clip)) as container:
        rate = container.streams.video[0].average_rate
        return [np.asarray(frame.to_ndarray(format="bgr24"), np.uint8) for frame in container.decode(video=0)], round(
            rate or 30
        )


async def _watch(server: ServerProcess, *, camera: Path, seconds: float) -> list[dict[str, Any]]:
    """One row a second: the server's counters, and what the page says."""
    rows: list[dict[str, Any]] = []
    async with async_playwright() as playwright:
        browser = await launch(playwright, *camera_flags(camera))
        async with new_page(browser, width=1440, height=900) as page:
            await page.goto(server.url)
            await page.click("[data-action=start]")
            await page.wait_for_selector(".screen[data-state=picture]")
            for _ in range(int(seconds)):
                await page.wait_for_timeout(1000)
                rows += [{**stream, "page": await _page_says(page)} for stream in streams(server)]
        await browser.close()
    return rows


async def _page_says(page: Page) -> dict[str, Any]:
    """The age on the strip in milliseconds, and how many sightings are listed."""
    age = await page.locator("[data-cell=age] dd").first.inner_text()
    digits = "".join(character for character in age if character.isdigit())
    return {"age_ms": int(digits) if digits else None, "sightings": await page.locator(".sightings li").count()}


def _figures(rows: list[dict[str, Any]]) -> dict[str, Any]:
    # The first seconds belong to the connection.
    steady = rows[3:]
    return {
        "box_age_p95_ms": summary([row["box_age_ms"]["p95"] for row in steady]),
        "page_age_ms": summary([row["page"]["age_ms"] for row in steady if row["page"]["age_ms"] is not None]),
        "received_fps": summary([row["received_fps"] for row in steady]),
        "processed_fps": summary([row["processed_fps"] for row in steady]),
        "sightings": rows[-1]["page"]["sightings"],
        "shape": rows[-1]["shape"],
    }
