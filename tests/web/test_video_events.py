"""Video files on the one event stream of a page: what is there, what changes, what goes. The processes are real, and act."""

import asyncio
import sys
from typing import Any

import pytest
from aiohttp import ClientResponse

from server.domain.job import JobState
from server.jobs import announcements, process
from server.web import keys
from server.web.video_feed import VideoFeed
from tests.conftest import Client
from tests.web.openapi import schema
from tests.web.test_events import next_event
from tests.web.test_videos import until, upload


@pytest.fixture(autouse=True)
def acting_children(monkeypatch: pytest.MonkeyPatch) -> None:
    """Children do what the words in an upload say."""
    monkeypatch.setattr(process, "COMMAND", (sys.executable, "-m", "tests.jobs.acting_child"))


async def next_video(answer: ClientResponse, *, state: JobState) -> dict[str, Any]:
    """The next event of a video in the state."""
    while True:
        video = await next_event(answer, name="video")
        schema("Video").validate(video)
        if video["state"] == state:
            return video


async def test_begins_with_the_videos_that_are_there(client: Client) -> None:
    """So that a page misses none between asking for the list and following."""
    done = await until(client, await upload(client), JobState.DONE)
    running = await until(client, await upload(client, "stall"), JobState.RUNNING)
    answer = await client.get("/api/events?videos=1")
    seen = [await next_event(answer, name="video") for _ in range(2)]
    assert [video["id"] for video in seen] == [running["id"], done["id"]]
    assert seen[1] == done
    answer.close()


async def test_tells_each_step(client: Client) -> None:
    """From the queue to the end, progress included, and that it was removed."""
    answer = await client.get("/api/events?videos=all")
    video = await upload(client, "pause 0.3\nframes 10\npause 0.3\nfinish")
    assert (await next_video(answer, state=JobState.RUNNING))["id"] == video["id"]
    assert (await next_video(answer, state=JobState.RUNNING))["frames_done"] == 10
    done = await next_video(answer, state=JobState.DONE)
    assert done["results"] is not None
    await client.delete(f"/api/videos/{video['id']}")
    assert await next_event(answer, name="video_removed") == {"id": video["id"]}
    answer.close()


async def test_tells_who_moves_up(client: Client) -> None:
    """When the first goes those behind it have another place."""
    await until(client, await upload(client, "stall"), JobState.RUNNING)
    first, second = await upload(client), await upload(client)
    answer = await client.get(f"/api/events?videos={second['id']}")
    assert (await next_video(answer, state=JobState.QUEUED))["position"] == 1
    await client.delete(f"/api/videos/{first['id']}")
    assert (await next_video(answer, state=JobState.QUEUED))["position"] == 0
    answer.close()


async def test_progress_comes_at_most_once_a_second(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process may report as often as it likes; a change of state never waits."""
    monkeypatch.setattr(announcements, "PROGRESS_INTERVAL_S", 1e9)
    answer = await client.get("/api/events?videos=1")
    words = "\n".join(f"frames {number}\npause 0.05" for number in range(1, 20))
    await upload(client, f"{words}\nfinish")
    told: list[dict[str, Any]] = []
    while not told or told[-1]["state"] != JobState.DONE:
        told.append(await next_event(answer, name="video"))
    assert len([video for video in told if video["state"] == JobState.RUNNING and video["frames_done"]]) <= 1
    answer.close()


async def test_without_the_parameter_no_videos_come(client: Client) -> None:
    """They are for those who ask for them."""
    assert client.app is not None
    jobs = client.app[keys.VIDEOS].jobs
    before = len(jobs.changes)
    answer = await client.get("/api/events")
    await next_event(answer, name="streams")
    assert len(jobs.changes) == before
    following = await client.get("/api/events?videos=unknown")
    await next_event(following, name="streams")
    async with asyncio.timeout(10):
        while len(jobs.changes) == before:  # noqa: ASYNC110 - nobody tells of it
            await asyncio.sleep(0.01)
        following.close()
        while len(jobs.changes) > before:  # noqa: ASYNC110 - likewise
            await asyncio.sleep(0.01)
    answer.close()


async def test_a_client_that_reads_slowly_gets_the_newest(client: Client) -> None:
    """However much has changed meanwhile, each video waits for it once."""
    assert client.app is not None
    jobs = client.app[keys.VIDEOS].jobs
    feed = VideoFeed(jobs.changes, ids=None, changed=asyncio.Event())
    video = await until(client, await upload(client, "\n".join(f"frames {n}" for n in range(50)) + "\nfinish"), JobState.DONE)
    async with asyncio.timeout(10):
        while "done" not in str(feed._newest):  # noqa: ASYNC110 - nobody tells of it
            await asyncio.sleep(0.01)
    ((name, data),) = feed.take()
    assert (name, getattr(data, "id", None), getattr(data, "state", None)) == ("video", video["id"], JobState.DONE)
    assert list(feed.take()) == []
    feed.close()
