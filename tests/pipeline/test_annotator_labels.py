"""Tests of labels: their words, their pixels and their places."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.domain.detection import Detection
from server.domain.frame import PixelLayout
from server.pipeline.annotator import BoxAnnotator
from server.pipeline.canvas import Rect
from server.pipeline.label_layout import LabelLayout
from server.pipeline.label_text import LabelPainter, label_words, percent, printable, shortened
from server.pipeline.palette import INK, class_colour
from tests.builders import make_frame

ORANGE = class_colour(0)


def make_words(name: str = "firearm", *, confidence: float = 0.91, track_id: int | None = 12) -> str:
    """The words on the label of one detection."""
    return label_words(Detection((0, 0, 9, 9), confidence, 0, track_id), (name,))


def test_a_label_says_name_confidence_and_id() -> None:
    """Name, percent, id, in this order."""
    assert make_words() == "firearm 91 % #12"


def test_a_label_without_an_id_says_name_and_confidence() -> None:
    """A picture's objects are not tracked."""
    assert make_words(track_id=None) == "firearm 91 %"


def test_a_class_without_a_name_is_called_by_its_number() -> None:
    """Ids outside the labels still have words."""
    assert label_words(Detection((0, 0, 9, 9), 0.5, 7), ("firearm",)) == "class 7 50 %"
    assert label_words(Detection((0, 0, 9, 9), 0.5, -1), ("firearm",)) == "class -1 50 %"


@pytest.mark.parametrize(
    ("confidence", "words"), [(0.0, "0 %"), (0.004, "0 %"), (0.999, "100 %"), (7.0, "100 %"), (-1.0, "0 %")]
)
def test_percent_is_whole_and_within_bounds(confidence: float, words: str) -> None:
    """Nothing above 100 or below 0 is shown."""
    assert percent(confidence) == words


def test_a_confidence_that_is_no_number_has_no_words() -> None:
    """The label then holds the rest."""
    assert make_words(confidence=float("nan")) == "firearm #12"


def test_a_long_name_is_cut() -> None:
    """An ellipsis stands for the rest, and the confidence stays."""
    assert make_words("a" * 100) == "a" * 31 + "… 91 % #12"
    assert shortened("abc", 3) == "abc"
    assert shortened("abc", 0) == ""


@pytest.mark.parametrize(
    ("name", "shown"), [("a\nb", "a b"), ("\x00", ""), ("x\ud800", "x"), ("e\u0301", "\u00e9"), ("手枪", "手枪")]
)
def test_only_what_a_line_of_text_can_show_is_written(name: str, shown: str) -> None:
    """Control characters and lone surrogates become spaces; letters of any script stay."""
    assert printable(name) == shown


@pytest.mark.parametrize("words", ["firearm 91 %", "Gewähr 91 %", "пистолет", "手枪", "مسدس", "ไทย 🙂", "x" * 300])
@pytest.mark.parametrize("text_px", [8, 14, 45])
def test_any_script_is_written_in_ink_on_the_colour_of_the_class(words: str, text_px: int) -> None:
    """The sprite holds its ground, ink, and nothing outside these two."""
    sprite = LabelPainter().paint(words, text_px=text_px, ground=ORANGE, layout=PixelLayout.BGR)
    pixels = sprite.planes[0].reshape(-1, 3)
    assert tuple(pixels[0].tolist()) == ORANGE.bgr
    assert (pixels >= np.minimum(INK.bgr, ORANGE.bgr)).all()
    assert (pixels <= np.maximum(INK.bgr, ORANGE.bgr)).all()
    assert np.abs(pixels.astype(int) - INK.bgr).max(axis=1).min() < 40


def test_text_leaves_a_margin_around_it() -> None:
    """No letter touches the border of its label."""
    sprite = LabelPainter().paint("Éjgq手 91 % #12", text_px=15, ground=ORANGE, layout=PixelLayout.BGR)
    (pixels,) = sprite.planes
    border = np.concatenate((pixels[0], pixels[-1], pixels[:, :6].reshape(-1, 3), pixels[:, -6:].reshape(-1, 3)))
    assert (border == ORANGE.bgr).all()


