"""Video files over HTTP: what is taken, what is refused, and what can be done with them. The processes are real, and act."""

import asyncio
import os
import sqlite3
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from aiohttp import ClientConnectionError, ClientResponse, FormData, web
from aiohttp.test_utils import TestServer

from server.config.settings import Auth, Settings, Storage, Videos
from server.domain.errors import SettingsError
from server.domain.job import JobState
from server.jobs import process
from server.web import keys, mjpeg
from server.web.app import create_app
from server.web.records import DATABASE_FILE
from tests.conftest import Client, ClientFactory, with_sections
from tests.fakes import FakeDetector, room_for_eight
from tests.web.openapi import check_answer, schema


@pytest.fixture(autouse=True)
def acting_children(monkeypatch: pytest.MonkeyPatch) -> None:
    """Children do what the words in an upload say."""
    monkeypatch.setattr(process, "COMMAND", (sys.executable, "-m", "tests.jobs.acting_child"))


def folder(client: Client) -> Path:
    """Where videos lie."""
    assert client.app is not None
    return client.app[keys.VIDEOS].jobs.files.folder


async def upload(client: Client, words: str = "finish", *, query: str = "", name: str = "gate.mov") -> dict[str, Any]:
    """Uploads a file by form; returns the video."""
    form = FormData(quote_fields=False)
    form.add_field("file", words.encode(), filename=name, content_type="video/quicktime")
    answer = await client.post(f"/api/videos{query}", data=form)
    assert answer.status == 202, await answer.text()
    await check_answer(answer, method="POST", path="/api/videos")
    video: dict[str, Any] = await answer.json()
    assert answer.headers["Location"] == f"/api/videos/{video['id']}"
    return video


async def until(client: Client, video: dict[str, Any], state: JobState) -> dict[str, Any]:
    """The video once it is in the state."""
    async with asyncio.timeout(30):
        while (now := await (await client.get(f"/api/videos/{video['id']}")).json())["state"] != state:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    found: dict[str, Any] = now
    return found


async def refused(
    answer: ClientResponse, status: int, *, client: Client, method: str = "POST", path: str = "/api/videos"
) -> str:
    """Checks a refusal and that nothing is left of the upload; returns what it says."""
    assert answer.status == status, await answer.text()
    await check_answer(answer, method=method, path=path)
    assert [file.name for file in folder(client).rglob("*")] == ["incoming"]
    detail: str = (await answer.json())["detail"]
    return detail


async def test_a_video_becomes_a_result(client: Client) -> None:
    """From the upload to its results, as described."""
    video = await upload(client, "frames 5\nfinish", query="?conf=0.7&classes=person&every=3")
    assert (video["name"], video["state"], video["size_bytes"], video["position"]) == ("gate.mov", "queued", 15, 0)
    assert (video["width"], video["height"], video["duration_s"], video["frames"]) == (64, 48, 2.0, 60)
    assert (video["conf"], video["classes"], video["every"], video["results"]) == (0.7, ["person"], 3, None)
    done = await until(client, video, JobState.DONE)
    schema("Video").validate(done)
    assert (done["progress"], done["frames"], done["detections"], done["tracks"], done["position"]) == (1.0, 100, 7, 2, None)
    answer = await client.get(done["results"]["annotated"])
    assert (answer.status, answer.content_type, await answer.read()) == (200, "video/mp4", b"video")
    listed = await client.get("/api/videos")
    await check_answer(listed, method="GET", path="/api/videos")
    assert await listed.json() == {
        "videos": [done],
        "limits": {"max_bytes": 2 * 1024**3, "max_duration_s": 7200, "max_pixels": 3840 * 2160},
    }


async def test_a_raw_body_has_its_name_in_the_query(client: Client) -> None:
    """As programs send it; paths and control characters are no part of a name."""
    answer = await client.post("/api/videos?name=..%2Fetc%2Fgate%0A.mp4", data=b"finish", headers={"Content-Type": "video/mp4"})
    assert answer.status == 202
    assert (await answer.json())["name"] == "gate.mp4"
    unnamed = await client.post("/api/videos", data=b"finish", headers={"Content-Type": "application/octet-stream"})
    assert (await unnamed.json())["name"] == "video"


