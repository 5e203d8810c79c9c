"""The words on a label, and their pixels in OpenCV's own typeface.

OpenCV 5 carries Rubik (Latin, Cyrillic, Hebrew, Arabic) with variable weight, and a second face for what it lacks (Chinese,
Japanese, Korean); a character in neither is a question mark. Pillow's built-in face is thin and has no accents.
"""

import threading
import unicodedata
from collections import OrderedDict
from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from server.domain.detection import Detection
from server.domain.frame import PixelLayout
from server.pipeline.canvas import Pixels, Sprite
from server.pipeline.palette import INK, Colour

LABEL_WEIGHT = 620
# Longer class names are cut: a label is to name a thing, not to cover it.
LONGEST_NAME = 32

# About 2,500 labels at 720 lines, 250 at 2160; a stream shows a few dozen different ones a second.
_CACHE_BYTES = 16 * 1024 * 1024
_UNBOUNDED = (1 << 20, 1 << 20)


def label_words(detection: Detection, labels: Sequence[str], *, longest_name: int = LONGEST_NAME, with_id: bool = True) -> str:
    """The text of a label: `firearm 91 % #12`, with at most `longest_name` characters of the name."""
    known = 0 <= detection.class_id < len(labels)
    name = printable(labels[detection.class_id] if known else f"class {detection.class_id}")
    words = [shortened(name, longest_name), percent(detection.confidence)]
    if with_id and detection.track_id is not None:
        words.append(f"#{detection.track_id}")
    return " ".join(word for word in words if word)


def percent(confidence: float) -> str:
    """A confidence of 0..1 in words: `91 %`; nothing where it is no number."""
    return f"{round(min(max(confidence, 0.0), 1.0) * 100)} %" if confidence == confidence else ""  # noqa: PLR0124 - NaN


def shortened(name: str, length: int) -> str:
    """The name with at most `length` characters; an ellipsis stands for what is missing."""
    if len(name) <= length:
        return name
    return name[: length - 1].rstrip() + "…" if length else ""


def printable(name: str) -> str:
    """The name without anything that a line of text cannot show.

    OpenCV breaks lines at control characters and crashes on lone surrogates.
    """
    composed = unicodedata.normalize("NFC", name)
    return "".join(character if character.isprintable() else " " for character in composed).strip()


class LabelPainter:
    """Turns words into sprites and keeps those used last; any thread."""

    def __init__(self, *, cache_bytes: int = _CACHE_BYTES) -> None:
        self._lock = threading.Lock()
        self._face = cv2.FontFace("sans")
        self._sprites: OrderedDict[tuple[str, int, Colour, PixelLayout], Sprite] = OrderedDict()
        self._cache_bytes = cache_bytes
        self._used_bytes = 0

    def paint(self, words: str, *, text_px: int, ground: Colour, layout: PixelLayout) -> Sprite:
        """Returns the label with `words` in ink on `ground`; its sides are even, its height 26/15 of the text's."""
        key = (words, text_px, ground, layout)
        with self._lock:
            sprite = self._sprites.get(key)
            if sprite is None:
                sprite = _coloured(self._write(words, text_px), ground=ground, layout=layout)
                self._keep(key, sprite)
            self._sprites.move_to_end(key)
            return sprite

    def _keep(self, key: tuple[str, int, Colour, PixelLayout], sprite: Sprite) -> None:
        self._sprites[key] = sprite
        self._used_bytes += sprite.nbytes
        while self._used_bytes > self._cache_bytes and len(self._sprites) > 1:
            _, oldest = self._sprites.popitem(last=False)
            self._used_bytes -= oldest.nbytes

    def _write(self, words: str, text_px: int) -> Pixels:
        """How much ink each pixel of a label holds, `(h, w)` of 0..255."""
        _, _, text_width, _ = cv2.getTextSize(_UNBOUNDED, words, (0, 0), self._face, text_px, LABEL_WEIGHT)
        padding = round(text_px * 8 / 15)
        height, width = 2 * round(text_px * 13 / 15), 2 * ((text_width + 2 * padding + 1) // 2)
        coverage = np.zeros((height, width), np.uint8)
        # Capitals and digits are 0.7 of the text's size: this puts them in the middle.
        baseline = round((height + 0.7 * text_px) / 2)
        cv2.putText(coverage, words, (padding, baseline), (255,), self._face, text_px, LABEL_WEIGHT)
        return coverage


def _coloured(coverage: Pixels, *, ground: Colour, layout: PixelLayout) -> Sprite:
    """A label of ink on a colour in the planes of a layout."""
    coarse = np.asarray(cv2.resize(coverage, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA), np.uint8)
    fronts_and_backs = zip(INK.planes(layout), ground.planes(layout), strict=True)
    ramps = [_ramp(np.asarray(back, np.float64), np.asarray(front, np.float64)) for front, back in fronts_and_backs]
    return Sprite((ramps[0][coverage], *(ramp[coarse] for ramp in ramps[1:])))


def _ramp(back: npt.NDArray[np.float64], front: npt.NDArray[np.float64]) -> Pixels:
    """What each of the 256 degrees of coverage turns the background into, in one plane."""
    share = np.linspace(0, 1, 256).reshape(256, *([1] * back.ndim))
    return np.rint(back * (1 - share) + front * share).astype(np.uint8)
