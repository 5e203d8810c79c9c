"""Previews: viewers see a job from its wait to its end, and one that is slow sees fewer pictures."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path

import pytest

from server.domain.job import JobState
from server.jobs import previews
from tests.jobs.conftest import Rig


async def pictures(rig: Rig, *, id: str = "1") -> list[bytes]:  # noqa: A002 - the field's name
    """All that a viewer sees."""
    async with aclosing(rig.jobs.previews.follow(id)) as seen:
        return [picture async for picture in seen if picture is not None]


async def first(seen: AsyncIterator[bytes | None]) -> bytes:
    """The next picture."""
    while (picture := await anext(seen)) is None:
        continue
    return picture


async def test_a_viewer_waits_watches_and_ends_with_the_job(rig: Rig) -> None:
    """It may come before the job is begun."""
    await rig.add("pause 0.5\nfinish", id="0")
    await rig.add("picture one\npause 0.3\npicture two\npause 0.3\nfinish")
    async with asyncio.timeout(30):
        assert await pictures(rig) == [b"one", b"two"]
    assert (await rig.queue.get("1")).state is JobState.DONE
    assert await pictures(rig) == []
    assert await pictures(rig, id="unknown") == []


async def test_a_viewer_who_comes_late_sees_the_last_picture_at_once(rig: Rig) -> None:
    """It need not wait for the next one."""
    await rig.add("picture one\nframes 5\nstall")
    await rig.until(JobState.RUNNING)
    async with asyncio.timeout(30), aclosing(rig.jobs.previews.follow("1")) as seen:
        assert await first(seen) == b"one"
    async with asyncio.timeout(30), aclosing(rig.jobs.previews.follow("1")) as seen:
        assert await first(seen) == b"one"


async def test_a_slow_viewer_sees_the_newest_and_slows_nobody(rig: Rig) -> None:
    """Of a hundred pictures that came meanwhile it gets one; the job is done without it."""
    await rig.add("picture first\npause 0.5\n" + "\n".join(f"picture {number}" for number in range(100)) + "\nfinish")
    async with asyncio.timeout(30), aclosing(rig.jobs.previews.follow("1")) as seen:
        await first(seen)
        await rig.until(JobState.DONE)
        assert [picture async for picture in seen if picture is not None] == [b"99"]


async def test_the_child_learns_whether_somebody_watches(rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
    """Previews cost time, so they come often only while they are seen; here the child tells what it heard as its last words."""
    await rig.add("picture one\npause 1\nexit 1", crashes=1)
    async with asyncio.timeout(30), aclosing(rig.jobs.previews.follow("1")) as seen:
        await first(seen)
    await rig.until(JobState.FAILED)
    heard = re.findall("control ([wu])", caplog.text)
    assert heard[-2:] == ["w", "u"]


async def test_a_quiet_time_lets_the_caller_look_around(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """None comes where no picture does: a viewer who has left must not keep a place for ever."""
    rig = Rig(tmp_path)
    await rig.add("finish")
    monkeypatch.setattr(previews, "QUIET_S", 0.05)
    async with asyncio.timeout(30), aclosing(rig.jobs.previews.follow("1")) as seen:
        assert await anext(seen) is None
    await rig.aclose()


async def test_all_viewers_end_when_the_server_does(tmp_path: Path) -> None:
    """Those that wait and those that watch: the server waits for their requests."""
    rig = Rig(tmp_path)
    rig.jobs.start_checking()
    await rig.add("picture one\nstall")
    await rig.add("finish", id="2")
    watching = [asyncio.create_task(pictures(rig, id=job_id)) for job_id in ("1", "2")]
    async with asyncio.timeout(30):
        while rig.jobs.check_of("1") is None:  # noqa: ASYNC110 - a process goes on
            await asyncio.sleep(0.02)
        await asyncio.sleep(0.3)
        rig.jobs.previews.close()
        assert await asyncio.gather(*watching) == [[b"one"], []]
    await rig.aclose()
