"""Colour: brings I420 planes of any matrix and range to limited-range BT.601, which detector, annotator and encoders expect.

swscale does this by way of RGB at 8 bits, which darkens a BT.709 picture by four levels, or well and ten times as slowly.
The planes are linear in each other (ITU-R BT.601-7 2.5, BT.709-6 3), so that three weighted sums do it, exact to the rounding.
"""

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
import numpy.typing as npt

Planes = npt.NDArray[np.uint8]
"""I420 pixels, `(height * 3 // 2, width)`."""

BT601 = (0.299, 0.114)
"""The weights of red and blue in the luma."""

_STEPS = 16
"""The luma's correction is carried in sixteenths of a level, so that it is rounded once."""


@dataclass(frozen=True, slots=True)
class _Weights:
    """Y' = y Y + (yu U + yv V) + y0, and the same for U' and V'."""

    y: tuple[float, float]
    y_of_chroma: tuple[float, float, float]
    u: tuple[float, float, float]
    v: tuple[float, float, float]


def to_limited_bt601(pixels: Planes, *, luma_weights: tuple[float, float], full_range: bool) -> Planes:
    """Returns new I420 pixels; `luma_weights` are those of red and blue in the source's matrix."""
    height, width = pixels.shape[0] * 2 // 3, pixels.shape[1]
    weights = _weights(luma_weights, full_range)
    converted = np.empty_like(pixels)
    u, v = _chroma(pixels)
    for target, (of_u, of_v, offset) in zip(_chroma(converted), (weights.u, weights.v), strict=True):
        cv2.addWeighted(u, of_u, v, of_v, offset, dst=target)
    scale, offset = weights.y
    if luma_weights == BT601:
        cv2.convertScaleAbs(pixels[:height], dst=converted[:height], alpha=scale, beta=offset)
        return converted
    of_u, of_v, zero = (_STEPS * weight for weight in weights.y_of_chroma)
    correction = cv2.addWeighted(u, of_u, v, of_v, zero, dtype=cv2.CV_16S)
    correction = cv2.resize(correction, (width, height), interpolation=cv2.INTER_LINEAR)
    cv2.addWeighted(pixels[:height], scale, correction, 1 / _STEPS, offset, dst=converted[:height], dtype=cv2.CV_8U)
    return converted


def _chroma(pixels: Planes) -> Planes:
    """The U and V planes, `(2, height / 2, width / 2)`, as a view."""
    height, width = pixels.shape[0] * 2 // 3, pixels.shape[1]
    return pixels[height:].reshape(2, height // 2, width // 2)


@lru_cache(maxsize=16)
def _weights(luma_weights: tuple[float, float], full_range: bool) -> _Weights:  # noqa: FBT001 - lru_cache keys are positional
    """The weights for one matrix and range; 219 and 224 are the steps of luma and chroma in limited range."""
    between = _matrix(*BT601) @ np.linalg.inv(_matrix(*luma_weights))
    luma_step, chroma_step, black = (255.0, 255.0, 0.0) if full_range else (219.0, 224.0, 16.0)
    luma = 219 / luma_step
    rows = between[:, 1:] / chroma_step * np.array([[219.0], [224.0], [224.0]])
    of_chroma = [(float(of_u), float(of_v), float(-128 * (of_u + of_v))) for of_u, of_v in rows]
    (yu, yv, y0), (uu, uv, u0), (vu, vv, v0) = of_chroma
    return _Weights((luma, 16 - luma * black), (yu, yv, y0), (uu, uv, u0 + 128), (vu, vv, v0 + 128))


def _matrix(red: float, blue: float) -> npt.NDArray[np.float64]:
    """From red, green, blue to luma and the two colour differences, all in -0.5..1."""
    luma = np.array([red, 1 - red - blue, blue])
    to_blue = (np.array([0, 0, 1]) - luma) / (2 * (1 - blue))
    to_red = (np.array([1, 0, 0]) - luma) / (2 * (1 - red))
    return np.stack([luma, to_blue, to_red])
