"""Calibration pictures: which are taken, and what the model gets of them."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from server.domain.errors import InvalidRequest
from server.training.quantize import calibration_pictures, digest, model_input


def write_pictures(folder: Path, *, count: int) -> list[Path]:
    """Plain pictures, each of its own blue."""
    paths = [folder / f"{number:02}.png" for number in range(count)]
    for number, path in enumerate(paths):
        cv2.imwrite(str(path), np.full((24, 64, 3), (number, 0, 255), np.uint8))
    return paths


def test_pictures_are_taken_evenly(tmp_path: Path) -> None:
    """A folder in the order of a recording is not calibrated with its beginning."""
    paths = write_pictures(tmp_path, count=10)

    assert calibration_pictures(tmp_path, count=4) == [paths[0], paths[2], paths[5], paths[7]]
    assert calibration_pictures(tmp_path, count=40) == paths


def test_the_training_split_is_calibrated_with(tmp_path: Path) -> None:
    """What it is evaluated on later stays unseen."""
    for split in ("train", "val"):
        (tmp_path / "images" / split).mkdir(parents=True)
        write_pictures(tmp_path / "images" / split, count=2)
    (tmp_path / "data.yaml").write_text("train: images/train\nval: images/val\nnames: [firearm]\n", encoding="utf-8")

    assert {path.parent.name for path in calibration_pictures(tmp_path / "data.yaml")} == {"train"}


def test_the_digest_tells_pictures_apart(tmp_path: Path) -> None:
    """Other content, or fewer pictures, is another calibration."""
    paths = write_pictures(tmp_path, count=3)

    assert len({digest(paths), digest(paths[:2]), digest(paths[::-1])}) == 3


def test_the_model_gets_red_first_fractions_with_grey_around(tmp_path: Path) -> None:
    """It is letterboxed on the canvas that serving uses."""
    (path,) = write_pictures(tmp_path, count=1)

    given = model_input(path, imgsz=64)

    assert given.dtype == np.float32
    assert given.shape == (1, 3, 32, 64)
    assert given[0, :, 16, 32].tolist() == [1.0, 0.0, 0.0]
    assert given[0, :, 0, 0] == pytest.approx([114 / 255] * 3)


def test_a_damaged_picture_is_named(tmp_path: Path) -> None:
    """One that cannot be decoded is not passed over."""
    (tmp_path / "a.png").write_bytes(b"hello")

    with pytest.raises(InvalidRequest, match=r"a\.png: cannot be calibrated with"):
        model_input(tmp_path / "a.png", imgsz=64)
