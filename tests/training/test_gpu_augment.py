"""Batches made on a GPU: what they show lies where their boxes say; run on the processor, which computes the same."""

import importlib.util
import subprocess
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from server.domain.errors import InvalidRequest
from server.training.gpu_augment import GpuAugment, Strength
from server.training.gpu_pictures import GpuPictures, gpu_pictures
from tests.server_process import REPOSITORY
from tests.training.planted import GOOD, write_set

pytestmark = [
    pytest.mark.extra,
    pytest.mark.timeout(600),
    pytest.mark.skipif(importlib.util.find_spec("ultralytics") is None, reason="the ultralytics extra is not installed"),
]

SIDE = 256
PLAIN = {"hsv_h": 0.0, "hsv_s": 0.0, "hsv_v": 0.0, "degrade": 0.0, "grey": 0.0}
# In BGR; each picture has a white rectangle of its own on black.
RECTANGLES = {0: (20, 30, 80, 60), 1: (100, 10, 150, 90), 2: (5, 5, 30, 100), 3: (60, 60, 120, 90)}
SIZES = {0: (200, 120), 1: (160, 160), 2: (90, 180), 3: (128, 96)}


@pytest.fixture
def pictures(tmp_path: Path) -> GpuPictures:
    """Four pictures of different shapes with one object each, the fourth twice as large as is held."""
    labels = []
    for number, (x1, y1, x2, y2) in RECTANGLES.items():
        width, height = SIZES[number]
        drawn = np.zeros((height, width, 3), np.uint8)
        drawn[y1:y2, x1:x2] = 255
        path = tmp_path / f"{number}.png"
        cv2.imwrite(str(path), np.kron(drawn, np.ones((4, 4, 1), np.uint8)) if number == 3 else drawn)
        box = np.array([[(x1 + x2) / 2 / width, (y1 + y2) / 2 / height, (x2 - x1) / width, (y2 - y1) / height]])
        labels.append({"im_file": str(path), "cls": np.zeros((1, 1)), "bboxes": box})
    return gpu_pictures(labels, longest_px=200, device="cpu", workers=2)


def batch(pictures: GpuPictures, strength: Strength, *, seed: int, mosaic: bool) -> dict[str, Any]:
    """A batch of all four pictures."""
    import torch  # noqa: PLC0415 - the extra

    torch.manual_seed(seed)
    return GpuAugment(pictures, strength).batch(torch.arange(4), side=SIDE, mosaic=mosaic)


def corners(boxes: Any) -> Any:
    """Corners in pixels of boxes given as fractions."""
    half = boxes[:, 2:] / 2
    return np.hstack([boxes[:, :2] - half, boxes[:, :2] + half]) * SIDE


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("mosaic", [False, True])
def test_boxes_are_where_the_objects_are(pictures: GpuPictures, *, mosaic: bool, seed: int) -> None:
    """All white lies in boxes, but for slivers whose boxes are left out, and each box is filled with white."""
    made = batch(pictures, Strength(mosaic=1.0, **PLAIN), seed=seed, mosaic=mosaic)
    white = (made["img"] > 0.75).all(dim=1).numpy()
    of_picture = made["batch_idx"].int().numpy()
    for number in range(4):
        left = white[number].copy()
        for x1, y1, x2, y2 in corners(made["bboxes"].numpy())[of_picture == number]:
            inner = white[number, round(y1) + 1 : round(y2) - 1, round(x1) + 1 : round(x2) - 1]
            assert inner.mean() > 0.95
            left[max(0, round(y1) - 1) : round(y2) + 1, max(0, round(x1) - 1) : round(x2) + 1] = False
        assert left.mean() < 0.02


def test_a_mixed_picture_has_the_boxes_of_both(pictures: GpuPictures) -> None:
    """Each shows its own rectangle and that of the picture before it, half as bright, in the order that the loss asks for."""
    made = batch(pictures, Strength(mosaic=0.0, scale=0.0, translate=0.0, mixup=1.0, **PLAIN), seed=1, mosaic=True)
    assert made["batch_idx"].tolist() == [0, 0, 1, 1, 2, 2, 3, 3]
    assert made["cls"].shape == (8, 1)
    for number, (x1, y1, x2, y2) in zip(made["batch_idx"].int(), corners(made["bboxes"].numpy()), strict=True):
        inner = made["img"][number, :, round(y1) + 1 : round(y2) - 1, round(x1) + 1 : round(x2) - 1]
        assert float(inner.min()) > 0.35