@pytest.mark.parametrize("text_px", [8, 13, 14, 15, 33, 45])
def test_labels_have_even_sides_and_chroma_of_half_the_size(text_px: int) -> None:
    """A sprite fits planes of half the resolution."""
    sprite = LabelPainter().paint("firearm", text_px=text_px, ground=ORANGE, layout=PixelLayout.I420)
    assert [plane.shape for plane in sprite.planes[1:]] == [(sprite.height // 2, sprite.width // 2)] * 2
    assert (sprite.height % 2, sprite.width % 2) == (0, 0)
    assert sprite.height == pytest.approx(text_px * 26 / 15, abs=1)


def test_the_cache_is_bounded() -> None:
    """However many labels are painted, the memory kept for them is not exceeded."""
    painter = LabelPainter(cache_bytes=50_000)
    for number in range(200):
        painter.paint(f"firearm #{number}", text_px=15, ground=ORANGE, layout=PixelLayout.I420)
        assert painter._used_bytes <= 50_000


def test_a_label_painted_before_is_not_painted_again() -> None:
    """The labels used last are kept."""
    painter = LabelPainter(cache_bytes=30_000)
    often = painter.paint("firearm", text_px=15, ground=ORANGE, layout=PixelLayout.I420)
    for number in range(50):
        painter.paint(f"#{number}", text_px=15, ground=ORANGE, layout=PixelLayout.I420)
        assert painter.paint("firearm", text_px=15, ground=ORANGE, layout=PixelLayout.I420) is often


def test_a_label_stands_above_its_box() -> None:
    """Left sides are aligned, and it covers the edge so that both are one shape."""
    spot = LabelLayout(640, 480).place(Rect(100, 200, 180, 260), width=120, height=24, overlap=2)
    assert spot == Rect(100, 178, 220, 202)


def test_a_label_without_room_above_stands_inside_at_the_top() -> None:
    """At the picture's upper border the label moves into the box."""
    spot = LabelLayout(640, 480).place(Rect(100, 10, 180, 260), width=120, height=24, overlap=2)
    assert spot == Rect(100, 10, 220, 34)


def test_a_label_too_wide_for_its_place_is_shifted_left() -> None:
    """At the right border it ends with the picture."""
    spot = LabelLayout(640, 480).place(Rect(600, 200, 640, 260), width=120, height=24, overlap=2)
    assert (spot.left, spot.right) == (520, 640)


def test_a_label_that_would_cover_another_stands_below_its_box() -> None:
    """The one placed first stays."""
    layout = LabelLayout(640, 480)
    assert layout.place(Rect(100, 200, 180, 260), width=120, height=24, overlap=2).top == 178
    assert layout.place(Rect(110, 200, 190, 300), width=120, height=24, overlap=2) == Rect(110, 298, 230, 322)


def test_a_label_with_room_neither_above_nor_below_stands_inside_at_the_bottom() -> None:
    """The picture's lower border is not crossed either."""
    layout = LabelLayout(640, 480)
    layout.place(Rect(100, 0, 180, 480), width=120, height=24, overlap=2)
    assert layout.place(Rect(110, 0, 190, 480), width=120, height=24, overlap=2) == Rect(110, 456, 230, 480)


boxes = st.tuples(st.integers(0, 300), st.integers(0, 200), st.integers(6, 320), st.integers(6, 240)).map(
    lambda box: Rect(box[0], box[1], min(box[0] + box[2], 320), min(box[1] + box[3], 240))
)


@given(st.lists(st.tuples(boxes, st.integers(1, 320), st.integers(1, 60)), min_size=1, max_size=20))
def test_a_label_never_leaves_the_picture(found: list[tuple[Rect, int, int]]) -> None:
    """Wherever boxes lie and however many there are, each label lies inside with its whole size."""
    layout = LabelLayout(320, 240)
    for box, width, height in found:
        spot = layout.place(box, width=width, height=height, overlap=2)
        assert (spot.width, spot.height) == (width, height)
        assert spot.clip(320, 240) == spot


@pytest.mark.parametrize(("width", "height"), [(64, 64), (160, 120), (48, 400)])
@pytest.mark.parametrize("name", ["firearm", "a very long name of a class that nobody can read"])
def test_a_label_fits_into_a_narrow_picture(name: str, width: int, height: int) -> None:
    """Where the picture is narrow the label is smaller and says less, and is still there."""
    frame = make_frame(width=width, height=height, layout=PixelLayout.BGR, value=255)
    drawn = BoxAnnotator([name]).annotate(frame, [Detection((20, 30, 40, 50), 0.91, 0, 12)])
    orange = (np.abs(drawn.pixels.astype(int) - ORANGE.bgr).max(axis=2) < 6).sum()
    assert orange > 300
