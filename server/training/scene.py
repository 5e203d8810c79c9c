"""Scenes: labelled pictures in memory, which composites are made from and turn into."""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from server.domain.errors import InvalidRequest
from server.training.labelled_pictures import LabelledPicture

Pixels = npt.NDArray[np.uint8]
"""`(height, width, 3) uint8`, BGR."""

Boxes = npt.NDArray[np.float32]
"""`(n, 5) float32`: class id, then x1, y1, x2, y2 in pixels of the picture."""


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """A picture and the boxes in it."""

    pixels: Pixels
    boxes: Boxes

    @property
    def width(self) -> int:
        """Width in pixels."""
        return int(self.pixels.shape[1])

    @property
    def height(self) -> int:
        """Height in pixels."""
        return int(self.pixels.shape[0])

    @property
    def longest_sides_px(self) -> npt.NDArray[np.float32]:
        """The longer side of each box, `(n,) float32`."""
        sides: npt.NDArray[np.float32] = (self.boxes[:, 3:] - self.boxes[:, 1:3]).max(axis=1, initial=0)
        return sides

    def label_text(self) -> str:
        """The text of its YOLO label file: class, centre and size, as shares of the picture's sides."""
        return "".join(self._line(row) for row in self.boxes.tolist())

    def _line(self, row: list[float]) -> str:
        class_id, x1, y1, x2, y2 = row
        x, y = (x1 + x2) / 2 / self.width, (y1 + y2) / 2 / self.height
        return f"{int(class_id)} {x:.6f} {y:.6f} {(x2 - x1) / self.width:.6f} {(y2 - y1) / self.height:.6f}\n"


def read_scene(picture: LabelledPicture) -> Scene:
    """Reads a labelled picture's pixels; raises InvalidRequest when they cannot be read."""
    pixels = cv2.imread(str(picture.path), cv2.IMREAD_COLOR)
    if pixels is None:
        raise InvalidRequest(f"{picture.path}: cannot be read as a picture")
    height, width = pixels.shape[:2]
    corners = picture.boxes * np.array([width, height, width, height])
    return Scene(pixels.astype(np.uint8, copy=False), np.column_stack([picture.class_id, corners]).astype(np.float32))


def clipped(boxes: Boxes, *, width: int, height: int) -> tuple[Boxes, npt.NDArray[np.float32]]:
    """The boxes cut at the picture's edges, and which share of each one's area is left, `(n,) float32`."""
    inside = boxes.copy()
    inside[:, 1::2] = inside[:, 1::2].clip(0, width)
    inside[:, 2::2] = inside[:, 2::2].clip(0, height)
    return inside, np.asarray(_areas(inside) / np.maximum(_areas(boxes), 1e-6), np.float32)


def _areas(boxes: Boxes) -> npt.NDArray[np.float32]:
    areas: npt.NDArray[np.float32] = np.prod(np.maximum(boxes[:, 3:] - boxes[:, 1:3], 0), axis=1)
    return areas
