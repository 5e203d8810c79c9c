"""Composites: new training pictures made from labelled ones, one function a kind.

Each takes the material and a random generator, and returns a picture, or None where the draw fits nothing: draw again.
After Dwibedi, Misra and Hebert, "Cut, Paste and Learn" (ICCV 2017) and Kisantal et al., "Augmentation for small object
detection" (2019).
"""

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from server.domain.detection import Box
from server.training.cutouts import Cutout
from server.training.degrade import degraded
from server.training.labelled_pictures import LabelledPicture
from server.training.pasting import paste
from server.training.scene import Boxes, Pixels, Scene, clipped, read_scene

# An object that is cut to less than this share is shown too little to be asked for, and too much to be called background.
_WHOLE_ENOUGH = 0.6
_GONE = 0.05
# The smallest object worth asking for, in pixels of the composed picture.
_SMALLEST_PX = 8.0
_SHAPES = ((1.0, 1.0), (1.0, 0.75), (1.0, 0.5625), (0.75, 1.0))


Place = tuple[LabelledPicture, Box]
"""A picture and a box in it."""


@dataclass(frozen=True, slots=True, eq=False)
class Material:
    """What composites are made of.

    `mined` are places in pictures without objects where a detector saw one, `people` those where a person stands.
    """

    with_objects: list[LabelledPicture]
    without: list[LabelledPicture]
    mined: list[Place]
    people: list[Place]
    objects: list[Cutout]
    others: list[Cutout]
    longest_px: int

    def any_with_objects(self, rng: np.random.Generator) -> Scene:
        """A picture that shows an object."""
        return read_scene(self.with_objects[int(rng.integers(len(self.with_objects)))])

    def any_without(self, rng: np.random.Generator) -> Scene:
        """A picture that shows none."""
        return read_scene(self.without[int(rng.integers(len(self.without)))])


Composite = Callable[[Material, np.random.Generator], Scene | None]


def enlarged(material: Material, rng: np.random.Generator) -> Scene | None:
    """A part of a picture around a small object, enlarged up to four times."""
    picture = material.any_with_objects(rng)
    small = np.flatnonzero(picture.longest_sides_px < 0.15 * max(picture.width, picture.height))
    if not len(small):
        return None
    box = picture.boxes[int(rng.choice(small)), 1:]
    side = float((box[2:] - box[:2]).max()) * float(np.exp(rng.uniform(np.log(4), np.log(22))))
    return _view(picture, around=box, side_px=max(side, material.longest_px / 4), longest_px=material.longest_px, rng=rng)


def emptied(material: Material, rng: np.random.Generator) -> Scene | None:
    """A part of any picture that shows no object."""
    picture = material.any_without(rng) if rng.random() < 0.6 else material.any_with_objects(rng)
    side = max(picture.width, picture.height) * float(rng.uniform(0.3, 0.9))
    at = rng.uniform(0, 1, 2) * (picture.width, picture.height)
    view = _view(picture, around=np.concatenate([at, at]), side_px=side, longest_px=material.longest_px, rng=rng)
    return view if view is not None and not len(view.boxes) else None


def mined(material: Material, rng: np.random.Generator) -> Scene | None:
    """What a detector took for an object and is none, with more or less around it."""
    if not material.mined:
        return None
    source, xyxy = material.mined[int(rng.integers(len(material.mined)))]
    picture, box = read_scene(source), np.array(xyxy, np.float32)
    side = float((box[2:] - box[:2]).max()) * float(np.exp(rng.uniform(np.log(2), np.log(12))))
    return _view(picture, around=box, side_px=max(side, material.longest_px / 5), longest_px=material.longest_px, rng=rng)


