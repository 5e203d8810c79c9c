"""Publishers that know nothing of us: FFmpeg's WHIP muxer and GStreamer's WebRTC element, each in a process of its own."""

import asyncio
import shutil
import subprocess
import sys
from dataclasses import dataclass, field

import numpy as np
import pytest

from server.domain.frame import PixelLayout
from server.domain.live import AnnotatedFrame, LiveResult
from server.pipeline.stream import Stream
from server.web import keys
from tests.conftest import REPOSITORY, Client, ClientFactory
from tests.marked_video import coloured_pixels
from tests.transports.rig import FixedDetector, eventually

GSTREAMER_PYTHON = "/usr/bin/python3"
GSTREAMER_NEEDS = (
    "import gi; gi.require_version('Gst', '1.0'); gi.require_version('GstWebRTC', '1.0'); from gi.repository import Gst; "
    "Gst.init(None); missing = [n for n in ('webrtcbin', 'nicesrc', 'dtlssrtpenc', 'x264enc', 'vp8enc', 'opusenc') "
    "if Gst.ElementFactory.find(n) is None]; assert not missing, missing"
)


@dataclass
class Seen:
    """What came of a published stream; a sink of its results and of its pictures."""

    results: list[LiveResult] = field(default_factory=list)
    drawn: list[int] = field(default_factory=list)

    def put(self, item: LiveResult | AnnotatedFrame) -> None:
        """Notes one of them."""
        if isinstance(item, LiveResult):
            self.results.append(item)
        elif item.boxes_received_at is not None:
            assert item.frame.layout is PixelLayout.I420
            self.drawn.append(coloured_pixels(np.asarray(item.frame.pixels)))

    @property
    def boxes(self) -> bool:
        """Whether a firearm was found in several frames and its box stands in several pictures."""
        found = sum(bool(result.detections) for result in self.results)
        return found > 5 and sum(count > 50 for count in self.drawn) > 5


async def published(client: Client) -> Stream:
    """The stream that has just been opened."""
    assert client.app is not None
    registry = client.app[keys.LIVE].registry
    await eventually(lambda: len(registry), within_s=20)
    stream: Stream = next(iter(registry)).stream
    return stream


async def check_boxes(client: Client, process: asyncio.subprocess.Process) -> None:
    """Waits until the stream's pictures carry boxes and the publisher has left by itself, with nothing left of it."""
    seen = Seen()
    stream = await published(client)
    stream.results.subscribe(seen)
    stream.pictures.subscribe(seen)
    await eventually(lambda: seen.boxes, within_s=20)
    _, errors = await asyncio.wait_for(process.communicate(), 30)
    assert process.returncode == 0, errors.decode()
    assert client.app is not None
    registry = client.app[keys.LIVE].registry
    await eventually(lambda: not len(registry))


async def run(*command: str) -> asyncio.subprocess.Process:
    """Starts a publisher."""
    pipe = asyncio.subprocess.PIPE
    return await asyncio.create_subprocess_exec(*command, cwd=REPOSITORY, stdout=pipe, stderr=pipe)


@pytest.mark.parametrize("arguments", [("--profile", "baseline", "--audio"), ("--profile", "high")])
async def test_ffmpeg_publishes(start_client: ClientFactory, arguments: tuple[str, ...]) -> None:
    """FFmpeg's WHIP muxer (DTLS server, no candidates; Baseline with sound, High without) gets boxes; its DELETE is taken."""
    client = await start_client(detector=FixedDetector())
    command = (sys.executable, "-m", "tests.e2e.ffmpeg_publisher", str(client.make_url("/whip?name=ffmpeg")), *arguments)
    await check_boxes(client, await run(*command))


@pytest.fixture(scope="module")
def gstreamer_python() -> str:
    """The system's Python with GStreamer's bindings, which no package index has."""
    if not shutil.which(GSTREAMER_PYTHON):
        pytest.skip(f"there is no {GSTREAMER_PYTHON}")
    checked = subprocess.run([GSTREAMER_PYTHON, "-c", GSTREAMER_NEEDS], capture_output=True, text=True, timeout=60, check=False)
    if checked.returncode:
        pytest.skip(f"GStreamer's bindings or elements are not installed: {checked.stderr.strip().splitlines()[-1]}")
    return GSTREAMER_PYTHON


@pytest.mark.parametrize("arguments", [("--codec", "h264", "--sound"), ("--codec", "vp8")])
async def test_gstreamer_publishes(start_client: ClientFactory, gstreamer_python: str, arguments: tuple[str, ...]) -> None:
    """GStreamer's webrtcbin, the engine of `whipsink` and `whipclientsink`, gets boxes by the script in examples/."""
    client = await start_client(detector=FixedDetector())
    url = str(client.make_url("/whip?name=gstreamer"))
    await check_boxes(client, await run(gstreamer_python, "examples/gstreamer_whip.py", url, "--seconds", "4", *arguments))
