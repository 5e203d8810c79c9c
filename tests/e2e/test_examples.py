"""The programs in examples/ do what their first lines say."""

import asyncio
import sys
from pathlib import Path

import av
import numpy as np

from server.config.settings import Auth, Settings
from tests.conftest import ClientFactory, with_sections
from tests.e2e.test_publishers import run
from tests.transports.rig import FixedDetector
from tests.web.pictures import picture_file


def write_clip(path: Path) -> Path:
    """Two seconds of grey."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=15)
        stream.width, stream.height, stream.pix_fmt = 320, 240, "yuv420p"
        for _ in range(30):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.full((240, 320, 3), 128, np.uint8), format="bgr24")))
        container.mux(stream.encode())
    return path


async def test_the_picture_example(start_client: ClientFactory, settings: Settings, tmp_path: Path) -> None:
    """It prints what was found, with a key, and saves the annotated picture."""
    client = await start_client(with_sections(settings, auth=Auth(api_keys=["a-key"])), detector=FixedDetector())
    picture, saved = tmp_path / "picture.png", tmp_path / "annotated.jpg"
    picture.write_bytes(picture_file())
    arguments = (str(picture), "--url", str(client.make_url("/")).rstrip("/"), "--key", "a-key", "--save", str(saved))
    process = await run(sys.executable, "examples/picture.py", *arguments)
    output, errors = await asyncio.wait_for(process.communicate(), 30)
    assert process.returncode == 0, errors.decode()
    assert output.decode().splitlines() == ["firearm 90% 48,48 112,96"]
    assert saved.read_bytes().startswith(b"\xff\xd8")


async def test_the_publishing_example(start_client: ClientFactory, settings: Settings, tmp_path: Path) -> None:
    """It publishes a file to its end, prints each frame's detections, and leaves no session behind."""
    client = await start_client(with_sections(settings, auth=Auth(api_keys=["a-key"])), detector=FixedDetector(), key="a-key")
    clip = await asyncio.to_thread(write_clip, tmp_path / "clip.mp4")
    process = await run(
        sys.executable, "examples/publish.py", str(clip), "--url", str(client.make_url("/whip")), "--key", "a-key"
    )
    output, errors = await asyncio.wait_for(process.communicate(), 40)
    assert process.returncode == 0, errors.decode()
    assert output.decode().count("firearm 90%") > 5
    assert (await (await client.get("/api/info")).json())["active"] == 0
