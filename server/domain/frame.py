"""Frames: pictures that carry the time at which they were received."""

import enum
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


class PixelLayout(enum.Enum):
    """How the pixels of a frame lie in memory."""

    BGR = "bgr"
    """`(height, width, 3) uint8`, OpenCV's order."""

    I420 = "i420"
    """`(height * 3 // 2, width) uint8`: planes Y, U, V one after the other, limited range, BT.601, even sides."""


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One picture of a source.

    `pixels` is C-contiguous and never changed after the frame is made: whoever draws makes a copy.
    `index` counts the frames that the source received, from 0. `pts_s` is the source's own time in seconds.
    `received_at` is the clock's reading in seconds (`time.monotonic`) when the last byte of the frame arrived; it stays
    with the frame to the very end, so that every age is measured from it.
    """

    pixels: npt.NDArray[np.uint8]
    layout: PixelLayout
    index: int = 0
    pts_s: float = 0.0
    received_at: float = 0.0

    @property
    def width(self) -> int:
        """Width of the picture in pixels."""
        return int(self.pixels.shape[1])

    @property
    def height(self) -> int:
        """Height of the picture in pixels."""
        rows = int(self.pixels.shape[0])
        return rows * 2 // 3 if self.layout is PixelLayout.I420 else rows

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of the picture in pixels."""
        return self.height, self.width

    def planes(self) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
        """The Y `(h, w)`, U and V `(h/2, w/2)` planes of an I420 frame, as views of `pixels`."""
        if self.layout is not PixelLayout.I420:
            raise ValueError(f"a {self.layout.value} frame has no planes")
        height, width = self.height, self.width
        chroma = self.pixels[height:].reshape(2, height // 2, width // 2)
        return self.pixels[:height], chroma[0], chroma[1]