async def test_parameters_may_stand_in_the_form_and_the_query_wins(client: Client) -> None:
    """Before the file or behind it."""
    form = FormData(quote_fields=False)
    form.add_field("conf", "0.9")
    form.add_field("file", b"finish", filename="C:\\clips\\gate.avi")
    form.add_field("every", "4")
    answer = await client.post("/api/videos?conf=0.3", data=form)
    video = await answer.json()
    assert (video["name"], video["conf"], video["every"], video["classes"]) == ("gate.avi", 0.3, 4, None)


async def test_a_large_upload_is_never_whole_in_memory(client: Client) -> None:
    """It is on the disk while it arrives."""
    arrived = asyncio.Event()

    async def body() -> AsyncIterator[bytes]:
        for _ in range(8):
            yield bytes(1024 * 1024)
        async with asyncio.timeout(20):
            while not (files := list((folder(client) / "incoming").iterdir())) or files[0].stat().st_size < 6 * 1024 * 1024:  # noqa: ASYNC110
                await asyncio.sleep(0.01)  # until it is there
        arrived.set()
        yield b"end"

    answer = await client.post("/api/videos", data=body(), headers={"Content-Type": "video/mp4"})
    assert arrived.is_set()
    assert (await answer.json())["size_bytes"] == 8 * 1024 * 1024 + 3


async def test_an_upload_that_breaks_off_leaves_nothing(client: Client) -> None:
    """The connection ends in the middle."""

    async def body() -> AsyncIterator[bytes]:
        yield bytes(1024 * 1024)
        while not list((folder(client) / "incoming").iterdir()):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        raise ConnectionAbortedError

    with pytest.raises((ClientConnectionError, ConnectionAbortedError)):
        await client.post("/api/videos", data=body(), headers={"Content-Type": "video/mp4"})
    async with asyncio.timeout(20):
        while list((folder(client) / "incoming").iterdir()):  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    assert (await (await client.get("/api/videos")).json())["videos"] == []


async def test_an_upload_that_stands_still_is_given_up(start_client: ClientFactory, settings: Settings) -> None:
    """408, and its place is free."""
    client = await start_client(with_sections(settings, videos=Videos(upload_stall_s=0.2, max_uploads=1)))

    async def body() -> AsyncIterator[bytes]:
        yield b"finish"
        await asyncio.sleep(30)
        yield b""

    answer = await client.post("/api/videos", data=body())
    assert "0.2 s" in await refused(answer, 408, client=client)
    await upload(client)


@pytest.mark.parametrize("query", ["?conf=2", "?every=0", "?classes=unicorn", "?every=x"])
async def test_refuses_parameters_that_cannot_be_meant(client: Client, query: str) -> None:
    """400 before anything of the file is read, or with the form that has them."""
    answer = await client.post(f"/api/videos{query}", data=b"finish")
    assert "parameter" in await refused(answer, 400, client=client)
    name, _, value = query[1:].partition("=")
    form = FormData({name: value})
    form.add_field("file", b"finish", filename="gate.mov")
    assert "parameter" in await refused(await client.post("/api/videos", data=form), 400, client=client)


async def test_refuses_a_form_without_a_file(client: Client) -> None:
    """400, and so with an empty body and a malformed form."""
    assert "there is no video" in await refused(
        await client.post("/api/videos", data=FormData({"conf": "0.5"}, default_to_multipart=True)), 400, client=client
    )
    assert "there is no video" in await refused(await client.post("/api/videos", data=b""), 400, client=client)
    malformed = await client.post(
        "/api/videos", data=b"--x\r\nnonsense", headers={"Content-Type": "multipart/form-data; boundary=x"}
    )
    await refused(malformed, 400, client=client)


async def test_refuses_too_many_bytes(start_client: ClientFactory, settings: Settings) -> None:
    """413, whether the length is said beforehand or not."""
    client = await start_client(with_sections(settings, videos=Videos(max_bytes=1000)))

    async def body() -> AsyncIterator[bytes]:
        for _ in range(11):
            yield bytes(100)

    assert "1,000 bytes" in await refused(await client.post("/api/videos", data=bytes(1001)), 413, client=client)
    assert "1,000 bytes" in await refused(await client.post("/api/videos", data=body()), 413, client=client)


