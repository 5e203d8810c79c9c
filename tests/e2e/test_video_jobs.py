"""Video jobs outlive what happens to a server: kill -9 of it or of the process that checks, and SIGTERM. Everything is real."""

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import requests

from tests.child_processes import children_of, gone
from tests.e2e.marked_clip import write_marked_clip
from tests.marked_video import read_number
from tests.server_process import ServerProcess

FRAMES = 150


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clip that takes some seconds."""
    return write_marked_clip(tmp_path_factory.mktemp("clip") / "gate.mp4", frames=FRAMES)


@contextmanager
def serving(data_dir: Path) -> Iterator[ServerProcess]:
    """A server on the data folder."""
    with ServerProcess(environ={"SIGHTLINE_SERVER__DATA_DIR": str(data_dir)}) as server:
        yield server


def upload(server: ServerProcess, clip: Path) -> str:
    """Uploads it; returns its id."""
    with clip.open("rb") as file:
        answer = requests.post(f"{server.url}api/videos", files={"file": ("gate.mp4", file)}, timeout=60)
    assert answer.status_code == 202, answer.text
    video_id: str = answer.json()["id"]
    return video_id


def wait_for(server: ServerProcess, video_id: str, is_so: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """The video once it is so."""
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline:
        video: dict[str, Any] = requests.get(f"{server.url}api/videos/{video_id}", timeout=20).json()
        if is_so(video):
            return video
        time.sleep(0.1)
    raise AssertionError(f"{video}\n{server.output}")


def in_the_middle(video: dict[str, Any]) -> bool:
    """Whether some of its frames are checked and others are not."""
    return bool(video["state"] == "running" and 5 < video["frames_done"] < FRAMES - 20)


def is_done(video: dict[str, Any]) -> bool:
    """Whether it is; fails when it never will be."""
    assert video["state"] not in ("failed", "cancelled"), video
    return bool(video["state"] == "done")


def check_results(server: ServerProcess, video: dict[str, Any], *, folder: Path) -> None:
    """Every frame of the source is in the results, once, in order."""
    assert video["frames"] == video["frames_done"] == FRAMES
    found = requests.get(f"{server.url}{video['results']['json'][1:]}", timeout=20).json()
    assert [row["frame"] for row in found["frames"]] == list(range(FRAMES))
    assert found["complete"] is True
    annotated = folder / "annotated.mp4"
    annotated.write_bytes(requests.get(f"{server.url}{video['results']['annotated'][1:]}", timeout=20).content)
    with av.open(str(annotated)) as container:
        numbers = [read_number(frame.to_ndarray(format="yuv420p").astype(np.uint8)) for frame in container.decode(video=0)]
    assert numbers == list(range(FRAMES))
    left = [path.name for path in (folder / "data/videos" / video["id"]).rglob("*") if path.name.endswith(".part")]
    assert left == []


@pytest.mark.fault("kill -9 of the server while a video is checked")
def test_a_killed_server_goes_on_with_the_job(clip: Path, tmp_path: Path) -> None:
    """Its child ends with it, and the next start checks every frame of the job; what was done before is still there."""
    with serving(tmp_path / "data") as server:
        before = wait_for(server, upload(server, clip), is_done)
        video_id = upload(server, clip)
        wait_for(server, video_id, in_the_middle)
        (child,) = children_of(server.process.pid)
        server.process.send_signal(signal.SIGKILL)
        server.wait()
        assert gone(child)
    with serving(tmp_path / "data") as server:
        check_results(server, wait_for(server, video_id, is_done), folder=tmp_path)
        assert wait_for(server, before["id"], is_done) == before


@pytest.mark.fault("kill -9 of the process that checks a video")
def test_a_killed_child_is_replaced(clip: Path, tmp_path: Path) -> None:
    """The server begins the job again, and lives."""
    with serving(tmp_path / "data") as server:
        video_id = upload(server, clip)
        wait_for(server, video_id, in_the_middle)
        (child,) = children_of(server.process.pid)
        os.kill(child, signal.SIGKILL)
        check_results(server, wait_for(server, video_id, is_done), folder=tmp_path)
        assert "ended by SIGKILL" in server.output
        assert children_of(server.process.pid) == []


def test_an_ending_server_gives_the_job_back(clip: Path, tmp_path: Path) -> None:
    """SIGTERM ends the child and exits with 0; the next start takes the job at once."""
    with serving(tmp_path / "data") as server:
        video_id = upload(server, clip)
        wait_for(server, video_id, in_the_middle)
        (child,) = children_of(server.process.pid)
        assert server.stop() == 0
        assert gone(child)
    with serving(tmp_path / "data") as server:
        check_results(server, wait_for(server, video_id, is_done), folder=tmp_path)


def test_a_file_that_is_a_list_of_other_files_is_refused(clip: Path, tmp_path: Path) -> None:
    """FFmpeg follows playlists to other files and addresses; an upload must not make it."""
    secret = tmp_path / "secret.mp4"
    secret.write_bytes(clip.read_bytes())
    lists = {
        "list.m3u8": f"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:8,\n{secret}\n#EXT-X-ENDLIST\n",
        "list.ffconcat": f"ffconcat version 1.0\nfile '{secret}'\n",
        "list.mpd": '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static"></MPD>',
    }
    with serving(tmp_path / "data") as server:
        for name, content in lists.items():
            answer = requests.post(f"{server.url}api/videos", files={"file": (name, content)}, timeout=60)
            assert answer.status_code in (415, 422), (name, answer.text)
        assert json.loads(requests.get(f"{server.url}api/videos", timeout=20).text)["videos"] == []
