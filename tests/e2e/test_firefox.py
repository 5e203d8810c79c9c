"""Live in Firefox, with the camera that Firefox draws itself: another WebRTC stack than Chromium's sees the same page work."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.conftest import Client, ClientFactory
from tests.e2e.firefox import Firefox
from tests.e2e.test_page_live import ORANGE_PIXELS
from tests.transports.rig import FixedDetector

pytestmark = pytest.mark.e2e

SCREEN = "document.querySelector('.screen')?.dataset.state"


@pytest.fixture
async def firefox(tmp_path: Path) -> AsyncIterator[Firefox]:
    """A Firefox with an empty profile."""
    running = await Firefox.start(tmp_path)
    yield running
    await running.aclose()


async def streams(client: Client) -> list[dict[str, object]]:
    """The live streams of the server."""
    answer = await (await client.get("/api/streams")).json()
    found: list[dict[str, object]] = answer["streams"]
    return found


def pressed(label: str) -> str:
    """The expression that presses the button of that name."""
    return f"[...document.querySelectorAll('button')].find((one) => one.textContent.trim() === {json.dumps(label)}).click()"


async def test_live_from_start_to_stop(firefox: Firefox, start_client: ClientFactory) -> None:
    """The camera's picture comes back with boxes, the firearm gets its line, a control is taken, and Stop frees the place."""
    client = await start_client(detector=FixedDetector())
    await firefox.goto(str(client.make_url("/#/live")))
    await firefox.eventually("document.querySelector('[data-action=start]') !== null")
    await firefox.evaluate("document.querySelector('[data-action=start]').click()")
    await firefox.eventually(f"{SCREEN} === 'picture'")
    await firefox.eventually(f"({ORANGE_PIXELS})() > 500")
    played_s = await firefox.evaluate("document.querySelector('video.live').currentTime")
    await firefox.eventually(f"document.querySelector('video.live').currentTime > {played_s} + 0.5")
    await firefox.eventually("document.querySelector('.sightings li')?.textContent.includes('Firearm')")
    await firefox.eventually("document.querySelector('[data-cell=transport] dd').textContent.includes('WebRTC')")
    await firefox.evaluate(pressed("Exact"))
    await firefox.eventually(
        "fetch('/api/streams').then((answer) => answer.json()).then((list) => list.streams[0]?.mode === 'exact')"
    )
    await firefox.evaluate(pressed("Stop"))
    await firefox.eventually("document.querySelector('[data-action=start]') !== null")
    await firefox.eventually("fetch('/api/streams').then((answer) => answer.json()).then((list) => list.streams.length === 0)")
    assert await streams(client) == []
