"""Cut-outs: objects without their background, to be pasted into other pictures.

They come from pictures with alpha (PNG), or are cut from product shots: pictures whose border is one plain colour.
"""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from server.training.scene import Pixels, Scene

# A border is plain when its pixels differ this little, and an object's pixels differ from it by more than the threshold.
_PLAIN_STD = 8.0
_OBJECT_DIFFERENCE = 28
# What fills less of its box is torn (a thin shadow, a watermark), what fills more has no shape: the box was the picture.
_LEAST_FILL, _MOST_FILL = 0.15, 0.85
_SEEN_ALPHA = 32


@dataclass(frozen=True, slots=True, eq=False)
class Cutout:
    """An object: `pixels` `(h, w, 3) uint8` BGR, `alpha` `(h, w) uint8`, cut tightly.

    `class_id` is None for what is no object of any class.
    """

    pixels: Pixels
    alpha: npt.NDArray[np.uint8]
    class_id: int | None


def cutout_with_alpha(path: Path) -> Cutout | None:
    """Reads a picture with alpha as something that is of no class; None where the file holds no such picture."""
    pixels = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    if pixels is None or pixels.ndim != 3 or pixels.shape[2] != 4 or pixels.dtype != np.uint8:
        return None
    return _tight(pixels[..., :3].astype(np.uint8), pixels[..., 3].astype(np.uint8), class_id=None)


def cutout_from_plain(picture: Scene) -> Cutout | None:
    """Cuts the one object out of a picture with a plain border; None where there is none, or more than one.

    A picture without boxes gives an object of no class.
    """
    if len(picture.boxes) > 1:
        return None
    background = _plain_border(picture.pixels)
    if background is None:
        return None
    mask = _largest_part(np.abs(picture.pixels.astype(np.int16) - background).max(axis=2) > _OBJECT_DIFFERENCE)
    class_id = int(picture.boxes[0, 0]) if len(picture.boxes) else None
    cutout = _tight(picture.pixels, mask, class_id=class_id)
    if cutout is None or not _LEAST_FILL <= float((cutout.alpha > 0).mean()) <= _MOST_FILL:
        return None
    if class_id is not None and not _agrees(mask, picture.boxes[0, 1:]):
        return None
    return Cutout(cutout.pixels, cv2.GaussianBlur(cutout.alpha, (3, 3), 0).astype(np.uint8), class_id)


def _plain_border(pixels: Pixels) -> npt.NDArray[np.int16] | None:
    """The colour of the border, None where it is not plain."""
    border = np.concatenate(
        [pixels[:3].reshape(-1, 3), pixels[-3:].reshape(-1, 3), pixels[:, :3].reshape(-1, 3), pixels[:, -3:].reshape(-1, 3)]
    )
    middle: npt.NDArray[np.int16] = np.median(border, axis=0).astype(np.int16)
    # The object may touch an edge: most of the border has to be plain, not all of it.
    near = np.abs(border.astype(np.int16) - middle).max(axis=1) < 3 * _PLAIN_STD
    if near.mean() < 0.9 or border[near].std(axis=0).max() > _PLAIN_STD:
        return None
    return middle


def _largest_part(mask: npt.NDArray[np.bool_]) -> npt.NDArray[np.uint8]:
    """The largest connected part of a mask, small gaps closed, as 0 and 255."""
    closed = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8))
    count, parts, stats, _ = cv2.connectedComponentsWithStats(closed)
    if count < 2:
        return np.zeros(mask.shape, np.uint8)
    largest = 1 + int(stats[1:, cv2.CC_STAT_AREA].argmax())
    return np.where(parts == largest, 255, 0).astype(np.uint8)


def _tight(pixels: Pixels, alpha: npt.NDArray[np.uint8], *, class_id: int | None) -> Cutout | None:
    """The part of the picture that is seen at all."""
    rows, columns = np.flatnonzero((alpha > _SEEN_ALPHA).any(axis=1)), np.flatnonzero((alpha > _SEEN_ALPHA).any(axis=0))
    if len(rows) < 8 or len(columns) < 8:
        return None
    window = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return Cutout(pixels[window].copy(), alpha[window].copy(), class_id)


def _agrees(mask: npt.NDArray[np.uint8], xyxy: npt.NDArray[np.float32]) -> bool:
    """Whether what was cut out is what the box says."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    cut = np.array([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1], np.float32)
    low, high = np.maximum(cut[:2], xyxy[:2]), np.minimum(cut[2:], xyxy[2:])
    shared = float(np.prod(np.maximum(high - low, 0)))
    union = float(np.prod(cut[2:] - cut[:2]) + np.prod(xyxy[2:] - xyxy[:2])) - shared
    return shared / max(union, 1.0) > 0.7
