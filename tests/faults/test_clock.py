"""The wall's clock is set while the server runs: nothing is removed as too old, and nothing waits for a time that was."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.marked_clip import write_marked_clip
from tests.faults.served import Served
from tests.faults.shifted_clock import set_offset
from tests.faults.videos import checked
from tests.server_process import ServerProcess

pytestmark = pytest.mark.asyncio(loop_scope="module")

DAY_S = 86_400.0
TOLD = ("no video is removed for its age", "no alert is removed for its age")


@pytest.fixture(scope="module")
def offset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """By how much the clock is off."""
    file = tmp_path_factory.mktemp("clock") / "offset"
    set_offset(file, 0.0)
    return file


@pytest.fixture(scope="module")
def process(model: Path, offset: Path) -> Iterator[ServerProcess]:
    """The server with that clock."""
    command = (sys.executable, "-m", "tests.faults.shifted_clock", str(offset), "serve", "--port", "0")
    with ServerProcess("--model", str(model), command=command) as started:
        yield started


@pytest.mark.fault("the clock jumps two months ahead, and three back")
async def test_clock_jumps(served: Served, offset: Path, tmp_path: Path) -> None:
    """Videos and alerts that are decided stay where they are, live video goes on, and new videos are checked."""
    clip = write_marked_clip(tmp_path / "gate.mp4", frames=12, width=512, height=128).read_bytes()
    video = await checked(served, clip)
    alert = (await served.get("/api/alerts"))["alerts"][0]
    async with served.client.post(served.url(f"/api/alerts/{alert['id']}/dismiss"), json={"by": "Ana"}) as answer:
        assert answer.status == 200
    for days in (60, -30):
        async with served.unharmed(lines=TOLD):
            set_offset(offset, days * DAY_S)
            await served.told(*TOLD)
        assert (await served.get(f"/api/videos/{video['id']}"))["state"] == "done"
        assert (await served.get(f"/api/alerts/{alert['id']}"))["state"] == "dismissed"
    assert (await checked(served, clip))["state"] == "done"
