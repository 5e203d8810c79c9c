"""Pasting: puts a cut-out into a picture as if it had been there."""

import cv2
import numpy as np
import numpy.typing as npt

from server.training.cutouts import Cutout
from server.training.scene import Pixels, Scene


def paste(
    picture: Scene,
    cutout: Cutout,
    *,
    rng: np.random.Generator,
    longest_px: tuple[float, float],
    around: npt.NDArray[np.float32] | None = None,
) -> Scene:
    """Returns the picture with the cut-out at a free place, turned, mirrored, lit and softened like its surroundings.

    Its longer side lies between `longest_px`, small ones as often as large ones (log-uniform), its middle inside the box
    `around` (xyxy in pixels; anywhere without). Where no place is free of boxes, the picture comes back as it is.
    """
    longest = float(np.exp(rng.uniform(*np.log(longest_px))))
    pixels, alpha = _posed(cutout, rng, longest=longest)
    height, width = alpha.shape
    corner = _free_place(picture, rng, size=(width, height), around=around)
    if corner is None:
        return picture
    left, top = corner
    window = np.s_[top : top + height, left : left + width]
    blended = picture.pixels.copy()
    share = (alpha.astype(np.float32) / 255)[..., None]
    lit = _lit_like(pixels, picture.pixels[window], rng=rng)
    blended[window] = (lit * share + blended[window] * (1 - share)).astype(np.uint8)
    if cutout.class_id is None:
        return Scene(blended, picture.boxes)
    box = np.array([[cutout.class_id, left, top, left + width, top + height]], np.float32)
    return Scene(blended, np.concatenate([picture.boxes, box]))


def _posed(cutout: Cutout, rng: np.random.Generator, *, longest: float) -> tuple[Pixels, npt.NDArray[np.uint8]]:
    """The cut-out mirrored, turned (mostly a little), squeezed as if seen from the side, and resized; cut tightly again."""
    layers = np.dstack([cutout.pixels, cutout.alpha])
    if rng.random() < 0.5:
        layers = layers[:, ::-1]
    degrees = float(rng.normal(0, 25) if rng.random() < 0.7 else rng.uniform(0, 360))
    squeeze = np.array([rng.uniform(0.5, 1.0) if rng.random() < 0.4 else 1.0, 1.0])
    gain = squeeze * longest / max(layers.shape[:2])
    turned = _tight(_turned(np.ascontiguousarray(layers), degrees=degrees, gain=gain))
    alpha = cv2.GaussianBlur(turned[..., 3], (3, 3), 0) if longest > 20 else turned[..., 3]
    return turned[..., :3], np.asarray(alpha, np.uint8)


def _turned(layers: Pixels, *, degrees: float, gain: npt.NDArray[np.float64]) -> Pixels:
    """Resizes before turning, so that a small cut-out is averaged and not sampled."""
    height, width = layers.shape[:2]
    size = (max(4, round(width * gain[0])), max(4, round(height * gain[1])))
    small = cv2.resize(layers, size, interpolation=cv2.INTER_AREA if gain.min() < 1 else cv2.INTER_LINEAR)
    diagonal = int(np.ceil(np.hypot(*size))) + 2
    turn = cv2.getRotationMatrix2D((size[0] / 2, size[1] / 2), degrees, 1.0)
    turn[:, 2] += (np.array([diagonal, diagonal]) - size) / 2
    return np.asarray(
        cv2.warpAffine(small, turn, (diagonal, diagonal), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT), np.uint8
    )


def _tight(layers: Pixels) -> Pixels:
    seen = layers[..., 3] > 64
    if not seen.any():
        return layers
    rows, columns = np.flatnonzero(seen.any(axis=1)), np.flatnonzero(seen.any(axis=0))
    return layers[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _free_place(
    picture: Scene, rng: np.random.Generator, *, size: tuple[int, int], around: npt.NDArray[np.float32] | None
) -> tuple[int, int] | None:
    """A corner at which the cut-out covers no box and lies inside the picture."""
    room = np.array([picture.width, picture.height]) - size
    if room.min() <= 0:
        return None
    low, high = (np.zeros(2), room) if around is None else (around[:2] - np.array(size) / 2, around[2:] - np.array(size) / 2)
    for _ in range(10):
        left, top = rng.uniform(low, np.maximum(high, low + 1)).astype(int).clip(0, room).tolist()
        beside = (picture.boxes[:, 1] >= left + size[0]) | (picture.boxes[:, 3] <= left)
        below = (picture.boxes[:, 2] >= top + size[1]) | (picture.boxes[:, 4] <= top)
        if (beside | below).all():
            return left, top
    return None


def _lit_like(pixels: Pixels, surroundings: Pixels, *, rng: np.random.Generator) -> npt.NDArray[np.float32]:
    """The cut-out in the light of its place: dark where that is dark, softened as a camera would."""
    light = float(surroundings.mean()) / 160
    lit = pixels.astype(np.float32) * np.float32(np.clip(light * rng.uniform(0.7, 1.3), 0.25, 1.15))
    # Haze and reflections: nothing in a camera's picture is quite black.
    lit = lit * np.float32(0.9) + np.float32(0.1 * surroundings.mean() * rng.uniform(0.3, 1.0))
    if min(pixels.shape[:2]) > 3 and rng.random() < 0.6:
        lit = np.asarray(cv2.GaussianBlur(lit, (0, 0), float(rng.uniform(0.4, 1.1))), np.float32)
    return lit.clip(0, 255)
