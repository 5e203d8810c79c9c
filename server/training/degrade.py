"""Degrade: what cameras, their light and their encoders do to a picture."""

from collections.abc import Callable

import cv2
import numpy as np

from server.training.scene import Pixels

Degradation = Callable[[Pixels, np.random.Generator], Pixels]


def degraded(pixels: Pixels, rng: np.random.Generator, *, most: int = 3) -> Pixels:
    """Returns the picture after one to `most` of the degradations, in the order in which a camera adds them."""
    chosen = np.sort(rng.choice(len(_IN_ORDER), size=int(rng.integers(1, most + 1)), replace=False))
    for number in chosen.tolist():
        pixels = _IN_ORDER[number](pixels, rng)
    return pixels


def _light(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """Too little or too much light, and less contrast."""
    gamma = float(np.exp(rng.uniform(-0.5, 0.9)))
    steps = np.linspace(0, 1, 256) ** gamma
    contrast = float(rng.uniform(0.6, 1.1))
    curve = (0.5 + (steps - 0.5) * contrast).clip(0, 1) * 255
    return np.asarray(cv2.LUT(pixels, curve.astype(np.uint8)), np.uint8)


def _cast(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """The colour of lamps."""
    return np.asarray((pixels * rng.uniform(0.75, 1.1, 3)).clip(0, 255), np.uint8)


def _grey(pixels: Pixels, _: np.random.Generator) -> Pixels:
    """A camera at night."""
    return np.asarray(cv2.cvtColor(cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR), np.uint8)


def _coarse(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """A sensor of fewer pixels."""
    height, width = pixels.shape[:2]
    share = float(rng.uniform(0.4, 0.8))
    small = cv2.resize(pixels, (max(8, round(width * share)), max(8, round(height * share))), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)


def _motion(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """Movement while the shutter was open."""
    length = int(rng.integers(3, 8))
    kernel = np.zeros((length, length), np.float32)
    kernel[length // 2] = 1
    turn = cv2.getRotationMatrix2D(((length - 1) / 2, (length - 1) / 2), float(rng.uniform(0, 180)), 1.0)
    kernel = np.asarray(cv2.warpAffine(kernel, turn, (length, length)), np.float32)
    return np.asarray(cv2.filter2D(pixels, -1, kernel / max(float(kernel.sum()), 1e-6)), np.uint8)


def _soft(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """A lens out of focus."""
    return np.asarray(cv2.GaussianBlur(pixels, (0, 0), float(rng.uniform(0.5, 1.6))), np.uint8)


def _noise(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """A sensor in little light."""
    noise = rng.normal(0, rng.uniform(3, 14), pixels.shape).astype(np.float32)
    return np.asarray((pixels + noise).clip(0, 255), np.uint8)


def _blocks(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """An encoder with too few bits."""
    _, encoded = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(20, 65))])
    return np.asarray(cv2.imdecode(encoded, cv2.IMREAD_COLOR), np.uint8)


_IN_ORDER: tuple[Degradation, ...] = (_light, _cast, _motion, _soft, _coarse, _noise, _grey, _blocks)
