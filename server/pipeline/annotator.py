"""Draws boxes and labels into frames, readable on any background at any size."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from server.domain.detection import Detection
from server.domain.frame import Frame
from server.pipeline.canvas import Canvas, Rect, Sprite
from server.pipeline.label_layout import LabelLayout
from server.pipeline.label_text import LONGEST_NAME, LabelPainter, label_words
from server.pipeline.palette import class_colour, is_colour_reused

# The widths of lines are made for a picture of this many lines and grow with it.
_LINES = 720
_TEXT_PX_ON_SCREEN = 13
_TEXT_PX = 15
_LEAST_TEXT_PX = 14
_LEAST_LEGIBLE_PX = 8
# How much of a label is left where the picture is too narrow: characters of the name, and whether the id. The second attempt
# is made in smaller text.
_SHORTER_AND_SHORTER = ((LONGEST_NAME, True), (LONGEST_NAME, True), (LONGEST_NAME, False), (12, False), (6, False), (0, False))


@dataclass(frozen=True, slots=True)
class Style:
    """The sizes of what is drawn into one picture, in its pixels."""

    edge: int
    casing: int
    text: int

    @classmethod
    def of(cls, height: int, *, view_height_px: int | None) -> "Style":
        """The style of a picture of `height` lines that stands `view_height_px` tall on a screen."""
        edge = max(2, round(height / 360))
        casing = max(1, round(1.25 * height / _LINES))
        return cls(edge, casing, _text_px(height, view_height_px))

    @property
    def cut(self) -> int:
        """What is missing at the corners of an edge."""
        return self.edge // 2


@dataclass(frozen=True, slots=True)
class _Placed:
    """A detection and its box on the picture's even coordinates."""

    detection: Detection
    rect: Rect


class BoxAnnotator:
    """Draws each detection with an edge in the colour of its class, cased in ink, and a label; any thread, and several at once.

    Edges and labels lie on even coordinates, so that their colour is exact in planes of half the resolution.
    """

    def __init__(self, labels: Sequence[str]) -> None:
        self._labels = tuple(labels)
        self._painter = LabelPainter()

    def annotate(
        self, frame: Frame, detections: Sequence[Detection], *, view_height_px: int | None = None, faded: bool = False
    ) -> Frame:
        """Returns a copy of the frame with boxes and labels; where they overlap, the more confident detection is on top."""
        style = Style.of(frame.height, view_height_px=view_height_px)
        placed = [
            _Placed(one, rect)
            for one in sorted(detections, key=_importance)
            if (rect := _on_picture(one, frame, style)) is not None
        ]
        canvas = Canvas(frame)
        for one in reversed(placed):
            _draw_edge(canvas, one, style)
        self._draw_labels(canvas, placed, style=style, frame=frame)
        return canvas.frame(faded=faded and bool(placed))

    def _draw_labels(self, canvas: Canvas, placed: Sequence[_Placed], *, style: Style, frame: Frame) -> None:
        width, height = frame.width // 2 * 2, frame.height // 2 * 2
        layout = LabelLayout(width, height)
        labels = []
        for one in placed:
            sprite = self._label(one.detection, frame, text_px=style.text)
            if sprite is not None:
                spot = layout.place(one.rect, width=sprite.width, height=sprite.height, overlap=style.edge // 2 * 2)
                labels.append((sprite, spot))
        for sprite, spot in reversed(labels):
            canvas.paste(sprite, left=spot.left, top=spot.top, cut=2)

    def _label(self, detection: Detection, frame: Frame, *, text_px: int) -> Sprite | None:
        """The label of a detection; where the picture is too narrow smaller, then without id, then with less of the name."""
        colour, widest = class_colour(detection.class_id), frame.width // 2 * 2
        for longest_name, with_id in _SHORTER_AND_SHORTER:
            words = label_words(detection, self._labels, longest_name=longest_name, with_id=with_id)
            sprite = self._painter.paint(words, text_px=text_px, ground=colour, layout=frame.layout)
            if sprite.width <= widest and sprite.height <= frame.height // 2 * 2:
                return sprite
            text_px = max(_LEAST_LEGIBLE_PX, min(text_px, text_px * widest // sprite.width))
        return None


def _importance(detection: Detection) -> float:
    """Sorts the most confident first; what has no confidence last."""
    return -detection.confidence if math.isfinite(detection.confidence) else 0.0


def _text_px(height: int, view_height_px: int | None) -> int:
    """The size of text that looks right on the viewer's screen, between 14 pixels and a 14th of the picture.

    Pictures under 196 lines have no size between: there it is 14 pixels, or a 7th of the picture, but never illegible.
    """
    wanted = _TEXT_PX * height / _LINES if not view_height_px else _TEXT_PX_ON_SCREEN * height / view_height_px
    least = max(min(_LEAST_TEXT_PX, height // 7), _LEAST_LEGIBLE_PX)
    return round(min(max(wanted, least), max(height / 14, least)))


def _on_picture(detection: Detection, frame: Frame, style: Style) -> Rect | None:
    """The outer side of a detection's edge, inside the picture and large enough to be seen; None where the box is not."""
    if any(math.isnan(value) for value in detection.xyxy):
        return None
    x1, y1, x2, y2 = detection.xyxy
    columns = _span(min(x1, x2), max(x1, x2), end=frame.width, edge=style.edge)
    rows = _span(min(y1, y2), max(y1, y2), end=frame.height, edge=style.edge)
    return Rect(columns[0], rows[0], columns[1], rows[1]) if columns and rows else None


def _span(low: float, high: float, *, end: int, edge: int) -> tuple[int, int] | None:
    """One direction of a box: from and up to which even coordinate its edge reaches, centred on the box's sides."""
    if high < 0 or low > end:
        return None
    last, least = end // 2 * 2, 2 * ((3 * edge + 1) // 2)
    low, high = max(low, 0.0), min(high, float(end))
    reach = max(edge, least - (high - low)) / 2
    first = min(max(2 * round((low - reach) / 2), 0), max(last - least, 0))
    return first, min(max(2 * round((high + reach) / 2), first + least), last)


def _draw_edge(canvas: Canvas, one: _Placed, style: Style) -> None:
    """Draws the casing, and the edge in its middle."""
    cased = one.rect.inset(-style.casing)
    for strip in cased.ring(style.edge + 2 * style.casing, cut=style.casing):
        canvas.shade(strip)
    colour = class_colour(one.detection.class_id)
    dashed = one.detection.predicted or is_colour_reused(one.detection.class_id)
    for strip in one.rect.ring(style.edge, cut=style.cut):
        if dashed:
            canvas.dash(strip, colour, dash_px=4 * style.edge)
        else:
            canvas.fill(strip, colour)
