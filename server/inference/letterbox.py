"""Letterbox: how a picture of any size is fitted into the detector's input, and how boxes find the way back."""

from dataclasses import dataclass
from typing import Annotated

import numpy as np
import numpy.typing as npt
from msgspec import Meta

STRIDE_PX = 32
"""YOLO's coarsest feature map has one cell per 32 pixels, so both sides of the input are multiples of it."""

InputSize = Annotated[int, Meta(ge=160, le=1280, multiple_of=STRIDE_PX)]
"""Longest side of the input in pixels, where somebody may choose it."""

PAD_GREY = 114
"""The grey around the picture that YOLO models are trained with."""


@dataclass(frozen=True, slots=True)
class Letterbox:
    """Where a picture of `source_width` x `source_height` pixels lies inside the input of `width` x `height` pixels.

    `inner_width` x `inner_height` is the size of the resized picture, `left` and `top` its position.
    """

    source_width: int
    source_height: int
    width: int
    height: int
    inner_width: int
    inner_height: int
    left: int
    top: int

    @classmethod
    def fit(cls, *, width: int, height: int, imgsz: int) -> "Letterbox":
        """Returns the smallest input whose longest side is `imgsz`, as Ultralytics' `rect=True` does."""
        inner_width, inner_height = _resized(width, height, room=(imgsz, imgsz))
        padded = (inner_width + (imgsz - inner_width) % STRIDE_PX, inner_height + (imgsz - inner_height) % STRIDE_PX)
        return cls.into(width=width, height=height, canvas=padded)

    @classmethod
    def into(cls, *, width: int, height: int, canvas: tuple[int, int]) -> "Letterbox":
        """Fits the picture into the middle of an input whose width and height are given.

        Half a pixel too much goes to the right and to the bottom.
        """
        inner_width, inner_height = _resized(width, height, room=canvas)
        left, top = (canvas[0] - inner_width) // 2, (canvas[1] - inner_height) // 2
        return cls(width, height, *canvas, inner_width, inner_height, left, top)

    @property
    def rows(self) -> slice:
        """The rows of the input that the picture takes."""
        return slice(self.top, self.top + self.inner_height)

    @property
    def columns(self) -> slice:
        """The columns of the input that the picture takes."""
        return slice(self.left, self.left + self.inner_width)

    def to_source(self, xyxy: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Returns boxes `(n, 4) float32` given in pixels of the input in pixels of the source, clipped to it."""
        gain_x, gain_y = self.inner_width / self.source_width, self.inner_height / self.source_height
        offset = np.array([self.left, self.top, self.left, self.top], np.float32)
        gain = np.array([gain_x, gain_y, gain_x, gain_y], np.float32)
        limit = np.array([self.source_width, self.source_height] * 2, np.float32)
        return np.asarray(np.clip((xyxy - offset) / gain, 0, limit), np.float32)


def _resized(width: int, height: int, *, room: tuple[int, int]) -> tuple[int, int]:
    """The size of the picture when it fills the room in one direction; never less than a pixel."""
    gain = min(room[0] / width, room[1] / height)
    return max(1, round(width * gain)), max(1, round(height * gain))