@pytest.mark.parametrize(
    ("probe", "status", "told"),
    [
        ("4000 3000 2.0", 413, "Its pictures are 4000x3000, the limit is 8,294,400 pixels (videos.max_pixels)."),
        ("64 48 14400.0", 413, "It is 4 h long, the limit is 2 h (videos.max_duration_s)."),
        ("unsupported It is not a video.", 415, "It is not a video."),
        ("unprocessable It has sound but no picture.", 422, "It has sound but no picture."),
        ("signal SIGSEGV", 422, "The file is damaged: reading what it is crashed."),
        ("garbage", 422, "The file is damaged: reading what it is took too long."),
    ],
)
async def test_refuses_what_its_headers_tell(client: Client, probe: str, status: int, told: str) -> None:
    """Before a frame is decoded, and in words that its owner understands."""
    answer = await client.post("/api/videos", data=f"probe {probe}\nfinish".encode())
    assert await refused(answer, status, client=client) == told


async def test_refuses_what_there_is_no_room_for(start_client: ClientFactory, settings: Settings) -> None:
    """507 with the bytes that are missing."""
    free = os.statvfs(settings.server.data_dir.rpartition("/")[0])
    reserve = free.f_bavail * free.f_frsize + 10**12
    client = await start_client(with_sections(settings, videos=Videos(min_free_bytes=reserve)))
    answer = await client.post("/api/videos", data=b"finish")
    problem = await answer.json()
    sentence = "The server has no room for 1 MB (videos.min_free_bytes). Delete old files, then add it again."
    assert await refused(answer, 507, client=client) == sentence
    assert problem["missing_bytes"] > 10**11


async def test_refuses_what_would_take_more_than_its_room(start_client: ClientFactory, settings: Settings) -> None:
    """507 before the file has arrived; what is checked already goes on."""
    client = await start_client(with_sections(settings, videos=Videos(max_total_bytes=10)))
    answer = await client.post("/api/videos", data=b"pause 0.1\nfinish")
    told = await refused(answer, 507, client=client)
    assert told.startswith("Those that wait to be checked may take 1e-08 GB (videos.max_total_bytes) together.")
    assert (await client.post("/api/videos", data=b"finish")).status == 202


async def test_an_upload_whose_sender_leaves_while_it_is_probed_is_no_video(client: Client) -> None:
    """Cancelled at 100 % is cancelled."""
    words = b"probe pause 1 64 48 2.0"
    headers = ("POST /api/videos HTTP/1.1", f"Host: {client.host}", "Content-Type: video/mp4", f"Content-Length: {len(words)}")
    assert isinstance(client.server, TestServer)
    assert client.server.runner is not None
    assert client.server.runner.server is not None
    client.server.runner.server.handler_cancellation = False  # as `serve` has it
    _, writer = await asyncio.open_connection(client.host, client.port)
    writer.write("\r\n".join(headers).encode() + b"\r\n\r\n" + words)
    incoming = folder(client) / "incoming"
    async with asyncio.timeout(20):
        while not (files := list(incoming.iterdir())) or files[0].stat().st_size < len(words):  # noqa: ASYNC110 - it arrives
            await asyncio.sleep(0.01)
        writer.transport.abort()
        while list(incoming.iterdir()):  # noqa: ASYNC110 - a process goes on
            await asyncio.sleep(0.02)
    assert (await (await client.get("/api/videos")).json())["videos"] == []
    assert [file.name for file in folder(client).rglob("*")] == ["incoming"]


async def test_refuses_more_uploads_than_it_takes_at_once(start_client: ClientFactory, settings: Settings) -> None:
    """429 with the time to come back."""
    client = await start_client(with_sections(settings, videos=Videos(max_uploads=1)))
    assert client.app is not None
    with client.app[keys.VIDEOS].uploads.enter():
        answer = await client.post("/api/videos", data=b"finish")
        assert "1 videos arrive" in await refused(answer, 429, client=client)
        assert answer.headers["Retry-After"] == "1"


async def test_refuses_more_than_the_queue_takes(start_client: ClientFactory, settings: Settings) -> None:
    """429: what is uploaded would wait for days."""
    client = await start_client(with_sections(settings, videos=Videos(max_queued=1)))
    await until(client, await upload(client, "stall"), JobState.RUNNING)
    await upload(client)
    answer = await client.post("/api/videos", data=b"finish")
    assert answer.status == 429
    await check_answer(answer, method="POST", path="/api/videos")


