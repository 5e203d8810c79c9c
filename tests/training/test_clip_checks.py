"""Tests of checking clips: real files through the real pool, every frame of them, each picture counted once."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import av
import numpy as np
import pytest

from server.domain.errors import InvalidRequest
from server.inference.pool import DetectorPool
from server.training.clip_checks import ClipChecker
from tests.fakes import RED, FakeDetector

WIDTH, HEIGHT = 64, 48


@pytest.fixture
def checker() -> Iterator[ClipChecker]:
    """A checker with a detector that finds red."""
    pool = DetectorPool(FakeDetector(), workers=2)
    yield ClipChecker(pool, imgsz=320)
    pool.close()


def write_clip(path: Path, reds: Sequence[int | None], *, fps: int = 10) -> Path:
    """Writes a clip; in each frame a red square is as far to the right as is said, or absent. Lossless: equal stays equal."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=fps, options={"qp": "0", "bf": "2"})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for red in reds:
            picture = np.full((HEIGHT, WIDTH, 3), 128, np.uint8)
            if red is not None:
                picture[16:32, red : red + 16] = RED
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="bgr24")))
        container.mux(stream.encode())
    return path


def test_every_frame_is_checked_in_order(checker: ClipChecker, tmp_path: Path) -> None:
    """What was seen stands at the frame in which it was, and times are those of the file."""
    reds = [None, 0, 8, None, 16, 24, 32, None, 40]
    clip = checker.check(write_clip(tmp_path / "clip.mp4", reds))
    assert [None if not len(one) else round(float(one.xyxy[0, 0]) / 8) * 8 for one in clip.detections] == reds
    assert clip.times_s == pytest.approx([number / 10 for number in range(9)])
    assert clip.duration_s == pytest.approx(0.9)
    assert clip.name == "clip.mp4"


def test_a_picture_counts_once(checker: ClipChecker, tmp_path: Path) -> None:
    """A frozen picture, a loop and a copy are no new footage."""
    first = checker.check(write_clip(tmp_path / "first.mp4", [0, 8, 16, 16, 16, 0, 8, 16, 24]))
    copy = checker.check(write_clip(tmp_path / "copy.mp4", [0, 8, 16, 24]))
    assert first.distinct == [True, True, True, False, False, False, False, False, True]
    assert first.distinct_s == pytest.approx(0.4)
    assert (copy.distinct_s, copy.duration_s) == pytest.approx((0, 0.4))


def test_what_is_no_video_is_refused(checker: ClipChecker, tmp_path: Path) -> None:
    """The message names the file."""
    (tmp_path / "clip.mp4").write_bytes(b"this is no video")
    with pytest.raises(InvalidRequest, match=r"clip\.mp4"):
        checker.check(tmp_path / "clip.mp4")
