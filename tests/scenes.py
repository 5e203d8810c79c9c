"""Drawn scenes for tests and for the sample clip: a camera that pans over a table on which a pistol lies, and a room.

Nothing here comes from a photograph. The delivered model finds the pistol with a confidence far above its default.
"""

from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from tests.drawing import Colour, Image, Points, bounds, disc, fill, lit, outline, placed, rounded, shadow, stroke

Box = tuple[float, float, float, float]
"""x1, y1, x2, y2 in pixels."""

SIZE = (640, 480)
FPS = 15
CLIP_S = 10.0
"""The camera pans to the right and back, so that the clip can be repeated without a jump."""

_TABLE = (2900, 900)
"""Width and height of the whole table in its own pixels."""
_VIEW_HEIGHT = 720
"""How much of the table's height the camera sees."""
_PISTOL_AT, _PISTOL_DEGREES, _PISTOL_SCALE = (1230.0, 330.0), -9.0, 1.28


class Shot(NamedTuple):
    """One picture and where the firearms in it are."""

    bgr: Image
    boxes: list[Box]


def draw_frame(t: float, size: tuple[int, int] = SIZE) -> Shot:
    """Returns the clip's picture at `t` seconds, `size` being width and height.

    A box is given while at least a fifth of the pistol's length is in the picture, cut at its edges.
    """
    view = _view(t, size)
    picture = cv2.warpAffine(_table(), view, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    return Shot(np.asarray(picture, np.uint8), _visible(_moved(_pistol_outline(), view), size))


def draw_firearm(size: tuple[int, int] = SIZE) -> Shot:
    """Returns the table with the pistol in the middle of the picture."""
    return draw_frame(CLIP_S / 4, size)


def draw_empty(size: tuple[int, int] = SIZE) -> Shot:
    """Returns a part of the table where no firearm lies."""
    return draw_frame(0.0, size)


def clip(size: tuple[int, int] = SIZE, *, fps: float = FPS, duration_s: float = CLIP_S) -> Iterator[Shot]:
    """Yields the clip frame by frame: the firearm enters, crosses the picture, leaves, and comes back."""
    for index in range(round(fps * duration_s)):
        yield draw_frame(index / fps, size)


def _view(t: float, size: tuple[int, int]) -> npt.NDArray[np.float64]:
    """The affine map `(2, 3)` from the table to the picture at `t` seconds, with the sway of a hand."""
    width, height = size
    scale = height / _VIEW_HEIGHT
    seen = width / scale
    along = (1 - np.cos(2 * np.pi * t / CLIP_S)) / 2
    left = along * (_TABLE[0] - seen)
    top = (_TABLE[1] - _VIEW_HEIGHT) / 2 + 22 * np.sin(4 * np.pi * t / CLIP_S)
    turned = cv2.getRotationMatrix2D((left + seen / 2, top + _VIEW_HEIGHT / 2), 2.0 * np.sin(6 * np.pi * t / CLIP_S), scale)
    turned[:, 2] += np.array([width, height]) / 2 - np.array([left + seen / 2, top + _VIEW_HEIGHT / 2])
    return np.asarray(turned, np.float64)


def _moved(points: Points, view: npt.NDArray[np.float64]) -> Points:
    """Points of the table in pixels of the picture."""
    return np.asarray(points @ view[:, :2].T + view[:, 2], np.float64)


def _visible(points: Points, size: tuple[int, int]) -> list[Box]:
    """The box around what is seen of an outline, if that is enough to recognise it."""
    x1, y1, x2, y2 = bounds(points)
    left, right = max(0.0, x1), min(float(size[0]), x2)
    if right - left < (x2 - x1) / 5:
        return []
    return [(left, max(0.0, y1), right, min(float(size[1]), y2))]


@lru_cache(maxsize=1)
def _table() -> Image:
    """The whole table, drawn once."""
    image = _wood()
    _notebook(image)
    _mug(image)
    _pistol(image)
    _keys(image)
    _plate(image)
    return lit(image, centre=(0.45, 0.25))


def _wood() -> Image:
    """A wooden top with grain and a little noise."""
    width, height = _TABLE
    random = np.random.default_rng(7)
    share = np.linspace(0, 1, height, dtype=np.float32)[:, None, None]
    tone = np.array([66, 98, 138], np.float32) * (1 - share) + np.array([52, 78, 114], np.float32) * share
    noise = cv2.GaussianBlur(random.normal(0, 22, (height, width)).astype(np.float32), (0, 0), sigmaX=14, sigmaY=0.8)
    # Strong grain or seams between boards look like long barrels to the model.
    image: Image = np.asarray(np.clip(tone + 1.5 * np.asarray(noise)[..., None], 0, 255), np.uint8)
    for x, y, length, bend in random.uniform((-100, 0, 120, -9), (width, height, 560, 9), (170, 4)):
        grain = outline((x, y), (x + length / 2, y + bend, x + length, y))
        stroke(image, grain, colour=(22, 38, 58), width_px=random.uniform(1, 2.4), opacity=random.uniform(0.06, 0.18))
    return image


def _pistol_outline() -> Points:
    """The pistol's silhouette on the table."""
    shape = outline(
        (0, 34), (0, 20, 10, 20), (10, 10), (28, 10), (28, 20), (318, 20), (318, 12), (328, 12), (328, 20),
        (342, 20, 342, 32), (342, 78), (342, 86, 332, 86), (226, 86), (214, 86, 210, 96), (206, 112),
        (202, 122, 190, 122), (150, 122), (140, 122, 137, 131), (104, 246), (100, 260, 86, 258), (28, 250),
        (14, 248, 18, 234), (52, 112), (56, 98, 44, 92), (12, 84), (0, 80, 0, 70),
    )  # fmt: skip
    return _on_pistol(shape)


def _on_pistol(points: Points) -> Points:
    """Points of the pistol's own drawing on the table."""
    return placed(points, at=_PISTOL_AT, degrees=_PISTOL_DEGREES, scale=_PISTOL_SCALE)


def _pistol(image: Image) -> None:
    """A pistol seen from its right side."""
    dark = (15, 13, 11)
    shadow(image, _pistol_outline())
    fill(image, _pistol_outline(), top=(71, 64, 58), bottom=(36, 32, 28))
    fill(image, _on_pistol(rounded(6, 26, width=330, height=34, radius=8)), top=(105, 96, 89), bottom=(59, 53, 47))
    for x in range(24, 90, 9):
        stroke(image, _on_pistol(np.array([[x, 30], [x, 56]], np.float64)), colour=dark, width_px=5)
    fill(image, _on_pistol(rounded(196, 32, width=70, height=20, radius=3)), top=(20, 17, 14))
    guard = outline((150, 90), (194, 90), (202, 90, 202, 98), (202, 118, 184, 118), (150, 118))
    fill(image, _on_pistol(guard), top=(42, 64, 90), bottom=(34, 50, 72))
    stroke(image, _on_pistol(outline((168, 90), (174, 102, 166, 112))), colour=dark, width_px=8)
    grip = outline((62, 118), (126, 124), (96, 242), (93, 250, 84, 249), (40, 243), (32, 242, 34, 234))
    fill(image, _on_pistol(grip), top=(26, 23, 20))
    for step in range(7):
        left, y = 60 - 4.4 * step, 136 + 16 * step
        stroke(image, _on_pistol(np.array([[left, y], [left + 58, y + 6]], np.float64)), colour=(54, 48, 43), width_px=3)
    for x, y, radius in ((226, 72, 5), (120, 74, 4)):
        fill(image, _on_pistol(disc(x, y, radius=radius)), top=dark)


def _mug(image: Image) -> None:
    """A mug of coffee from above."""
    at = (780.0, 330.0)
    handle, rim = placed(rounded(78, -20, width=62, height=40, radius=20), at=at, degrees=24), disc(*at, radius=92)
    for shape in (handle, rim):
        shadow(image, shape)
    fill(image, handle, top=(190, 200, 206))
    fill(image, rim, top=(214, 222, 226), bottom=(186, 196, 204))
    fill(image, disc(*at, radius=76), top=(150, 164, 176))
    fill(image, disc(*at, radius=70), top=(22, 34, 56), bottom=(14, 22, 38))
    gleam = placed(outline((-40, -40), (-10, -62, 26, -44)), at=at)
    stroke(image, gleam, colour=(70, 96, 130), width_px=6, opacity=0.7)


def _notebook(image: Image) -> None:
    """A sheet of notes with a pencil on it."""
    at, degrees = (190.0, 300.0), -6.0
    sheet = placed(rounded(0, 0, width=360, height=300, radius=8), at=at, degrees=degrees)
    shadow(image, sheet)
    fill(image, sheet, top=(216, 226, 232), bottom=(196, 208, 216))
    for row, length in enumerate((300, 240, 190, 300, 250, 200, 280)):
        line = np.array([[28, 44 + 34 * row], [28 + length, 44 + 34 * row]], np.float64)
        stroke(image, placed(line, at=at, degrees=degrees), colour=(186, 170, 150), width_px=3)
    pencil = placed(rounded(0, 0, width=250, height=13, radius=3), at=(250, 520), degrees=-38)
    shadow(image, pencil, offset=(5, 8), blur_px=4)
    fill(image, pencil, top=(60, 176, 224), bottom=(40, 140, 196))


def _keys(image: Image) -> None:
    """Two keys on a ring."""
    at = (1960.0, 300.0)
    for degrees, colour in ((28.0, (74, 162, 200)), (74.0, (178, 176, 172))):
        for x, y, width, height, radius in (
            (30, -14, 54, 28, 13),
            (78, -6, 86, 12, 2),
            (138, 4, 10, 14, 2),
            (154, 4, 9, 10, 2),
        ):
            part = placed(rounded(x, y, width=width, height=height, radius=radius), at=at, degrees=degrees)
            shadow(image, part, offset=(5, 8), blur_px=5, opacity=0.35)
            fill(image, part, top=colour)
    stroke(image, disc(*at, radius=34), colour=(150, 150, 148), width_px=9)


def _plate(image: Image) -> None:
    """A plate with two oranges beside a napkin."""
    napkin = placed(rounded(0, 0, width=230, height=230, radius=6), at=(2330, 240), degrees=20)
    shadow(image, napkin, offset=(4, 6), blur_px=5, opacity=0.35)
    fill(image, napkin, top=(150, 160, 96), bottom=(126, 138, 80))
    plate = disc(2480, 420, radius=170)
    shadow(image, plate)
    fill(image, plate, top=(226, 230, 232), bottom=(200, 206, 212))
    fill(image, disc(2480, 420, radius=122), top=(208, 214, 218), bottom=(222, 228, 230))
    for x, y, radius in ((2438.0, 398.0, 62.0), (2540.0, 452.0, 58.0)):
        fruit = disc(x, y, radius=radius)
        shadow(image, fruit, offset=(8, 12), blur_px=8)
        fill(image, fruit, top=(40, 152, 244), bottom=(20, 108, 214))
        fill(image, disc(x - 0.3 * radius, y - 0.35 * radius, radius=0.3 * radius), top=(120, 196, 250), opacity=0.5)


def draw_room(size: tuple[int, int] = SIZE) -> Shot:
    """Returns a plain room in which a person stands; no firearm is in it."""
    width, height = 960, 720
    image: Image = np.empty((height, width, 3), np.uint8)
    fill(image, rounded(0, 0, width=width, height=520, radius=0), top=(196, 200, 202), bottom=(170, 176, 180))
    fill(image, rounded(0, 520, width=width, height=200, radius=0), top=(112, 126, 138), bottom=(84, 96, 108))
    fill(image, rounded(0, 508, width=width, height=14, radius=0), top=(140, 146, 150))
    window = rounded(610, 90, width=230, height=250, radius=4)
    fill(image, window, top=(236, 214, 178), bottom=(232, 226, 206))
    for line in (window, np.array([[725.0, 90.0], [725.0, 340.0]]), np.array([[610.0, 215.0], [840.0, 215.0]])):
        stroke(image, line, colour=(232, 236, 238), width_px=9)
    _person(image, at=(400.0, 660.0))
    lamp = lit(image, centre=(0.5, 0.2), corner=0.6)
    return Shot(np.asarray(cv2.resize(lamp, size, interpolation=cv2.INTER_AREA), np.uint8), [])


def _person(image: Image, *, at: tuple[float, float], scale: float = 2.4) -> None:
    """A person who walks to the left; `at` is the ground under the hips."""
    skin, hair, shirt, trousers = (110, 142, 190), (40, 66, 104), (66, 54, 138), (70, 54, 48)
    shadow(image, placed(disc(0, 0, radius=1), at=(0, 0)) * np.array([50, 14]) * scale + np.array(at), offset=(0, 0))

    def limb(*points: tuple[float, float], width: float, colour: Colour) -> None:
        stroke(image, placed(np.array(points), at=at, scale=scale), colour=colour, width_px=width * scale)

    def part(points: Points, colour: Colour) -> None:
        fill(image, placed(points, at=at, scale=scale), top=colour)

    limb((8, -98), (18, -52), (36, -14), width=17, colour=(50, 40, 34))
    limb((28, -8), (44, -8), width=9, colour=(24, 22, 20))
    limb((-8, -146), (-16, -120), (-30, -100), width=11, colour=(50, 40, 106))
    part(disc(-33, -97, radius=6), skin)
    limb((2, -98), (-10, -52), (-20, -14), width=18, colour=trousers)
    limb((-34, -6), (-14, -6), width=9, colour=(24, 22, 20))
    part(outline((-17, -152), (-8, -159, 4, -159), (17, -150), (17, -124), (12, -94), (-11, -94)), shirt)
    limb((13, -146), (15, -120), (8, -96), width=11, colour=(58, 46, 122))
    part(disc(7, -93, radius=6), skin)
    limb((0, -166), (0, -156), width=10, colour=skin)
    part(disc(-3, -178, radius=12), skin)
    part(outline((-16, -176), (-12, -184), (-12, -172)), skin)
    part(disc(1, -182, radius=11), hair)
