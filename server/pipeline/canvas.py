"""A copy of a frame to draw on: the same strokes for planes and for BGR, without any conversion."""

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from server.domain.frame import Frame, PixelLayout
from server.pipeline.palette import INK, Colour

Pixels = npt.NDArray[np.uint8]

_CASING_OPACITY = 0.75
_FADED_OPACITY = 0.55


class Rect(NamedTuple):
    """A rectangle of whole pixels, from `left`, `top` up to and without `right`, `bottom`."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def width(self) -> int:
        """From left to right, in pixels."""
        return self.right - self.left

    @property
    def height(self) -> int:
        """From top to bottom, in pixels."""
        return self.bottom - self.top

    def inset(self, by: int) -> "Rect":
        """The rectangle whose sides lie `by` pixels further inside; a negative `by` makes it larger."""
        return Rect(self.left + by, self.top + by, self.right - by, self.bottom - by)

    def ring(self, thickness: int, *, cut: int) -> tuple["Rect", "Rect", "Rect", "Rect"]:
        """The top, bottom, left and right strips along the inside of this rectangle, which overlap where they meet.

        A square of `cut` pixels is missing at each corner, which looks round at this size.
        """
        inner = self.inset(thickness)
        return (
            Rect(self.left + cut, self.top, self.right - cut, inner.top),
            Rect(self.left + cut, inner.bottom, self.right - cut, self.bottom),
            Rect(self.left, self.top + cut, inner.left, self.bottom - cut),
            Rect(inner.right, self.top + cut, self.right, self.bottom - cut),
        )

    def clip(self, width: int, height: int) -> "Rect":
        """The part of this rectangle that lies in a picture, at the origin and empty where none does."""
        left, top = max(self.left, 0), max(self.top, 0)
        right, bottom = min(self.right, width), min(self.bottom, height)
        return Rect(left, top, right, bottom) if left < right and top < bottom else Rect(0, 0, 0, 0)


@dataclass(frozen=True, slots=True, eq=False)
class Sprite:
    """A small picture of even sides in the planes of a layout, to be pasted as it is."""

    planes: tuple[Pixels, ...]

    @property
    def width(self) -> int:
        """Width in pixels of the picture."""
        return int(self.planes[0].shape[1])

    @property
    def height(self) -> int:
        """Height in pixels of the picture."""
        return int(self.planes[0].shape[0])

    @property
    def nbytes(self) -> int:
        """The memory that its pixels take."""
        return sum(plane.nbytes for plane in self.planes)


class Canvas:
    """A copy of a frame's pixels; one thread at a time.

    Chroma planes have half the resolution: there a stroke covers every pixel that it touches, so that a thin line keeps its
    colour wherever it lies. Strokes at even coordinates are exact.
    """

    def __init__(self, frame: Frame) -> None:
        self._original = frame
        # The three channels of ink lie within 5 levels of each other: the middle one stands for all in BGR.
        self._ink = INK.yuv if frame.layout is PixelLayout.I420 else INK.bgr[1:2]
        self._drawn = replace(frame, pixels=frame.pixels.copy())
        self._width, self._height = frame.width, frame.height
        self._planes = self._drawn.planes() if frame.layout is PixelLayout.I420 else (self._drawn.pixels,)

    def fill(self, rect: Rect, colour: Colour) -> None:
        """Covers a rectangle with a colour."""
        for part, value in zip(self._parts(rect), colour.planes(self._original.layout), strict=True):
            part[...] = value

    def dash(self, rect: Rect, colour: Colour, *, dash_px: int) -> None:
        """Covers a strip along its longer side with dashes of a colour and gaps of half their length; `dash_px` is even."""
        along_x = rect.width >= rect.height
        values = colour.planes(self._original.layout)
        for number, (part, value) in enumerate(zip(self._parts(rect), values, strict=True)):
            line = part if along_x else part.swapaxes(0, 1)
            line[:, _dashes(line.shape[1], dash_px // 2 if number else dash_px)] = value

    def shade(self, rect: Rect) -> None:
        """Darkens a rectangle towards ink: the casing that sets a line off from any background."""
        for part, ink in zip(self._parts(rect), self._ink, strict=True):
            if part.size:
                cv2.convertScaleAbs(part, dst=part, alpha=1 - _CASING_OPACITY, beta=_CASING_OPACITY * ink)

    def paste(self, sprite: Sprite, *, left: int, top: int, cut: int) -> None:
        """Puts a sprite at even coordinates inside the picture, without `cut` (even) pixels in the square at each corner."""
        width, height = sprite.width, sprite.height
        for band in (
            Rect(cut, 0, width - cut, cut),
            Rect(0, cut, width, height - cut),
            Rect(cut, height - cut, width - cut, height),
        ):
            there = Rect(left + band.left, top + band.top, left + band.right, top + band.bottom)
            for part, pixels in zip(self._parts(there), _views(sprite.planes, band), strict=True):
                part[...] = pixels

    def frame(self, *, faded: bool) -> Frame:
        """What was drawn, as a frame; `faded` lets the original shine through."""
        if faded:
            original, drawn = self._original.pixels, self._drawn.pixels
            cv2.addWeighted(original, 1 - _FADED_OPACITY, drawn, _FADED_OPACITY, 0, dst=drawn)
        return self._drawn

    def _parts(self, rect: Rect) -> tuple[Pixels, ...]:
        return _views(self._planes, rect.clip(self._width, self._height))


def _views(planes: tuple[Pixels, ...], rect: Rect) -> tuple[Pixels, ...]:
    """The parts of the planes that a rectangle inside them covers; those behind the first have half its resolution."""
    rows = slice(rect.top // 2, (rect.bottom + 1) // 2)
    columns = slice(rect.left // 2, (rect.right + 1) // 2)
    return (planes[0][rect.top : rect.bottom, rect.left : rect.right], *(plane[rows, columns] for plane in planes[1:]))


@lru_cache(maxsize=256)  # sides of a few lengths come again and again, and making one takes as long as drawing it
def _dashes(length: int, dash: int) -> npt.NDArray[np.bool_]:
    """Which pixels of a line are coloured."""
    return np.arange(length) % (dash + dash // 2) < dash
