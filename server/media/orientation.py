"""Orientation: how a recorded picture is turned and mirrored to stand upright, as phones write it into their videos.

FFmpeg's display matrix and the `matrix` of an MP4 track header (ISO/IEC 14496-12, 8.3.2) are the same: a b u, c d v, x y w.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import cv2
import numpy as np
import numpy.typing as npt

Planes = npt.NDArray[np.uint8]
"""I420 pixels, `(height * 3 // 2, width)`."""


@dataclass(frozen=True, slots=True)
class Orientation:
    """First rows and columns change places where `transposed`, then left and right (`mirrored`), top and bottom (`flipped`)."""

    transposed: bool = False
    mirrored: bool = False
    flipped: bool = False

    @classmethod
    def of_matrix(cls, matrix: tuple[int, ...]) -> "Orientation":
        """The one of nine numbers that is nearest; turns by other than quarters do not occur in cameras."""
        a, b, _, c, d = matrix[:5]
        if abs(b) + abs(c) > abs(a) + abs(d):
            return cls(transposed=True, mirrored=c < 0, flipped=b < 0)
        return cls(mirrored=a < 0, flipped=d < 0)

    @property
    def rotation_deg(self) -> int:
        """How far the recorded picture is turned clockwise; a mirrored one as if it were not."""
        if self.transposed:
            return 90 if self.mirrored else 270
        return 180 if self.flipped else 0

    def upright(self, pixels: Planes) -> Planes:
        """Returns the planes turned; the same ones when there is nothing to do."""
        if self == Orientation():
            return pixels
        height, width = pixels.shape[0] * 2 // 3, pixels.shape[1]
        shown = (width, height) if self.transposed else (height, width)
        turned = np.empty((shown[0] * 3 // 2, shown[1]), np.uint8)
        self._turn(pixels[:height], turned[: shown[0]])
        sources = pixels[height:].reshape(2, height // 2, width // 2)
        targets = turned[shown[0] :].reshape(2, shown[0] // 2, shown[1] // 2)
        for source, target in zip(sources, targets, strict=True):
            self._turn(source, target)
        return turned

    def _turn(self, source: npt.NDArray[np.uint8], target: npt.NDArray[np.uint8]) -> None:
        plane = cv2.transpose(source) if self.transposed else source
        if self.mirrored or self.flipped:
            # OpenCV: above 0 mirrors left and right, 0 turns upside down, below 0 does both.
            cv2.flip(plane, -1 if self.mirrored and self.flipped else 1 if self.mirrored else 0, dst=target)
        else:
            target[:] = plane


def mp4_orientation(path: Path) -> Orientation:
    """The orientation of the first video track of an MP4 or MOV file, from its boxes alone; upright where they do not say.

    Blocks; raises OSError.
    """
    with path.open("rb") as file:
        end = path.stat().st_size
        for kind, moov_end in _boxes(file, end=end):
            if kind == b"moov":
                return _first_video_track(file, end=moov_end)
    return Orientation()


def _first_video_track(file: BinaryIO, *, end: int) -> Orientation:
    for kind, trak_end in _boxes(file, end=end):
        if kind == b"trak":
            orientation = _track(file, end=trak_end)
            if orientation is not None:
                return orientation
    return Orientation()


def _track(file: BinaryIO, *, end: int) -> Orientation | None:
    """The orientation of one track; None where it is no video: those have a width and a height in their header."""
    for kind, box_end in _boxes(file, end=end):
        if kind == b"tkhd":
            body = file.read(min(box_end - file.tell(), 96))
            start = 52 if body[:1] == b"\x01" else 40  # version 1 has 64-bit times
            if len(body) < start + 44:
                return None
            *matrix, width, height = struct.unpack(">9i2I", body[start : start + 44])
            return Orientation.of_matrix(tuple(matrix)) if width and height else None
    return None


def _boxes(file: BinaryIO, *, end: int) -> Iterator[tuple[bytes, int]]:
    """The boxes from here to `end`: kind and end of each, the file standing at its body."""
    position = file.tell()
    while position + 8 <= end:
        file.seek(position)
        size, kind = struct.unpack(">I4s", file.read(8))
        if size == 1:
            (size,) = struct.unpack(">Q", file.read(8).ljust(8, b"\0"))
        elif size == 0:
            size = end - position
        if size < 8:
            return
        position = min(position + size, end)
        yield kind, position
