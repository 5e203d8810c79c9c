"""Small data sets in YOLO layout with pictures that differ, and what is wrong with them planted on purpose."""

from collections.abc import Mapping
from pathlib import Path

import cv2
import numpy as np

from tests.drawing import Image

GOOD = "0 0.5 0.5 0.4 0.4\n"


def make_picture(seed: int, size: tuple[int, int] = (96, 64)) -> Image:
    """A picture of soft coloured patches, unlike that of any other seed."""
    patches = np.random.default_rng(seed).integers(0, 255, (5, 6, 3), dtype=np.uint8)
    return np.asarray(cv2.resize(patches, size, interpolation=cv2.INTER_CUBIC), np.uint8)


def write_set(folder: Path, labels: Mapping[str, str | None], *, names: str = "[firearm]") -> Path:
    """Writes a set of the pictures `split/name`, each with that label, None standing for no label file; returns data.yaml."""
    for seed, (name, label) in enumerate(labels.items()):
        picture = (folder / "images" / name).with_suffix(".png")
        picture.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(picture), make_picture(seed))
        text = (folder / "labels" / name).with_suffix(".txt")
        text.parent.mkdir(parents=True, exist_ok=True)
        if label is not None:
            text.write_text(label)
    data = folder / "data.yaml"
    data.write_text(f"train: images/train\nval: images/val\nnames: {names}\n")
    return data