async def test_results_before_the_end_are_a_conflict(client: Client) -> None:
    """409 says in which state it is; the preview afterwards likewise."""
    video = await upload(client, "frames 3\nstall")
    running = await until(client, video, JobState.RUNNING)
    for name in ("annotated.mp4", "detections.json", "detections.csv"):
        answer = await client.get(f"/api/videos/{running['id']}/{name}")
        assert answer.status == 409
        await check_answer(answer, method="GET", path=f"/api/videos/{{id}}/{name}")
    assert (await client.get(f"/api/videos/{running['id']}/poster.jpg")).status == 404
    assert (await client.post(f"/api/videos/{running['id']}/restart")).status == 409
    cancelled = await client.post(f"/api/videos/{running['id']}/cancel")
    await check_answer(cancelled, method="POST", path="/api/videos/{id}/cancel")
    assert (await cancelled.json())["state"] == "cancelled"
    assert (await client.get(f"/api/videos/{running['id']}/mjpeg")).status == 409


async def test_a_failed_video_can_be_tried_again_and_removed(client: Client) -> None:
    """202 and 204; then there is nothing left of it."""
    video = await upload(client, "once refuse It broke.\nfinish")
    assert (await until(client, video, JobState.FAILED))["error"] == "It broke."
    answer = await client.post(f"/api/videos/{video['id']}/restart")
    assert answer.status == 202
    await check_answer(answer, method="POST", path="/api/videos/{id}/restart")
    await until(client, video, JobState.DONE)
    gone = await client.delete(f"/api/videos/{video['id']}")
    assert gone.status == 204
    await refused(await client.get(f"/api/videos/{video['id']}"), 404, client=client, method="GET", path="/api/videos/{id}")


async def test_results_come_in_parts(client: Client) -> None:
    """Players seek by Range; a part that is not there is 416, what has not changed 304."""
    video = await upload(client)
    url = (await until(client, video, JobState.DONE))["results"]["annotated"]
    whole = await client.get(url)
    assert whole.headers["Accept-Ranges"] == "bytes"
    part = await client.get(url, headers={"Range": "bytes=1-2"})
    assert (part.status, await part.read(), part.headers["Content-Range"]) == (206, b"id", "bytes 1-2/5")
    last = await client.get(url, headers={"Range": "bytes=-2"})
    assert (last.status, await last.read()) == (206, b"eo")
    beyond = await client.get(url, headers={"Range": "bytes=5-"})
    assert (beyond.status, beyond.headers["Content-Range"]) == (416, "bytes */5")
    known = await client.get(url, headers={"If-None-Match": whole.headers["ETag"]})
    assert (known.status, await known.read()) == (304, b"")
    head = await client.head(url)
    assert (head.status, head.headers["Content-Length"], head.content_type) == (200, "5", "video/mp4")
    for answer in (whole, part, known, beyond):
        await check_answer(answer, method="GET", path="/api/videos/{id}/annotated.mp4")


async def test_a_result_is_saved_under_a_safe_name(client: Client) -> None:
    """Paths, line breaks, quotes and letters beyond ASCII break out of nothing; on the disk it has a name of ours."""
    name = quote('../../<script>\r\nX-Evil: 1\u202e Tür "2"\\x; a.mov', safe="")
    part = f"Content-Disposition: form-data; name=file; filename*=UTF-8''{name}\r\n\r\nfinish"
    answer = await client.post(
        "/api/videos", data=f"--b\r\n{part}\r\n--b--\r\n".encode(), headers={"Content-Type": "multipart/form-data; boundary=b"}
    )
    video = await answer.json()
    assert video["name"] == "x; a.mov"
    assert "script" not in str(sorted(folder(client).parent.rglob("*")))
    url = (await until(client, video, JobState.DONE))["results"]["annotated"]
    shown = (await client.get(url)).headers["Content-Disposition"]
    saved = (await client.get(f"{url}?download=1")).headers["Content-Disposition"]
    assert "X-Evil" not in (await client.get(url)).headers
    assert shown.startswith('inline; filename="')
    assert saved.startswith('attachment; filename="')
    assert saved.count('"') == 2
    assert saved.isascii()


