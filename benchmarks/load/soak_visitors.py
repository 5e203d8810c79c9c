"""Visitors of a server that come and go: publishers, viewers, pictures, video files, verdicts, each over and over.

Each visit is short and ends in one of the ways in which visits end: properly, in the middle, or with the client's death. What
came of them is counted by name and answer.
"""

import asyncio
import io
import random
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import FormData, WSMsgType
from PIL import Image

from benchmarks.load.publisher import start_publisher
from benchmarks.load.watchers import stall_mjpeg
from tests.marked_video import MarkedVideoTrack
from tests.scenes import draw_empty, draw_firearm
from tests.transports.rig import Client, ReadingPeer

SDP = {"Content-Type": "application/sdp"}
FPS = 8
PAGE = ("", "static/css/layout.css", "api/info", "api/streams", "api/videos", "api/alerts", "metrics", "api/doctor")
GONE = (aiohttp.ClientError, ConnectionError, TimeoutError)
"""What a client sees of a server that refuses or ends; a visit that ends so is counted, and the next one begins."""
Visit = Callable[[], Awaitable[None]]


class Visitors:
    """All of them; `outcomes` counts what came of their visits. `clip` is the video file that they have checked."""

    def __init__(self, http: aiohttp.ClientSession, *, url: str, clip: Path, seed: int) -> None:
        self.url = url
        self.outcomes: Counter[str] = Counter()
        self._http = http
        self._clip = clip
        self._dice = random.Random(seed)
        self._pictures = [_jpeg(size) for size in ((160, 120), (640, 480), (1280, 720))]

    async def run(self) -> None:
        """Visits until it is cancelled."""
        visits: dict[Visit, float] = {
            self._publish: 1.0,
            self._vanish: 45.0,
            self._stream_jpegs: 2.0,
            self._check_pictures: 1.5,
            self._check_video: 6.0,
            self._cancel_video: 40.0,
            self._send_rubbish: 3.0,
            self._watch: 2.0,
            self._read_mjpeg: 2.0,
            self._stall: 30.0,
            self._follow_events: 3.0,
            self._open_page: 5.0,
            self._decide: 10.0,
        }
        async with asyncio.TaskGroup() as tasks:
            for visit, pause_s in visits.items():
                tasks.create_task(self._repeat(visit, pause_s=pause_s))

    async def leave(self) -> None:
        """Removes the video files that are left, so that nothing goes on."""
        for video in (await self._json("api/videos"))["videos"]:
            await self._ask("DELETE", f"api/videos/{video['id']}", name="leave, remove")

    async def _repeat(self, visit: Visit, *, pause_s: float) -> None:
        name = getattr(visit, "__name__", "").lstrip("_")
        while True:
            await asyncio.sleep(self._dice.uniform(0.5, 1.5) * pause_s)
            try:
                await visit()
            except GONE as exc:
                self.outcomes[f"{name}: {type(exc).__name__}"] += 1

    async def _publish(self) -> None:
        track = MarkedVideoTrack(fps=FPS, width=512, height=256)
        peer = Client(codec=self._dice.choice(("h264", "vp8")), track=track)
        query = self._dice.choice(("", "?return=annotated", "?return=annotated&mode=exact"))
        try:
            location = await self._connect(peer, f"whip{query}", name="publish")
            await asyncio.sleep(self._dice.uniform(4, 25))
            if location and self._dice.random() < 0.5:
                await self._ask("DELETE", location, name="publish, end")
        finally:
            await peer.close()

    async def _watch(self) -> None:
        if (stream := await self._some_stream()) is None:
            return
        peer = ReadingPeer()
        peer.add_video("video", direction="recvonly", codec=self._dice.choice(("h264", "vp8")))
        try:
            await self._connect(peer, f"whep/{stream}", name="watch")
            await asyncio.sleep(self._dice.uniform(2, 15))
        finally:
            await peer.close()

    async def _connect(self, peer: ReadingPeer, path: str, *, name: str) -> str | None:
        async with self._answer("POST", path, name=name, data=await peer.offer(), headers=SDP) as answer:
            if answer.status != 201:
                return None
            await peer.accept(await answer.text())
            return answer.headers["Location"].lstrip("/")

    async def _vanish(self) -> None:
        process = await asyncio.to_thread(start_publisher, self, "--fps", str(FPS), seconds=60)
        try:
            await asyncio.sleep(self._dice.uniform(6, 12))
        finally:
            process.kill()
            process.communicate()
        self.outcomes["vanish: killed"] += 1

    async def _stream_jpegs(self) -> None:
        async with self._http.ws_connect(f"{self.url}ws/stream?annotate={self._dice.choice('01')}") as socket:
            for _ in range(self._dice.randrange(10, 100)):
                await socket.send_bytes(self._pictures[1])
                message = await socket.receive(timeout=10)
                if message.type not in (WSMsgType.TEXT, WSMsgType.BINARY):
                    break
                await asyncio.sleep(1 / FPS)
            if self._dice.random() < 0.3:
                await socket.send_str(self._dice.choice(('{"conf":0.2}', '{"conf":9}', "nonsense", "[" * 1000)))
            self.outcomes["stream_jpegs: done"] += 1

    async def _check_pictures(self) -> None:
        form = FormData()
        form.add_field("file", self._dice.choice(self._pictures), filename="picture.jpg")
        wanted = self._dice.choice(("base64", "json", "jpeg", "png"))
        await self._ask("POST", f"predict?format={wanted}", name="check_pictures", data=form)

    async def _send_rubbish(self) -> None:
        path = self._dice.choice(("predict", "api/videos", "whip", "api/cameras", "v1/vision/detection", "api/session"))
        kinds = ("image/png", "multipart/form-data; boundary=x", "application/sdp", "application/json")
        picture = self._dice.choice(self._pictures)
        body = picture[: self._dice.randrange(len(picture))] if self._dice.random() < 0.5 else self._dice.randbytes(5000)
        await self._ask("POST", path, name="send_rubbish", data=body, headers={"Content-Type": self._dice.choice(kinds)})

    async def _check_video(self) -> None:
        video = await self._upload(name="check_video")
        if video is None:
            return
        while await self._state(video) in ("queued", "running"):  # noqa: ASYNC110 - the API is asked, as a program would
            await asyncio.sleep(1)
        for result in ("annotated.mp4", "detections.json", "detections.csv", "poster.jpg"):
            await self._ask("GET", f"{video}/{result}", name="check_video, result")
        await self._ask("DELETE", video, name="check_video, remove")

    async def _cancel_video(self) -> None:
        video = await self._upload(name="cancel_video")
        if video is None:
            return
        await asyncio.sleep(self._dice.uniform(0, 8))
        await self._ask("POST", f"{video}/cancel", name="cancel_video, cancel")
        await self._ask("DELETE", video, name="cancel_video, remove")

    async def _upload(self, *, name: str) -> str | None:
        body = await asyncio.to_thread(self._clip.read_bytes)
        headers = {"Content-Type": "video/mp4"}
        async with self._answer("POST", "api/videos?name=soak.mp4", name=name, data=body, headers=headers) as answer:
            return answer.headers["Location"].lstrip("/") if answer.status == 202 else None

    async def _state(self, video: str) -> str:
        return str((await self._json(video))["state"])

    async def _read_mjpeg(self) -> None:
        if (stream := await self._some_stream()) is None:
            return
        await self._ask("GET", f"api/streams/{stream}/snapshot.jpg", name="snapshot")
        await self._follow(f"api/streams/{stream}/mjpeg", name="read_mjpeg", seconds=self._dice.uniform(2, 15))

    async def _stall(self) -> None:
        if (stream := await self._some_stream()) is not None:
            await stall_mjpeg(f"{self.url}api/streams/{stream}/mjpeg", seconds=15)
            self.outcomes["stall: done"] += 1

    async def _follow_events(self) -> None:
        seconds = self._dice.uniform(1, 20)
        await self._follow("api/events?videos=1&alerts=1&cameras=1", name="follow_events", seconds=seconds)

    async def _follow(self, path: str, *, name: str, seconds: float) -> None:
        """Reads an answer that does not end, for so long."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds), self._answer("GET", path, name=name) as answer:
                async for _ in answer.content.iter_any():
                    pass

    async def _open_page(self) -> None:
        for path in (
            "",
            "static/css/layout.css",
            "api/info",
            "api/streams",
            "api/videos",
            "api/alerts",
            "metrics",
            "api/doctor",
        ):
            await self._ask("GET", path, name="open_page")

    async def _decide(self) -> None:
        for alert in (await self._json("api/alerts?limit=20"))["alerts"]:
            path = f"api/alerts/{alert['id']}"
            await self._ask("GET", f"{path}/snapshot.jpg", name="decide, snapshot")
            if alert["state"] == "candidate":
                verdict = self._dice.choice(("confirm", "dismiss"))
                await self._ask("POST", f"{path}/{verdict}", name=f"decide, {verdict}", data=b"{}", headers=_JSON)
            elif alert["clip"] != "pending":
                await self._ask("GET", f"{path}/clip.mp4", name="decide, clip")
                await self._ask("DELETE", path, name="decide, remove")

    async def _some_stream(self) -> str | None:
        running = (await self._json("api/streams"))["streams"]
        return str(self._dice.choice(running)["id"]) if running else None

    async def _json(self, path: str) -> dict[str, Any]:
        async with self._http.get(f"{self.url}{path}") as answer:
            answer.raise_for_status()
            found: dict[str, Any] = await answer.json()
            return found

    async def _ask(self, method: str, path: str, *, name: str, **options: Any) -> None:
        async with self._answer(method, path, name=name, **options) as answer:
            await answer.read()

    @asynccontextmanager
    async def _answer(self, method: str, path: str, *, name: str, **options: Any) -> AsyncIterator[aiohttp.ClientResponse]:
        async with self._http.request(method, f"{self.url}{path}", **options) as answer:
            self.outcomes[f"{name}: {answer.status}"] += 1
            yield answer


_JSON = {"Content-Type": "application/json"}


def _jpeg(size: tuple[int, int]) -> bytes:
    """A drawn firearm, on the smallest size an empty table, as JPEG."""
    shot = draw_empty(size) if size[0] < 200 else draw_firearm(size)
    buffer = io.BytesIO()
    Image.fromarray(shot.bgr[..., ::-1]).save(buffer, "JPEG", quality=85)
    return buffer.getvalue()
