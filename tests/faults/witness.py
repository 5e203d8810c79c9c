"""The witness: a live session beside the fault, which must not notice it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from statistics import median
from typing import Any, Self

import aiohttp

from tests.marked_video import MarkedVideoTrack
from tests.transports.rig import Client, eventually

FPS = 12.0
# As far as results may be behind the frames that came: two seconds' worth would be a queue.
MOST_BEHIND = 12
_SAMPLES = 8


class Witness(Client):
    """A publisher over WHIP that gets its annotated video and its results back."""

    def __init__(self) -> None:
        super().__init__(track=MarkedVideoTrack(fps=FPS, width=512, height=128))
        self.location = ""

    @classmethod
    @asynccontextmanager
    async def publishing(cls, client: aiohttp.ClientSession, url: str) -> AsyncIterator[Self]:
        """A witness that is connected and sees results, inside the block."""
        witness = cls()
        try:
            await witness.publish(client, url)
            await eventually(lambda: len(witness.messages) > _SAMPLES, within_s=20)
            yield witness
        finally:
            await witness.close()

    async def publish(self, client: aiohttp.ClientSession, url: str) -> None:
        """Opens the session."""
        headers = {"Content-Type": "application/sdp"}
        async with client.post(f"{url}whip?return=annotated&name=witness", data=await self.offer(), headers=headers) as answer:
            text = await answer.text()
            assert answer.status == 201, text
            self.location = answer.headers["Location"]
        await self.accept(text)

    async def box_age_ms(self) -> float:
        """The age of its boxes in the newest pictures, in ms."""
        return await self._fresh_age()

    async def keeps_up(self) -> float:
        """Fails unless pictures and results go on, and the results are of frames of now; returns as `box_age_ms`."""
        pictures = len(self.numbers)
        age = await self._fresh_age()
        await eventually(lambda: len(self.numbers) > pictures, within_s=20)
        return age

    async def _fresh_age(self) -> float:
        """Waits for further results, each of which is of one of the newest frames."""
        begun = len(self.messages)
        # A machine that stood still for a moment has a burst of frames to catch up with; a queue would never be caught up with.
        await eventually(lambda: len(self.messages) >= begun + _SAMPLES and _is_fresh(self.messages[-1]), within_s=20)
        newest = self.messages[-_SAMPLES:]
        ages = [message["box_age_ms"] for message in newest if message["box_age_ms"] is not None]
        return float(round(median(ages or [message["age_ms"] for message in newest]), 1))


def _is_fresh(message: dict[str, Any]) -> bool:
    return "frame" in message and bool(message["received"] - 1 - message["frame"] <= MOST_BEHIND)
