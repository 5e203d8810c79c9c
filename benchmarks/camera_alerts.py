"""Four cameras over RTSP on one machine: one plays a firearm that is raised again and again, three play none.

Cool-down 0, so that each loop may alert anew. `late_s` is from the raising of the firearm to the alert, by the time at which
the camera became live. All four are watched as annotated video (MJPEG) meanwhile.
"""

import asyncio
import threading
from contextlib import AsyncExitStack
from datetime import datetime
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import av
import requests

from benchmarks.report.results import summary, write_result
from tests.rtsp.rig import rtsp_server
from tests.server_process import REPOSITORY, ServerProcess

CLIPS = REPOSITORY.parent / "shared" / "data" / "clips"
FIREARM, RAISED_S = "sofwerx_hall_aiming_720p.mp4", 2.8
NONE = (
    "roboflow_night_street_people_426x240.mp4",
    "codeproject_highway_640x360.mp4",
    "roboflow_night_street_people_426x240.mp4",
)
LOOPS = 10
_MILLISECOND = Fraction(1, 1000)


def run() -> None:
    """Lets them run for LOOPS of the clip with the firearm."""
    asyncio.run(_run())


async def _run() -> None:
    environ = {"SIGHTLINE_CAMERAS__ALLOWED_NETWORKS": "127.0.0.0/8", "SIGHTLINE_ALERTS__COOLDOWN_S": "0"}
    with TemporaryDirectory() as folder, ServerProcess(environ=environ) as server:
        loop_s = await asyncio.to_thread(loop_clip, CLIPS / FIREARM, Path(folder) / "0.mkv", times=LOOPS + 2)
        for number, name in enumerate(NONE, 1):
            await asyncio.to_thread(loop_clip, CLIPS / name, Path(folder) / f"{number}.mkv", times=20)
        write_result("camera_alerts", await _measure(server.url.rstrip("/"), Path(folder), loop_s=loop_s))


def loop_clip(clip: Path, out: Path, *, times: int) -> float:
    """Writes a clip several times into one Matroska file, nothing encoded anew; returns how long it is once in seconds."""
    with av.open(str(out), "w") as film:
        target: Any = None
        length_s = 0.0
        for turn in range(times):
            with av.open(str(clip), "r") as source:
                video = source.streams.video[0]
                target = target or film.add_stream_from_template(video)
                length_s = float((video.duration or 0) * (video.time_base or 0))
                shift = round(turn * length_s * 1000)
                for packet in source.demux(video):
                    if packet.pts is None or packet.dts is None:
                        continue
                    scale = (packet.time_base or Fraction(1)) / _MILLISECOND
                    packet.pts, packet.dts = round(packet.pts * scale) + shift, round(packet.dts * scale) + shift
                    packet.time_base, packet.stream = _MILLISECOND, target
                    film.mux(packet)
    return length_s


async def _measure(url: str, folder: Path, *, loop_s: float) -> dict[str, Any]:
    async with AsyncExitStack() as stack:
        cameras = []
        for number in range(1 + len(NONE)):
            rtsp = await stack.enter_async_context(rtsp_server(folder / f"{number}.mkv"))
            body = {"name": f"Camera {number}", "url": f"{rtsp.url}#transport=tcp"}
            cameras.append(await _ask("POST", f"{url}/api/cameras", body))
        began = await _live_since(url, cameras[0]["id"])
        ended = threading.Event()
        watchers = [
            threading.Thread(target=_watch, args=(f"{url}/api/streams/{camera['id']}",), kwargs={"ended": ended})
            for camera in cameras
        ]
        for watcher in watchers:
            watcher.start()
        await asyncio.sleep(loop_s * LOOPS)
        box_ages, rates = await _figures(url, [camera["id"] for camera in cameras])
        ended.set()
        for watcher in watchers:
            await asyncio.to_thread(watcher.join)
    alerts = (await _ask("GET", f"{url}/api/alerts?limit=1000"))["alerts"]
    opened = sorted(_seconds(alert["opened_at"]) - began for alert in alerts if alert["camera"] == cameras[0]["id"])
    opened = [at for at in opened if at < loop_s * LOOPS]
    return {
        "loops": LOOPS,
        "alerts_by_loop": [sum(int(at // loop_s) == turn for at in opened) for turn in range(LOOPS)],
        "late_s": summary([at % loop_s - RAISED_S for at in opened]),
        "alerts_of_the_others": sum(alert["camera"] != cameras[0]["id"] for alert in alerts),
        "box_age_p95_ms": box_ages,
        "detected_fps": rates,
    }


async def _live_since(url: str, camera: str) -> float:
    while True:
        found = await _ask("GET", f"{url}/api/cameras/{camera}")
        if found["state"] == "live":
            return _seconds(found["since"])
        await asyncio.sleep(0.05)


def _watch(url: str, *, ended: threading.Event) -> None:
    """Reads the annotated pictures of a camera until the end."""
    with requests.get(f"{url}/mjpeg", stream=True, timeout=10) as answer:
        for _ in answer.iter_content(65536):
            if ended.is_set():
                return


async def _figures(url: str, cameras: list[str]) -> tuple[list[float | None], list[float]]:
    streams = {one["id"]: one for one in (await _ask("GET", f"{url}/api/streams"))["streams"]}
    found = [streams[camera] for camera in cameras]
    return [one["box_age_ms"]["p95"] or one["age_ms"]["p95"] for one in found], [one["processed_fps"] for one in found]


def _seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


async def _ask(method: str, url: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    answer = await asyncio.to_thread(requests.request, method, url, json=body, timeout=10)
    answer.raise_for_status()
    found: dict[str, Any] = answer.json()
    return found
