"""RTSP cameras for tests: drawn films, played by a real server in a process of its own."""

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Literal

import av
import pytest
from av.video.stream import VideoStream

from tests.marked_video import marked_picture

# GStreamer's Python belongs to the system.
SYSTEM_PYTHON = "/usr/bin/python3"
SERVER = Path(__file__).with_name("rtsp_server.py")
FPS = 25
WIDTH, HEIGHT = 640, 360
Codec = Literal["h264", "h265", "mjpeg"]
_ENCODERS = {"h264": "libx264", "h265": "libx265", "mjpeg": "mjpeg"}
_OPTIONS = {
    "h264": {"preset": "ultrafast", "tune": "zerolatency", "x264-params": "sliced-threads=0", "g": str(FPS)},
    "h265": {"preset": "ultrafast", "tune": "zerolatency", "x265-params": f"log-level=none:keyint={FPS}:bframes=0"},
    "mjpeg": {},
}


def has_rtsp_server() -> bool:
    """Whether the system's Python has GStreamer's RTSP server."""
    check = "import gi; gi.require_version('GstRtspServer', '1.0'); from gi.repository import GstRtspServer"
    with contextlib.suppress(OSError):
        return subprocess.run([SYSTEM_PYTHON, "-c", check], capture_output=True, check=False).returncode == 0
    return False


needs_rtsp_server = pytest.mark.skipif(not has_rtsp_server(), reason="GStreamer's RTSP server is not installed")


def write_film(path: Path, *, codec: Codec = "h264", seconds: int = 60) -> Path:
    """A film whose pictures carry their number, with a key frame a second."""
    with av.open(str(path), "w") as out:
        stream = out.add_stream(_ENCODERS[codec], rate=FPS, options=_OPTIONS[codec])
        assert isinstance(stream, VideoStream)
        stream.width, stream.height = WIDTH, HEIGHT
        stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        for number in range(seconds * FPS):
            frame = av.VideoFrame.from_ndarray(marked_picture(number, width=WIDTH, height=HEIGHT), format="yuv420p")
            frame.pts = number
            out.mux(stream.encode(frame))
        out.mux(stream.encode())
    return path


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class RtspServer:
    """A server on one port that may be killed, started again and stalled; `extra` are its arguments."""

    def __init__(self, film: Path, *extra: str, codec: Codec = "h264") -> None:
        self.port = free_port()
        self._arguments = [SYSTEM_PYTHON, str(SERVER), str(self.port), str(film), "--codec", codec, *extra]
        self._process: asyncio.subprocess.Process | None = None

    @property
    def url(self) -> str:
        """Where it plays."""
        return f"rtsp://127.0.0.1:{self.port}/live"

    async def start(self) -> None:
        """Returns when it listens."""
        self._process = await asyncio.create_subprocess_exec(*self._arguments, stdout=subprocess.PIPE)
        assert self._process.stdout is not None
        assert (await self._process.stdout.readline()).strip() == b"ready"

    async def kill(self) -> None:
        """Ends it at once, as a power cut does."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()

    def stall(self) -> None:
        """Has it send nothing more, while its connections stand."""
        self._signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """Ends the stall."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: int) -> None:
        assert self._process is not None
        os.kill(self._process.pid, number)


@contextlib.asynccontextmanager
async def rtsp_server(film: Path, *extra: str, codec: Codec = "h264") -> AsyncIterator[RtspServer]:
    """A running one inside the block."""
    server = RtspServer(film, *extra, codec=codec)
    await server.start()
    try:
        yield server
    finally:
        await server.kill()
