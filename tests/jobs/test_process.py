"""The process that looks into files: its end is seen whatever it has left behind."""

import asyncio
from pathlib import Path

from server.jobs.messages import CheckOrder
from server.jobs.process import check_process
from tests.jobs.conftest import LIMITS, MODEL


async def test_what_nobody_has_read_holds_up_no_end(tmp_path: Path) -> None:
    """A pipe that is full stands still: neither its end nor that of the process would be seen for ever."""
    source = tmp_path / "source"
    source.write_text("flood")
    order = CheckOrder(str(source), "a.mp4", str(tmp_path), 1, 0.5, None, 10**7, 7200.0, MODEL, LIMITS)
    async with asyncio.timeout(30):
        async with check_process(order) as process:
            while not process._process.stdout._paused:  # type: ignore[union-attr] # noqa: ASYNC110 - nothing else tells it
                await asyncio.sleep(0.01)
        assert await process.wait() == -9