def tiles(material: Material, rng: np.random.Generator) -> Scene | None:
    """Two to four rows of whole pictures, each small: objects as far away as those of cameras, with what is around them."""
    count, (share_x, share_y) = int(rng.integers(2, 5)), _SHAPES[int(rng.integers(2))]
    cell = (round(material.longest_px * share_x / count), round(material.longest_px * share_y / count))
    canvas = np.full((cell[1] * count, cell[0] * count, 3), int(rng.integers(0, 256)), np.uint8)
    boxes = []
    for place in range(count * count):
        tile = _tile(material, rng, cell=cell)
        corner = (place % count * cell[0], place // count * cell[1])
        canvas[corner[1] : corner[1] + tile.height, corner[0] : corner[0] + tile.width] = tile.pixels
        boxes.append(tile.boxes + np.array([0, *corner, *corner], np.float32))
    return Scene(canvas, np.concatenate(boxes))


def pasted(material: Material, rng: np.random.Generator) -> Scene | None:
    """Cut-out objects, and others that are none, in a picture."""
    background = _background(material, rng, with_objects=0.25)
    if background is None or not material.objects:
        return None
    for _ in range(int(rng.integers(1, 4))):
        background = paste(background, _any(material.objects, rng), rng=rng, longest_px=(12, 110))
    return _with_others(material, background, rng=rng, most=2)


def held(material: Material, rng: np.random.Generator) -> Scene | None:
    """An object, or a thing that is none, about where a person has the hands: only its looks tell which it is."""
    if not material.people or not material.objects or not material.others:
        return None
    source, xyxy = material.people[int(rng.integers(len(material.people)))]
    picture, person = read_scene(source), np.array([[-1, *xyxy]], np.float32)
    marked = Scene(picture.pixels, np.concatenate([picture.boxes, person]))
    side = float(person[0, 4] - person[0, 2]) * float(rng.uniform(1.2, 4))
    view = _view(
        marked, around=person[0, 1:], side_px=max(side, material.longest_px / 5), longest_px=material.longest_px, rng=rng
    )
    if view is None:
        return None
    (x1, y1, x2, y2), reach = view.boxes[-1, 1:].tolist(), 0.15 * float(view.boxes[-1, 3] - view.boxes[-1, 1])
    hands = np.array([x1 - reach, y1 + 0.25 * (y2 - y1), x2 + reach, y1 + 0.65 * (y2 - y1)], np.float32)
    cutout = _any(material.objects if rng.random() < 0.55 else material.others, rng)
    size = ((y2 - y1) * 0.08, (y2 - y1) * 0.25)
    if size[1] < _SMALLEST_PX:
        return None
    without_person = Scene(view.pixels, view.boxes[:-1])
    return paste(without_person, cutout, rng=rng, longest_px=(max(_SMALLEST_PX, size[0]), size[1] + 1), around=hands)


def others(material: Material, rng: np.random.Generator) -> Scene | None:
    """Cut-out things that are no objects of any class, in a picture that mostly shows none either."""
    background = _background(material, rng, with_objects=0.25)
    return None if background is None or not material.others else _with_others(material, background, rng=rng, most=4, least=1)


def seen_by_camera(material: Material, rng: np.random.Generator) -> Scene | None:
    """A picture as a worse camera would have taken it."""
    picture = _fitted(material.any_with_objects(rng), longest_px=round(material.longest_px * float(rng.uniform(0.4, 1.0))))
    return Scene(degraded(picture.pixels, rng), picture.boxes)


def _with_others(material: Material, picture: Scene, *, rng: np.random.Generator, most: int, least: int = 0) -> Scene:
    """The picture with things that are no objects pasted into it."""
    for _ in range(int(rng.integers(least, most + 1)) if material.others else 0):
        picture = paste(picture, _any(material.others, rng), rng=rng, longest_px=(14, 160))
    return picture


def _any(cutouts: list[Cutout], rng: np.random.Generator) -> Cutout:
    return cutouts[int(rng.integers(len(cutouts)))]


def _background(material: Material, rng: np.random.Generator, *, with_objects: float) -> Scene | None:
    """A picture to paste into: one with objects by that chance, else one without, or a part of it."""
    if rng.random() < with_objects:
        return _fitted(material.any_with_objects(rng), longest_px=material.longest_px)
    if rng.random() < 0.5:
        return _fitted(material.any_without(rng), longest_px=material.longest_px)
    return emptied(material, rng)


def _tile(material: Material, rng: np.random.Generator, *, cell: tuple[int, int]) -> Scene:
    """A picture small enough for a cell whose objects are still large enough to be asked for."""
    for _ in range(8):
        picture = material.any_with_objects(rng) if rng.random() < 0.75 else material.any_without(rng)
        gain = min(cell[0] / picture.width, cell[1] / picture.height)
        if (picture.longest_sides_px * gain >= _SMALLEST_PX).all():
            return _resized(picture, gain=gain, most=cell)
    return Scene(np.full((cell[1], cell[0], 3), 114, np.uint8), np.zeros((0, 5), np.float32))


def _view(
    picture: Scene, *, around: npt.NDArray[np.float32], side_px: float, longest_px: int, rng: np.random.Generator
) -> Scene | None:
    """The window of a picture whose longer side is about `side_px` and that holds `around`, as large as asked for."""
    share_x, share_y = _SHAPES[int(rng.integers(len(_SHAPES)))]
    size = (min(round(side_px * share_x), picture.width), min(round(side_px * share_y), picture.height))
    corner = [
        int(rng.integers(low, high + 1))
        for low, high in (
            _corners(float(around[axis]), float(around[axis + 2]), size=size[axis], whole=whole)
            for axis, whole in enumerate((picture.width, picture.height))
        )
    ]
    shifted = picture.boxes - np.array([0, *corner, *corner], np.float32)
    boxes, left = clipped(shifted, width=size[0], height=size[1])
    if ((left > _GONE) & (left < _WHOLE_ENOUGH)).any():
        return None
    window = picture.pixels[corner[1] : corner[1] + size[1], corner[0] : corner[0] + size[0]]
    return _fitted(Scene(window, boxes[left >= _WHOLE_ENOUGH]), longest_px=longest_px)


def _corners(low: float, high: float, *, size: int, whole: int) -> tuple[int, int]:
    """The first and the last place where a window of `size` may begin so that it holds `low` to `high` as far as it can."""
    first, last = max(0, min(int(high) + 1 - size, whole - size)), max(0, min(int(low), whole - size))
    return (first, last) if first <= last else (last, first)


def _fitted(picture: Scene, *, longest_px: int) -> Scene:
    return _resized(picture, gain=longest_px / max(picture.width, picture.height), most=(longest_px, longest_px))


def _resized(picture: Scene, *, gain: float, most: tuple[int, int]) -> Scene:
    size = (max(1, min(most[0], round(picture.width * gain))), max(1, min(most[1], round(picture.height * gain))))
    way = cv2.INTER_AREA if gain < 1 else cv2.INTER_CUBIC
    pixels: Pixels = np.asarray(cv2.resize(picture.pixels, size, interpolation=way), np.uint8)
    scale = np.array([1, *2 * [size[0] / picture.width, size[1] / picture.height]], np.float32)
    boxes: Boxes = picture.boxes * scale
    return Scene(pixels, boxes)
