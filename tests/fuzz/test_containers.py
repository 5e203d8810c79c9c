"""Video containers, mutated: to what the child asks of a file, and through the server and its child."""

import io
import subprocess
import sys
from collections.abc import Iterator
from fractions import Fraction
from functools import cache
from pathlib import Path

import av
import numpy as np
import pytest
from av.video.stream import VideoStream
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from tests.conftest import REPOSITORY
from tests.fuzz.bounds import bounded
from tests.fuzz.mutations import mutated
from tests.fuzz.served import Served

# Container and encoder: what people upload, and what they should not.
KINDS = (
    *(("mp4", "libx264"), ("mov", "libx264"), ("matroska", "libx264")),
    *(("webm", "libvpx"), ("avi", "mpeg4"), ("mpegts", "mpeg2video")),
)


def make_clip(container: str, encoder: str) -> bytes:
    """Eight grey frames."""
    file = io.BytesIO()
    with av.open(file, "w", format=container) as out:
        stream = out.add_stream(encoder, rate=10)
        assert isinstance(stream, VideoStream)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for number in range(8):
            frame = av.VideoFrame.from_ndarray(np.full((72, 64), 60 + 10 * number, np.uint8), format="yuv420p")
            frame.pts, frame.time_base = number, Fraction(1, 10)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return file.getvalue()


@st.composite
def containers(draw: DrawFn, most: int = 6) -> bytes:
    """A mutated one of each kind."""
    return draw(_mutations(most))


@cache
def _mutations(most: int) -> st.SearchStrategy[bytes]:
    return mutated([make_clip(container, encoder) for container, encoder in KINDS], most)


class Prober:
    """The child's side of probing, in a process of its own, which takes one file after the other; a crash ends it."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._process = self._start()

    def probe(self, data: bytes) -> str:
        """`read`, `refused`, `crashed` where FFmpeg took the process with it, or a failure of ours."""
        self._file.write_bytes(data)
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{self._file}\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline().strip()
        if not answer:
            self.close()
            self._process = self._start()
        return answer or "crashed"

    def close(self) -> None:
        """Ends it."""
        self._process.kill()
        self._process.communicate()

    def _start(self) -> subprocess.Popen[str]:
        pipe = subprocess.PIPE
        command = [sys.executable, "-m", "tests.fuzz.probing"]
        return subprocess.Popen(command, cwd=REPOSITORY, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, text=True)


@pytest.fixture(scope="module")
def prober(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prober]:
    """A process that probes."""
    prober = Prober(tmp_path_factory.mktemp("probed") / "upload")
    yield prober
    prober.close()


@bounded(200)
@given(data=containers())
def test_a_container_is_read_or_refused(prober: Prober, data: bytes) -> None:
    """Whatever was done to it: information, or a refusal in our words. A crash of FFmpeg is what the child is there for."""
    assert prober.probe(data) in {"read", "refused", "crashed"}


@bounded(4)
@given(data=containers(most=3))
def test_an_upload_becomes_a_job_or_is_refused(served: Served, data: bytes) -> None:
    """The same through the server and its child; what became a job can be removed, whatever became of its check."""
    answer = served.ask("POST", "/api/videos?name=fuzz", headers={"Content-Type": "video/mp4"}, body=data)
    assert answer.status in {202, 400, 413, 415, 422}, answer.body
    if answer.status == 202:
        removed = served.ask("DELETE", answer.headers["location"])
        assert removed.status == 204, removed.body
