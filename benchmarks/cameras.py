"""A camera over RTSP (TCP) whose server is killed and comes back: when it is told, when it is live, how old its pictures are.

Asked of the API twenty times a second. `age_2s_ms` is the largest age in the third second after the return to live.
"""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import requests

from benchmarks.report.results import summary, write_result
from tests.rtsp.rig import rtsp_server, write_film
from tests.server_process import ServerProcess

# For how long the server is away; long ones find the camera waiting for its next try.
AWAY_S = (2.0, 5.0, 10.0, 20.0, 40.0)
LIVE_S = 8.0
_EVERY_S = 0.05


def run() -> None:
    """Kills the RTSP server once for each of AWAY_S."""
    asyncio.run(_run())


async def _run() -> None:
    with (
        TemporaryDirectory() as folder,
        ServerProcess(environ={"SIGHTLINE_CAMERAS__ALLOWED_NETWORKS": "127.0.0.0/8"}) as server,
    ):
        film = await asyncio.to_thread(write_film, Path(folder) / "film.mkv", seconds=120)
        write_result("cameras", await _measure(server.url.rstrip("/"), film))


async def _measure(url: str, film: Path) -> dict[str, Any]:
    unreachable_s, live_s, fresh_s, age_ms = [], [], [], []
    async with rtsp_server(film) as rtsp:
        added = await _ask("POST", f"{url}/api/cameras", {"name": "Door", "url": f"{rtsp.url}#transport=tcp"})
        camera = f"{url}/api/cameras/{added['id']}"
        for away_s in AWAY_S:
            await _until(camera, lambda found: found["state"] == "live")
            await asyncio.sleep(LIVE_S)
            await rtsp.kill()
            unreachable_s.append(await _until(camera, lambda found: found["state"] == "unreachable"))
            await asyncio.sleep(away_s)
            await rtsp.start()
            live_s.append(await _until(camera, lambda found: found["state"] == "live"))
            fresh_s.append(await _until(camera, lambda found: found["age_ms"] is not None and found["age_ms"] < 300))
            await asyncio.sleep(max(0.0, 2 - fresh_s[-1]))
            age_ms.append(await _largest_age_ms(camera, for_s=1.0))
    return {
        "away_s": list(AWAY_S),
        "kill_to_unreachable_s": summary(unreachable_s),
        "return_to_live_s": summary(live_s),
        "live_to_under_300ms_s": summary(fresh_s),
        "age_2s_ms": summary(age_ms),
    }


async def _until(camera: str, true: Callable[[dict[str, Any]], bool]) -> float:
    """For how many seconds it was not true."""
    began = time.monotonic()
    async with asyncio.timeout(120):
        while not true(await _ask("GET", camera)):  # noqa: ASYNC110 - the API is asked, as a program would
            await asyncio.sleep(_EVERY_S)
    return time.monotonic() - began


async def _largest_age_ms(camera: str, *, for_s: float) -> float:
    ends_at, largest = time.monotonic() + for_s, 0.0
    while time.monotonic() < ends_at:
        largest = max(largest, (await _ask("GET", camera))["age_ms"])
        await asyncio.sleep(_EVERY_S)
    return largest


async def _ask(method: str, url: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    answer = await asyncio.to_thread(requests.request, method, url, json=body, timeout=10)
    answer.raise_for_status()
    found: dict[str, Any] = answer.json()
    return found