async def test_the_preview_comes_while_it_runs(client: Client) -> None:
    """JPEG pictures, each replacing the one before, until the check ends."""
    video = await upload(client, "picture one\npause 0.5\npicture two\npause 0.5\nfinish")
    answer = await client.get(f"/api/videos/{video['id']}/mjpeg")
    assert answer.headers["Content-Type"] == mjpeg.CONTENT_TYPE
    async with asyncio.timeout(30):
        body = await answer.read()
    assert body == mjpeg.BEGIN + mjpeg.part(b"one") + mjpeg.part(b"two")
    assert (await client.head(f"/api/videos/{(await upload(client, 'stall'))['id']}/mjpeg")).status == 200


async def test_a_server_without_videos_says_so(start_client: ClientFactory, settings: Settings) -> None:
    """501 everywhere, and its features do not name them."""
    client = await start_client(with_sections(settings, videos=Videos(enabled=False)))
    for method, path in (("POST", "/api/videos"), ("GET", "/api/videos"), ("GET", "/api/videos/{id}")):
        answer = await client.request(method, path.replace("{id}", "x"))
        assert answer.status == 501
        await check_answer(answer, method=method, path=path)
    assert "videos" not in (await (await client.get("/api/info")).json())["features"]
    assert "sightline_videos" not in await (await client.get("/metrics")).text()


async def test_a_data_folder_that_cannot_be_made_costs_only_the_videos(start_client: ClientFactory, settings: Settings) -> None:
    """Live video needs no disk."""
    Path(settings.server.data_dir).parent.joinpath("data").write_text("a file in its place")
    client = await start_client(settings)
    answer = await client.get("/api/videos")
    assert answer.status == 501
    assert "data folder" in (await answer.json())["detail"]
    assert (await client.get("/readyz")).status == 200


async def test_records_that_cannot_be_opened_end_the_start(settings: Settings) -> None:
    """One line says what to do."""
    app = create_app(
        with_sections(settings, storage=Storage(url="nonsense")), detector=FakeDetector(), time_pool=room_for_eight
    )
    runner = web.AppRunner(app)
    with pytest.raises(SettingsError, match=r"storage\.url"):
        await runner.setup()
    await runner.cleanup()


async def test_videos_need_a_key(start_client: ClientFactory, settings: Settings) -> None:
    """Like everything else."""
    client = await start_client(with_sections(settings, auth=Auth(api_keys=["a-key"])))
    for method, path in (
        ("POST", ""),
        ("GET", ""),
        ("GET", "/x"),
        ("DELETE", "/x"),
        ("GET", "/x/annotated.mp4"),
        ("GET", "/x/mjpeg"),
    ):
        assert (await client.request(method, f"/api/videos{path}")).status == 401


async def test_a_draining_server_takes_none(client: Client) -> None:
    """503 with the time to come back, and what waits stays in the records for the next start."""
    video = await upload(client, "stall")
    await until(client, video, JobState.RUNNING)
    assert client.app is not None
    await client.app[keys.LIFECYCLE].drain(0.1)
    answer = await client.post("/api/videos", data=b"finish")
    assert answer.status == 503
    await check_answer(answer, method="POST", path="/api/videos")
    assert (await until(client, video, JobState.QUEUED))["position"] == 0


async def test_counts_are_metrics(client: Client) -> None:
    """By state, by outcome, frames and time."""
    await until(client, await upload(client, "frames 5\nfinish"), JobState.DONE)
    await until(client, await upload(client, "frames 7\nrefuse No."), JobState.FAILED)
    async with asyncio.timeout(20):
        while 'sightline_videos{state="failed"} 1.0' not in (text := await (await client.get("/metrics")).text()):  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    assert 'sightline_videos{state="done"} 1.0' in text
    assert 'sightline_video_checks_total{outcome="done"} 1.0' in text
    assert "sightline_video_frames_total 12.0" in text


async def test_records_that_do_not_answer_refuse_an_upload(start_client: ClientFactory, settings: Settings) -> None:
    """503 with the time to come back, and nothing is left of it; meanwhile everything else is served."""
    client = await start_client()
    database = sqlite3.connect(Path(settings.server.data_dir) / DATABASE_FILE)
    database.execute("BEGIN IMMEDIATE")
    uploading = asyncio.create_task(client.post("/api/videos", data=b"finish"))
    assert (await client.get("/api/videos")).status == 200
    answer = await uploading
    assert "records" in await refused(answer, 503, client=client)
    database.rollback()
    database.close()
    await until(client, await upload(client), JobState.DONE)
