"""Writing annotated videos: what happens when the disk takes no more."""

import resource
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from server.domain.frame import Frame, PixelLayout
from server.media.video_reader import VideoShape
from server.media.video_writer import VideoWriter

SHAPE = VideoShape(64, 48, Fraction(1, 15_000), Fraction(15), Fraction(1))


def test_a_full_disk_is_the_system_s_error(tmp_path: Path) -> None:
    """Under a limit on the size of files, which fails in the same place."""
    target = tmp_path / "a.mp4"
    with pytest.raises(OSError, match="too large") as caught:
        write_noise(target)
    assert caught.value.filename == str(target)


def write_noise(target: Path) -> None:
    """More bytes than are allowed."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    noise = np.random.default_rng(1)
    with VideoWriter(target, shape=SHAPE, sound_from=None) as writer:
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))
        try:
            for index in range(200):
                pixels = noise.integers(16, 235, (72, 64), np.uint8)
                writer.put(Frame(pixels, PixelLayout.I420, index=index, pts_s=index / 15), pts=index * 1000)
            writer.finish()
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
