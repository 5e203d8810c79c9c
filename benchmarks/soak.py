"""Soak: publishers, viewers, pictures, video files and a camera that come and go for half an hour; what is held stays flat.

Memory, descriptors, threads, tasks and ages are sampled every five seconds. The first fifth does not count. Growth is what
the robust slope (Theil-Sen) makes of the rest. Flat is less than 5 % of the median, for memory 10 % (caches fill slowly), for
ages 20 % (whatever else runs on the machine has a say in them).
"""

import asyncio
import contextlib
import sys
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import aiohttp

from benchmarks.load.counting_decoder import count_instead_of_decoding
from benchmarks.load.soak_camera import Camera
from benchmarks.load.soak_visitors import Visitors
from benchmarks.meters.soak_samples import Sample, Sampler
from benchmarks.meters.steadiness import trend
from benchmarks.report.results import PLOTS, write_result
from benchmarks.report.soak_plot import write_plot
from server.transports.aiortc_changes import AiortcChanges, apply
from tests.e2e.drawn_video import write_table
from tests.server_process import ServerProcess

WARM_UP_SHARE = 0.2
SETTLE_S = 40.0
"""After the last visitor: longer than a peer that was killed is noticed."""
# What is looked at: the share of its median by which it may grow, and the growth that is nothing in any case.
STEADY = {
    "resident_mib": (0.1, 2.0),
    "in_use_mib": (0.1, 2.0),
    "descriptors": (0.05, 2.0),
    "threads": (0.05, 2.0),
    "tasks": (0.05, 2.0),
    "age_ms": (0.2, 5.0),
    "box_age_ms": (0.2, 5.0),
}
# The smallest load that has everything in it: the machine is also that of the visitors.
FLAGS = ("--imgsz", "320", "--log-level", "warning")
ENVIRON = {
    "SIGHTLINE_CAMERAS__ALLOWED_NETWORKS": "127.0.0.0/8",
    "SIGHTLINE_ALERTS__COOLDOWN_S": "20",
    "SIGHTLINE_LIVE__MIN_IMGSZ": "320",
    "SIGHTLINE_VIDEOS__THREADS": "1",
}
COMMAND = (sys.executable, "-m", "benchmarks.servers.soak_server", "serve", "--port", "0")


def run(*, minutes: float = 30.0, seed: int = 9) -> None:
    """Lets them come for `minutes`, then waits until all is quiet again."""
    apply(AiortcChanges())
    count_instead_of_decoding()
    with TemporaryDirectory() as folder:
        environ = {**ENVIRON, "SIGHTLINE_CAMERAS__ALLOWED_FILES": folder}
        with ServerProcess(*FLAGS, environ=environ, command=COMMAND) as server:
            figures, samples = asyncio.run(_soak(server, Path(folder), seconds=minutes * 60, seed=seed))
            figures["log"] = dict(Counter(_kind(line) for line in server.lines if _is_trouble(line)))
            log = server.output
    if figures["log"]:
        print(log, flush=True)
    write_result("soak", {"minutes": minutes, "seed": seed, **figures})
    write_plot(PLOTS / "soak.png", samples, warm_up_s=minutes * 60 * WARM_UP_SHARE)


async def _soak(server: ServerProcess, folder: Path, *, seconds: float, seed: int) -> tuple[dict[str, Any], list[Sample]]:
    clip = await asyncio.to_thread(write_table, folder / "soak.mp4")
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=60)) as http:
        sampler = Sampler(http, url=server.url, pid=server.process.pid)
        visitors = Visitors(http, url=server.url, clip=clip, seed=seed)
        camera = Camera(http, url=server.url, folder=folder, seed=seed)
        quiet = await sampler.take()
        types = await _visits(sampler, visitors, camera, seconds=seconds)
        await visitors.leave()
        await asyncio.sleep(SETTLE_S)
        quiet_again = await sampler.take()
        figures = {
            "flat": _trends(sampler.samples, warm_up_s=seconds * WARM_UP_SHARE),
            "quiet": {name: [getattr(quiet, name), getattr(quiet_again, name)] for name in QUIET},
            "objects_that_grew": types,
            "visits": dict(sorted((visitors.outcomes + camera.outcomes).items())),
        }
        return figures, sampler.samples


QUIET = ("resident_mib", "in_use_mib", "descriptors", "threads", "tasks", "streams", "children")
"""What is told of the server before the first visitor, and after the last."""


async def _visits(sampler: Sampler, visitors: Visitors, camera: Camera, *, seconds: float) -> dict[str, list[int]]:
    """The visits, beside the samples; returns the types of which there are many more in the end than after the warm-up."""
    async with asyncio.TaskGroup() as tasks:
        running = [tasks.create_task(one.run()) for one in (sampler, visitors, camera)]
        await asyncio.sleep(seconds * WARM_UP_SHARE)
        before = await sampler.types()
        await asyncio.sleep(seconds * (1 - WARM_UP_SHARE))
        after = await sampler.types()
        for task in running:
            task.cancel()
    return {name: [before.get(name, 0), count] for name, count in after.items() if count > 1.2 * before.get(name, 0) + 200}


def _trends(samples: list[Sample], *, warm_up_s: float) -> dict[str, Any]:
    counted = [sample for sample in samples if sample.at_s >= warm_up_s]
    found = {}
    for name, (share, least) in STEADY.items():
        points = [(sample.at_s, value) for sample in counted if (value := getattr(sample, name)) is not None]
        with contextlib.suppress(ValueError):  # a soak so short that there was no stream
            times_s, values = zip(*points, strict=True)
            found[name] = trend(times_s, values, share=share, least=least).figures()
    return found


def _is_trouble(line: str) -> bool:
    return line.split(maxsplit=2)[1:2] in (["warning"], ["error"], ["critical"]) or line.startswith("Traceback")


def _kind(line: str) -> str:
    """A line of the log without what differs between two of a kind: time, ids, numbers."""
    words = [word for word in line.split()[2:] if not any(sign.isdigit() for sign in word)]
    return " ".join(words)[:120]
