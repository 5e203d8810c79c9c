"""The image runs as it is meant to: read-only, without rights, at 2 GB, at a quarter of a processor and at a whole one."""

import asyncio
import json
from pathlib import Path
from typing import Any

import cv2
import pytest

from tests.container.engine import podman
from tests.container.running import KEY, RunningContainer, running
from tests.e2e.whip_process import WhipProcess
from tests.inference.tiny_models import make_onnx
from tests.scenes import draw_firearm
from tests.video_clips import make_clip

pytestmark = [pytest.mark.container, pytest.mark.timeout(1200)]


def _jpeg() -> bytes:
    return bytes(cv2.imencode(".jpg", draw_firearm((640, 480)).bgr)[1])


def _written(container: RunningContainer, path: str) -> Any:
    return json.loads(container.run("cat", f"/data/{path}"))


def test_a_quarter_of_a_processor_is_enough_for_pictures(image: str) -> None:
    """It starts, is healthy by the image's own check, finds the firearm, and writes nowhere but in /data."""
    with running(image, processors=0.25) as container:
        container.wait_until_ready()
        podman("healthcheck", "run", container.name)
        status, body = container.post("predict?format=json", _jpeg(), content_type="image/jpeg")
        assert status == 200, body
        (result,) = json.loads(body)["images"][0]["results"]
        assert result["name"] == "firearm"
        assert container.changed_files() == []


def test_it_has_no_rights_and_its_limits(image: str) -> None:
    """Another user than root, no capability, none to be had, and the limits are there."""
    with running(image, processors=0.25) as container:
        status = dict(line.split(":\t", 1) for line in container.run("cat", "/proc/1/status").splitlines() if ":\t" in line)
        assert set(status["Uid"].split()) == {"10001"}
        assert {int(status[name], 16) for name in ("CapPrm", "CapEff", "CapBnd")} == {0}
        assert status["NoNewPrivs"] == "1"
        limits = container.inspect()["HostConfig"]
        assert (limits["NanoCpus"], limits["Memory"]) == (250_000_000, 2 * 1024**3)
        # What the server makes of it: one thread, not one for each processor of the machine.
        count = "from server.inference.processors import available_processors as p, processor_quota as q; print(p(), q())"
        assert container.run("python", "-c", count) == "1 0.25"


def test_other_models_load_and_videos_are_checked(image: str, tmp_path: Path) -> None:
    """What OpenVINO was stripped of is not missed by ONNX files, nor a /tmp by what writes COCO."""
    make_onnx(tmp_path / "tiny.onnx")
    (tmp_path / "picture.jpg").write_bytes(_jpeg())
    make_clip(tmp_path / "clip.mp4", frames=10)
    tmp_path.chmod(0o755)
    with running(image, processors=2, mount=tmp_path) as container:
        detect = ("sightline", "detect", "--no-annotated", "--no-video")
        container.run(*detect, "/given/picture.jpg", "--model", "/given/tiny.onnx", "--out", "/data/onnx")
        (picture,) = _written(container, "onnx/detections.json")["pictures"]
        assert [one["name"] for one in picture["results"]] == ["firearm", "person"]
        container.run(*detect, "/given/clip.mp4", "--format", "coco", "--out", "/data/clip")
        assert len(_written(container, "clip/clip/detections.coco.json")["images"]) == 10
        assert container.changed_files() == []


async def test_a_live_session_is_drained(image: str) -> None:
    """At one processor a camera of 640x480 at 15 pictures a second is live; SIGTERM lets it end by itself, exit code 0."""
    with running(image, processors=1, SIGHTLINE_LIVE__MIN_DETECTIONS_FPS="0.5") as container:
        await asyncio.to_thread(container.wait_until_ready)
        flags = ("--key", KEY, "--fps", "15", "--width", "640", "--height", "480", "--seconds", "8", "--delete")
        client = await WhipProcess.start(f"{container.url}whip?return=annotated", *flags)
        await client.connected()
        await asyncio.sleep(2)
        await asyncio.to_thread(container.terminate)
        async with asyncio.timeout(20):
            while (await asyncio.to_thread(container.get, "readyz"))[0] != 503:  # noqa: ASYNC110 - the server is another process
                await asyncio.sleep(0.1)
        assert (await asyncio.to_thread(container.post, "predict", _jpeg(), content_type="image/jpeg"))[0] == 503
        report = await client.report()
        assert {"event": "draining", "grace_s": 30.0} in report["events"]
        assert report["messages"][-1].get("results") is not None
        assert report["returned"] > 15
        assert await asyncio.to_thread(container.exit_code) == 0
        assert container.changed_files() == []