def test_a_share_is_mixed_and_nothing_once_the_mosaic_is_closed(pictures: GpuPictures) -> None:
    """Who is not mixed keeps the own box alone; a picture that is alone in its part has none to mix with."""
    import torch  # noqa: PLC0415 - the extra

    torch.manual_seed(1)
    augment = GpuAugment(pictures, Strength(mosaic=0.0, scale=0.0, translate=0.0, mixup=0.5, **PLAIN))
    many = torch.arange(65) % 4
    counts = augment.batch(many, side=SIDE, mosaic=True)["batch_idx"].int().bincount(minlength=65)
    assert set(counts.tolist()) == {1, 2}
    assert counts[64] == 1
    assert 16 < int((counts == 2).sum()) < 48
    assert len(augment.batch(many, side=SIDE, mosaic=False)["batch_idx"]) == 65


def test_pictures_are_stretched_both_ways(pictures: GpuPictures) -> None:
    """By up to exp(0.2) in the ratio of their sides, and not at all where that is not asked for."""
    ratios = {}
    for stretch in (0.0, 0.1):
        made = [
            batch(pictures, Strength(mosaic=0.0, scale=0.0, translate=0.0, stretch=stretch, **PLAIN), seed=seed, mosaic=False)
            for seed in range(20)
        ]
        # The second picture's rectangle lies well inside: 50 by 80 of 160 pixels.
        boxes = np.array([one["bboxes"].numpy()[1] for one in made])
        ratios[stretch] = boxes[:, 2] / boxes[:, 3] / (50 / 80)
    np.testing.assert_allclose(ratios[0.0], 1, atol=0.01)
    assert 0.81 < ratios[0.1].min() < 0.95
    assert 1.05 < ratios[0.1].max() < 1.23


def test_a_turned_object_is_enclosed(pictures: GpuPictures) -> None:
    """A box is as large as the turned rectangle needs."""
    made = batch(pictures, Strength(scale=0.0, translate=0.0, degrees=45.0, **PLAIN), seed=1, mosaic=False)
    for number, (x1, y1, x2, y2) in zip(made["batch_idx"].int(), corners(made["bboxes"].numpy()), strict=True):
        rows, columns = np.nonzero((made["img"][number] > 0.6).all(dim=0).numpy())
        np.testing.assert_allclose((columns.min(), rows.min(), columns.max() + 1, rows.max() + 1), (x1, y1, x2, y2), atol=3)


def test_all_is_seen_sooner_or_later(pictures: GpuPictures) -> None:
    """Mirrored and not, near and far; a batch has what Ultralytics' loss asks for."""
    made = [batch(pictures, Strength(), seed=seed, mosaic=True) for seed in range(8)]
    widths = np.concatenate([one["bboxes"].numpy()[:, 2] for one in made])
    assert widths.max() > 3 * widths.min()
    for one in made:
        assert one["img"].shape == (4, 3, SIDE, SIDE)
        assert 0 <= float(one["img"].min()) <= float(one["img"].max()) <= 1
        assert one["cls"].shape == (len(one["bboxes"]), 1)
        assert one["batch_idx"].shape == (len(one["bboxes"]),)
        assert (one["bboxes"] >= 0).all()
        assert (one["bboxes"] <= 1).all()


def test_an_unreadable_picture_is_named(tmp_path: Path) -> None:
    """It is refused, not left out silently."""
    label = {"im_file": str(tmp_path / "none.png"), "cls": np.zeros((0, 1)), "bboxes": np.zeros((0, 4))}
    with pytest.raises(InvalidRequest, match=r"none\.png"):
        gpu_pictures([label], longest_px=64, device="cpu", workers=1)


def test_a_training_holds_its_pictures(tmp_path: Path) -> None:
    """`--set cache=gpu` trains to the end; on a processor that is slow, and the same."""
    data = write_set(tmp_path / "set", {**{f"train/{number}": GOOD for number in range(4)}, "val/0": GOOD})
    order = [
        "--data",
        str(data),
        "--base",
        "yolov8n.yaml",
        "--imgsz",
        "160",
        "--epochs",
        "1",
        "--batch",
        "2",
        "--device",
        "cpu",
    ]
    ended = subprocess.run(
        [sys.executable, "-m", "server", "train", *order, "--set", "cache=gpu", "--out", str(tmp_path / "out")],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    assert "best.pt: 1 epoch" in ended.stdout
    assert "Using 0 dataloader workers" in (tmp_path / "out" / "train.log").read_text()
