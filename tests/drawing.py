"""Brushes of the drawn test scenes: smooth outlines, shaded shapes with soft shadows, and where they end up."""

import cv2
import numpy as np
import numpy.typing as npt

Image = npt.NDArray[np.uint8]
Colour = tuple[int, int, int]
"""Blue, green, red."""
Point = tuple[float, float]
Points = npt.NDArray[np.float64]
"""`(n, 2)`: x, y."""

_SHIFT = 4
"""Bits of sub-pixel position that OpenCV's drawing calls take."""


def outline(start: Point, *steps: tuple[float, ...]) -> Points:
    """Returns a closed outline: a step of two numbers is a line to x, y; one of four a curve by way of x, y to x, y."""
    points = [np.array([start], np.float64)]
    for step in steps:
        end, last = np.array(step[-2:]), points[-1][-1]
        if len(step) == 2:
            points.append(end[None])
            continue
        along = np.linspace(0, 1, 13)[1:, None]
        by = np.array(step[:2])
        points.append((1 - along) ** 2 * last + 2 * along * (1 - along) * by + along**2 * end)
    return np.concatenate(points)


def rounded(x: float, y: float, *, width: float, height: float, radius: float) -> Points:
    """Returns a rectangle with round corners."""
    right, bottom, r = x + width, y + height, radius
    return outline(
        (x + r, y),
        (right - r, y),
        (right, y, right, y + r),
        (right, bottom - r),
        (right, bottom, right - r, bottom),
        (x + r, bottom),
        (x, bottom, x, bottom - r),
        (x, y + r),
        (x, y, x + r, y),
    )


def disc(x: float, y: float, *, radius: float) -> Points:
    """Returns a circle."""
    angle = np.linspace(0, 2 * np.pi, 64, endpoint=False)
    return np.stack([x + radius * np.cos(angle), y + radius * np.sin(angle)], axis=1)


def placed(points: Points, *, at: Point, degrees: float = 0.0, scale: float = 1.0) -> Points:
    """Returns the points scaled, turned clockwise about the origin, and moved."""
    cos, sin = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
    return np.asarray(scale * points @ np.array([[cos, sin], [-sin, cos]]) + np.array(at), np.float64)


def bounds(points: Points) -> tuple[float, float, float, float]:
    """Returns the smallest box around the points: x1, y1, x2, y2."""
    (x1, y1), (x2, y2) = points.min(axis=0), points.max(axis=0)
    return float(x1), float(y1), float(x2), float(y2)


def fill(image: Image, points: Points, *, top: Colour, bottom: Colour | None = None, opacity: float = 1.0) -> None:
    """Fills an outline, from the colour at its top to that at its bottom."""
    window = _window(image, points, margin=2)
    if window is None:
        return
    (x1, y1, x2, y2) = window
    cover = np.float32(opacity) * _cover((y2 - y1, x2 - x1), points - np.array([x1, y1]))
    share = np.linspace(0, 1, y2 - y1, dtype=np.float32)[:, None, None]
    paint = np.array(top, np.float32) * (1 - share) + np.array(bottom or top, np.float32) * share
    _blend(image[y1:y2, x1:x2], paint, cover=cover)


def shadow(image: Image, points: Points, *, offset: Point = (10, 16), blur_px: float = 9, opacity: float = 0.5) -> None:
    """Darkens what lies under an outline, softly and to one side."""
    moved = points + np.array(offset)
    window = _window(image, moved, margin=round(3 * blur_px))
    if window is None:
        return
    (x1, y1, x2, y2) = window
    cover = cv2.GaussianBlur(_cover((y2 - y1, x2 - x1), moved - np.array([x1, y1])), (0, 0), blur_px)
    _blend(image[y1:y2, x1:x2], np.zeros(3, np.float32), cover=np.float32(opacity) * np.asarray(cover, np.float32))


def stroke(image: Image, points: Points, *, colour: Colour, width_px: float, opacity: float = 1.0) -> None:
    """Draws an open line through the points."""
    window = _window(image, points, margin=round(width_px) + 2)
    if window is None:
        return
    (x1, y1, x2, y2) = window
    cover = np.zeros((y2 - y1, x2 - x1), np.uint8)
    fixed = np.round((points - np.array([x1, y1])) * (1 << _SHIFT)).astype(np.int32)
    cv2.polylines(cover, [fixed], False, 255, max(1, round(width_px)), cv2.LINE_AA, _SHIFT)
    _blend(image[y1:y2, x1:x2], np.array(colour, np.float32), cover=np.float32(opacity / 255) * cover.astype(np.float32))


def lit(image: Image, *, centre: Point = (0.45, 0.3), corner: float = 0.55) -> Image:
    """Returns the picture under a lamp: brightest at `centre`, `corner` as bright in the far corners."""
    height, width = image.shape[:2]
    x, y = np.linspace(0, 1, width, dtype=np.float32), np.linspace(0, 1, height, dtype=np.float32)
    distance = np.hypot(x[None] - centre[0], y[:, None] - centre[1])
    light = 1.08 - (1.08 - corner) * (distance / distance.max()) ** 1.6
    return np.asarray(np.clip(image * light[..., None], 0, 255), np.uint8)


def _window(image: Image, points: Points, *, margin: int) -> tuple[int, int, int, int] | None:
    """The part of the image that an outline touches; None when it lies outside."""
    height, width = image.shape[:2]
    x1, y1, x2, y2 = bounds(points)
    left, top = max(0, int(x1) - margin), max(0, int(y1) - margin)
    right, bottom = min(width, int(x2) + margin + 1), min(height, int(y2) + margin + 1)
    return (left, top, right, bottom) if left < right and top < bottom else None


def _cover(shape: tuple[int, int], points: Points) -> npt.NDArray[np.float32]:
    """How much of each pixel an outline covers, 0 to 1."""
    cover = np.zeros(shape, np.uint8)
    cv2.fillPoly(cover, [np.round(points * (1 << _SHIFT)).astype(np.int32)], 255, cv2.LINE_AA, _SHIFT)
    return np.asarray(cover, np.float32) / np.float32(255)


def _blend(area: Image, paint: npt.NDArray[np.float32], *, cover: npt.NDArray[np.float32]) -> None:
    """Mixes paint into an area of the picture."""
    area[:] = np.round(area * (1 - cover[..., None]) + paint * cover[..., None]).astype(np.uint8)
