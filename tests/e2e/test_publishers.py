"""Publishers that know nothing of us: FFmpeg's WHIP muxer and GStreamer's WebRTC element, each in a process of its own."""

import asyncio
import shutil
import subprocess
import sys

import pytest

from server.pipeline.stream import Stream
from server.web import keys
from tests.conftest import REPOSITORY, Client, ClientFactory
from tests.transports.rig import FixedDetector, eventually
from tests.transports.viewer import Viewer

SDP = {"Content-Type": "application/sdp"}

GSTREAMER_PYTHON = "/usr/bin/python3"
GSTREAMER_NEEDS = (
    "import gi; gi.require_version('Gst', '1.0'); gi.require_version('GstWebRTC', '1.0'); from gi.repository import Gst; "
    "Gst.init(None); missing = [n for n in ('webrtcbin', 'nicesrc', 'dtlssrtpenc', 'x264enc', 'vp8enc', 'opusenc') "
    "if Gst.ElementFactory.find(n) is None]; assert not missing, missing"
)


async def published(client: Client) -> Stream:
    """The stream that has just been opened."""
    assert client.app is not None
    registry = client.app[keys.LIVE].registry
    await eventually(lambda: len(registry), within_s=20)
    stream: Stream = next(iter(registry)).stream
    return stream


async def check_boxes(client: Client, process: asyncio.subprocess.Process) -> None:
    """Waits until boxes are seen at `/whep/{id}` and the publisher has left by itself, with nothing left of it."""
    stream = await published(client)
    viewer = Viewer()
    async with client.post(f"/whep/{stream.id}", data=await viewer.offer(), headers=SDP) as answer:
        assert answer.status == 201
        await viewer.accept(await answer.text())
    await eventually(lambda: sum(count > 50 for count in viewer.coloured) > 5, within_s=20)
    await viewer.close()
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
