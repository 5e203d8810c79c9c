"""A camera that is added, watched, changed, cut off and removed, over and over."""

import asyncio
import random
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

import aiohttp

from tests.e2e.drawn_video import write_video
from tests.rtsp.rig import RtspServer, has_rtsp_server
from tests.scenes import FPS, clip

LOOPS = 6
"""The firearm comes twice in each of them; then the film begins anew, and the camera is connected to anew."""


class Camera:
    """Plays a drawn film to the server under test: by RTSP where GStreamer is there, else as a file.

    `outcomes` counts what came of it. `folder` is where the film is written.
    """

    def __init__(self, http: aiohttp.ClientSession, *, url: str, folder: Path, seed: int) -> None:
        self.outcomes: Counter[str] = Counter()
        self._http = http
        self._cameras = f"{url}api/cameras"
        self._film = folder / "film.mkv"
        self._dice = random.Random(seed)

    async def run(self) -> None:
        """Goes on until it is cancelled."""
        await asyncio.to_thread(write_film, self._film)
        while True:
            rtsp = RtspServer(self._film) if has_rtsp_server() else None
            try:
                if rtsp is not None:
                    await rtsp.start()
                await self._watch(rtsp)
            except (aiohttp.ClientError, TimeoutError) as exc:
                self.outcomes[f"camera: {type(exc).__name__}"] += 1
                await asyncio.sleep(1)
            finally:
                if rtsp is not None:
                    await rtsp.kill()

    async def _watch(self, rtsp: RtspServer | None) -> None:
        """One life of a camera, in which it is cut off once."""
        url = f"{rtsp.url}#transport=tcp" if rtsp is not None else str(self._film)
        camera = f"{self._cameras}/{(await self._ask('POST', self._cameras, url=url, name='Soak'))['id']}"
        try:
            await asyncio.sleep(self._dice.uniform(30, 60))
            await self._ask("PATCH", camera, conf=self._dice.uniform(0.2, 0.6), max_fps=self._dice.choice((3, 8, None)))
            await asyncio.sleep(self._dice.uniform(10, 30))
            await self._cut_off(camera, rtsp)
            await asyncio.sleep(self._dice.uniform(10, 30))
        finally:
            with suppress(aiohttp.ClientError):
                await self._ask("DELETE", camera)

    async def _cut_off(self, camera: str, rtsp: RtspServer | None) -> None:
        if rtsp is None or self._dice.random() < 0.3:
            await self._ask("POST", f"{camera}/reconnect")
            return
        await rtsp.kill()
        await asyncio.sleep(self._dice.uniform(1, 8))
        await rtsp.start()

    async def _ask(self, method: str, address: str, **body: Any) -> dict[str, Any]:
        async with self._http.request(method, address, json=body or None) as answer:
            self.outcomes[f"camera, {method}: {answer.status}"] += 1
            answer.raise_for_status()
            found: dict[str, Any] = await answer.json() if answer.status != 204 else {}
            return found


def write_film(path: Path) -> Path:
    """A camera that pans over a table with a pistol on it. Takes a few seconds."""
    once = [shot.bgr for shot in clip((640, 360), fps=FPS)]
    return write_video(path, once * LOOPS, fps=FPS)
