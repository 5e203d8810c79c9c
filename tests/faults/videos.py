"""Video files as the faults need them: sent, followed, and what they leave on the disk."""

import asyncio
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.faults.served import Served


async def upload(served: Served, data: bytes) -> tuple[int, dict[str, Any]]:
    """Sends a video; the status and the body of the answer."""
    async with served.client.post(served.url("/api/videos?name=gate.mp4"), data=io.BytesIO(data)) as answer:
        return answer.status, await answer.json()


async def follow(served: Served, video: dict[str, Any], until: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """The video once it is so."""
    async with asyncio.timeout(60):
        while not until(video):
            await asyncio.sleep(0.1)
            video = await served.get(f"/api/videos/{video['id']}")
    return video


def ended(video: dict[str, Any]) -> bool:
    """Whether nothing more becomes of it."""
    return video["state"] in ("done", "failed")


async def checked(served: Served, clip: bytes) -> dict[str, Any]:
    """A video that was uploaded and checked to its end."""
    status, video = await upload(served, clip)
    assert status == 202, video
    return await follow(served, video, ended)


def halves(folder: Path) -> list[str]:
    """Files that are half there: those under way, and uploads that belong to nothing."""
    found = [path for path in folder.rglob("*") if path.is_file()]
    return [str(path) for path in found if path.name.startswith(".") or path.parent.name == "incoming"]
