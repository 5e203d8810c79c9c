"""A small labelled set in YOLO layout, drawn by the project: a pistol near, in small pictures and far, and scenes without."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from tests.drawing import Image
from tests.scenes import CLIP_S, Shot, draw_empty, draw_frame, draw_room

SPLIT = "val"


class DrawnPicture(NamedTuple):
    """A picture with its boxes in pixels, and what kind it is."""

    name: str
    source: str
    shot: Shot


def drawn_pictures() -> Iterator[DrawnPicture]:
    """Yields 31 pictures of four kinds; four of them show no firearm."""
    for step in range(9):
        t = CLIP_S * (0.16 + 0.02 * step)  # the pistol comes into the picture, crosses it, and begins to leave
        yield DrawnPicture(f"near-{step}", "near", draw_frame(t))
        yield DrawnPicture(f"small-{step}", "small", draw_frame(t, (128, 96)))
        yield DrawnPicture(f"far-{step}", "far", _far_away(draw_frame(t), shrunk=0.06 + 0.03 * step))
    for number, size in enumerate(((640, 480), (320, 240))):
        yield DrawnPicture(f"empty-{number}", "empty", draw_empty(size))
        yield DrawnPicture(f"room-{number}", "empty", draw_room(size))


def write_drawn_set(folder: Path) -> Path:
    """Writes pictures, labels, `manifest.csv` and `data.yaml`, whose path is returned."""
    images, labels = folder / "images" / SPLIT, folder / "labels" / SPLIT
    images.mkdir(parents=True)
    labels.mkdir(parents=True)
    rows = ["split,file,source"]
    for name, source, shot in drawn_pictures():
        cv2.imwrite(str(images / f"{name}.png"), shot.bgr)
        (labels / f"{name}.txt").write_text("".join(f"{line}\n" for line in _label(shot)))
        rows.append(f"{SPLIT},{name}.png,{source}")
    (folder / "manifest.csv").write_text("\n".join(rows) + "\n")
    data = folder / "data.yaml"
    data.write_text(f"path: .\n{SPLIT}: images/{SPLIT}\nnames:\n  0: firearm\n")
    return data


def _label(shot: Shot) -> Iterator[str]:
    height, width = shot.bgr.shape[:2]
    for x1, y1, x2, y2 in shot.boxes:
        values = ((x1 + x2) / 2 / width, (y1 + y2) / 2 / height, (x2 - x1) / width, (y2 - y1) / height)
        yield "0 " + " ".join(f"{value:.6f}" for value in values)


def _far_away(shot: Shot, *, shrunk: float) -> Shot:
    """The shot as a small picture on the wall of the room."""
    room = draw_room().bgr.copy()
    inset: Image = np.asarray(cv2.resize(shot.bgr, None, fx=shrunk, fy=shrunk, interpolation=cv2.INTER_AREA), np.uint8)
    left, top = 60, 90
    room[top : top + inset.shape[0], left : left + inset.shape[1]] = inset
    moved = [(left + x1 * shrunk, top + y1 * shrunk, left + x2 * shrunk, top + y2 * shrunk) for x1, y1, x2, y2 in shot.boxes]
    return Shot(room, moved)
