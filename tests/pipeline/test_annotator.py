"""Tests of drawing: what is seen in the pixels of annotated frames."""

import threading
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.domain.detection import Box, Detection
from server.domain.frame import Frame, PixelLayout
from server.pipeline.annotator import BoxAnnotator, Style
from server.pipeline.palette import class_colour
from tests.builders import make_frame

LABELS = ("firearm", "person", "car", "dog", "cat", "bag", "cup")
LAYOUTS = [PixelLayout.I420, PixelLayout.BGR]
SIZES = [(64, 64), (320, 240), (640, 480), (1280, 720), (3840, 2160)]
# Its edges are two pixels thick and centred on its sides: they begin a pixel outside, on even coordinates.
BOX: Box = (201.0, 201.0, 399.0, 299.0)


def make_detection(
    xyxy: Box = BOX, *, confidence: float = 0.91, class_id: int = 0, track_id: int | None = 12, predicted: bool = False
) -> Detection:
    """A firearm, if nothing else is said."""
    return Detection(xyxy, confidence, class_id, track_id, predicted)


def to_bgr(frame: Frame) -> npt.NDArray[np.uint8]:
    """The pixels of a frame as blue, green, red."""
    if frame.layout is PixelLayout.BGR:
        return frame.pixels
    return np.asarray(cv2.cvtColor(frame.pixels, cv2.COLOR_YUV2BGR_I420), np.uint8)


def make_scene(*, width: int, height: int, layout: PixelLayout) -> Frame:
    """The same colourful, smooth picture in any layout."""
    coarse = np.random.default_rng(2).integers(30, 220, (6, 8, 3), dtype=np.uint8)
    picture = np.asarray(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC), np.uint8)
    if layout is PixelLayout.I420:
        picture = np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2YUV_I420), np.uint8)
    return Frame(picture, layout)


def changed(before: Frame, after: Frame) -> npt.NDArray[np.bool_]:
    """Which pixels of a picture differ, as a mask `(h, w)`; of I420 by brightness."""
    first, second = before.pixels[: before.height], after.pixels[: after.height]
    different: npt.NDArray[np.bool_] = first != second
    return np.asarray(different.any(axis=2)) if first.ndim == 3 else different


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("value", [0, 128, 255])
@pytest.mark.parametrize("class_id", range(6))
def test_the_edge_has_the_colour_of_its_class(layout: PixelLayout, value: int, class_id: int) -> None:
    """Whatever the background, a pixel of the edge is the colour of the class in every plane."""
    frame = make_frame(width=640, height=480, layout=layout, value=value)
    drawn = BoxAnnotator(LABELS).annotate(frame, [make_detection(class_id=class_id)])
    for x, y in ((200, 250), (398, 250), (300, 298), (301, 299), (399, 251)):
        assert np.abs(to_bgr(drawn)[y, x].astype(int) - class_colour(class_id).bgr).max() <= 6


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_edge_is_cased_in_ink_on_both_sides(layout: PixelLayout) -> None:
    """On white, a dark pixel lies outside and inside the edge."""
    drawn = to_bgr(
        BoxAnnotator(LABELS).annotate(make_scene_of(235 if layout is PixelLayout.I420 else 255, layout), [make_detection()])
    )
    assert drawn[250, 199].max() < 110
    assert drawn[250, 202].max() < 110
    assert drawn[250, 205].min() > 230


def make_scene_of(value: int, layout: PixelLayout) -> Frame:
    """A grey picture of one brightness."""
    frame = make_frame(width=640, height=480, layout=layout, value=value)
    if layout is PixelLayout.I420:
        frame.pixels[480:] = 128
    return frame


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_planes_and_bgr_show_the_same(width: int, height: int) -> None:
    """Drawn on planes and converted, a picture looks as if drawn in BGR."""
    boxes: list[Box] = [(0.11, 0.43, 0.41, 0.87), (0.5, 0.5, 0.73, 0.91), (0.8, 0.03, 1.2, 0.4)]
    found = [
        make_detection(
            (x1 * width, y1 * height, x2 * width, y2 * height), class_id=number, predicted=number == 1, track_id=number
        )
        for number, (x1, y1, x2, y2) in enumerate(boxes)
    ]
    annotator = BoxAnnotator(LABELS)
    planar, packed = (to_bgr(annotator.annotate(make_scene(width=width, height=height, layout=one), found)) for one in LAYOUTS)
    # One chroma pixel stands for four: beside lines the colours differ, in brightness they do not.
    brightness = [cv2.cvtColor(one, cv2.COLOR_BGR2GRAY).astype(int) for one in (planar, packed)]
    difference = np.abs(brightness[0] - brightness[1])
    assert np.percentile(difference, 90) <= 6
    assert difference.mean() < 4
    assert np.abs(planar.astype(int) - packed).mean() < 8


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("faded", [False, True])
def test_the_frame_given_is_not_changed(layout: PixelLayout, *, faded: bool) -> None:
    """Drawing happens on a copy."""
    frame = make_scene(width=320, height=240, layout=layout)
    before = frame.pixels.copy()
    drawn = BoxAnnotator(LABELS).annotate(frame, [make_detection((20, 60, 200, 200))], faded=faded)
    assert np.array_equal(frame.pixels, before)
    assert not np.shares_memory(drawn.pixels, frame.pixels)
    assert not np.array_equal(drawn.pixels, before)


def test_the_copy_keeps_what_belongs_to_the_frame() -> None:
    """Layout, number and times stay with the picture."""
    frame = make_frame(width=320, height=240, index=7, received_at=3.5)
    drawn = BoxAnnotator(LABELS).annotate(frame, [make_detection((20, 60, 200, 200))])
    assert (drawn.layout, drawn.index, drawn.pts_s, drawn.received_at) == (frame.layout, 7, frame.pts_s, 3.5)
    assert drawn.pixels.flags.c_contiguous


@pytest.mark.parametrize("layout", LAYOUTS)
def test_nothing_found_gives_an_equal_copy(layout: PixelLayout) -> None:
    """Without detections the picture is as it was."""
    frame = make_scene(width=320, height=240, layout=layout)
    drawn = BoxAnnotator(LABELS).annotate(frame, [], faded=True)
    assert np.array_equal(drawn.pixels, frame.pixels)
    assert not np.shares_memory(drawn.pixels, frame.pixels)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_pixels_away_from_boxes_and_labels_stay(layout: PixelLayout) -> None:
    """Inside the box and around it the picture shows."""
    frame = make_scene(width=640, height=480, layout=layout)
    after = BoxAnnotator(LABELS).annotate(frame, [make_detection()])
    where = changed(frame, after)
    assert not where[206:294, 206:394].any()
    assert not where[302:].any()
    assert not where[:, :198].any()
    assert not where[:170].any()


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_faded_box_lets_the_picture_shine_through(layout: PixelLayout) -> None:
    """A box that is no longer fresh is drawn at 55 %, and the rest of the picture stays exact."""
    frame, annotator = make_scene(width=640, height=480, layout=layout), BoxAnnotator(LABELS)
    fresh, faded = (annotator.annotate(frame, [make_detection()], faded=old).pixels.astype(float) for old in (False, True))
    assert np.abs(frame.pixels * 0.45 + fresh * 0.55 - faded).max() <= 0.6
    assert np.array_equal(faded[fresh == frame.pixels], frame.pixels[fresh == frame.pixels])


def gaps_in_bottom_edge(detection: Detection) -> int:
    """How many pixels along the bottom edge do not have the colour of the class."""
    drawn = BoxAnnotator(LABELS).annotate(make_frame(width=640, height=480, layout=PixelLayout.BGR, value=255), [detection])
    edge = drawn.pixels[298, 204:396]
    return int((np.abs(edge.astype(int) - class_colour(detection.class_id).bgr).max(axis=1) > 6).sum())


def test_a_predicted_box_has_a_dashed_edge() -> None:
    """A third of the edge of an object that is missing is dark."""
    assert 50 <= gaps_in_bottom_edge(make_detection(predicted=True)) <= 80


def test_from_the_seventh_class_on_the_edge_is_dashed() -> None:
    """Where colours come round again the dashes tell the classes apart."""
    assert 50 <= gaps_in_bottom_edge(make_detection(class_id=6)) <= 80


def test_the_first_six_classes_have_a_solid_edge() -> None:
    """A detected object has no gaps."""
    assert [gaps_in_bottom_edge(make_detection(class_id=number)) for number in range(6)] == [0] * 6


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(
    "box", [(-90.0, 10.0, -5.0, 50.0), (700.0, 10.0, 800.0, 50.0), (10.0, -50.0, 90.0, -1.0), (10.0, 481.0, 90.0, 600.0)]
)
def test_a_box_outside_the_picture_is_not_drawn(layout: PixelLayout, box: Box) -> None:
    """What cannot be seen leaves no trace."""
    frame = make_frame(width=640, height=480, layout=layout)
    assert np.array_equal(BoxAnnotator(LABELS).annotate(frame, [make_detection(box)]).pixels, frame.pixels)


@pytest.mark.parametrize("position", range(4))
def test_a_box_that_is_no_number_is_not_drawn(position: int) -> None:
    """A broken box leaves no trace, and its neighbours are drawn."""
    frame = make_frame(width=640, height=480)
    values = list(BOX)
    values[position] = float("nan")
    broken = make_detection((values[0], values[1], values[2], values[3]), confidence=float("nan"))
    annotator = BoxAnnotator(LABELS)
    assert np.array_equal(annotator.annotate(frame, [broken]).pixels, frame.pixels)
    both = annotator.annotate(frame, [broken, make_detection()])
    assert np.array_equal(both.pixels, annotator.annotate(frame, [make_detection()]).pixels)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(
    "box", [(100.0, 100.0, 100.0, 100.0), (0.0, 0.0, 0.0, 0.0), (640.0, 480.0, 640.0, 480.0), (90.0, 90.0, 80.0, 80.0)]
)
def test_a_box_without_area_is_seen(layout: PixelLayout, box: Box) -> None:
    """A degenerate box is a small mark with a label."""
    frame = make_frame(width=640, height=480, layout=layout)
    assert changed(frame, BoxAnnotator(LABELS).annotate(frame, [make_detection(box)])).sum() > 2000


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_box_larger_than_the_picture_runs_along_its_border(layout: PixelLayout) -> None:
    """Even an infinite box has its four edges in the picture."""
    frame = make_frame(width=640, height=480, layout=layout)
    drawn = to_bgr(BoxAnnotator(LABELS).annotate(frame, [make_detection((-np.inf, -50.0, 9999.0, np.inf))]))
    for x, y in ((0, 240), (639, 240), (320, 0), (320, 479)):
        assert np.abs(drawn[y, x].astype(int) - class_colour(0).bgr).max() <= 6


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(("width", "height"), [(2, 2), (16, 16), (64, 64), (64, 640), (640, 64)])
def test_three_hundred_boxes_fit_any_picture(layout: PixelLayout, width: int, height: int) -> None:
    """A crowd in a small picture is drawn without a fault."""
    random = np.random.default_rng(4)
    corners = random.uniform(-0.2, 1.2, (300, 2, 2)) * (width, height)
    found = [
        make_detection((x1, y1, x2, y2), confidence=float(random.uniform()), class_id=number % 90, track_id=number)
        for number, ((x1, y1), (x2, y2)) in enumerate(corners.tolist())
    ]
    assert BoxAnnotator(LABELS).annotate(make_frame(width=width, height=height, layout=layout), found).width == width


@given(
    width=st.integers(1, 200),
    height=st.integers(1, 200),
    corners=st.lists(st.tuples(*[st.floats(width=32)] * 4), max_size=4),
    view_height_px=st.none() | st.integers(-1, 5000),
    class_id=st.integers(-2, 100),
)
@settings(max_examples=60, deadline=None)
def test_no_picture_of_any_size_and_no_box_is_too_strange(
    width: int, height: int, corners: list[Box], view_height_px: int | None, class_id: int
) -> None:
    """Sizes, also odd ones, and coordinates of any kind are drawn without a fault."""
    for layout, (w, h) in ((PixelLayout.BGR, (width, height)), (PixelLayout.I420, (2 * width, 2 * height))):
        found = [make_detection(box, class_id=class_id) for box in corners]
        frame = make_frame(width=w, height=h, layout=layout)
        drawn = BoxAnnotator(LABELS).annotate(frame, found, view_height_px=view_height_px)
        assert drawn.pixels.shape == frame.pixels.shape


@pytest.mark.parametrize(
    ("height", "view_height_px", "text_px"),
    [
        (720, None, 15),
        (720, 720, 14),
        (720, 577, 16),
        (720, 219, 43),
        (720, 50, 51),
        (2160, None, 45),
        (2160, 4320, 14),
        (480, None, 14),
    ],
)
def test_text_looks_alike_on_every_screen(height: int, view_height_px: int | None, text_px: int) -> None:
    """Text is 13 pixels tall where the viewer looks at it, within the limits of the picture."""
    assert Style.of(height, view_height_px=view_height_px).text == text_px


@pytest.mark.parametrize(("height", "edge"), [(64, 2), (240, 2), (720, 2), (1080, 3), (2160, 6)])
def test_edges_grow_with_the_picture(height: int, edge: int) -> None:
    """Lines stay visible in large pictures."""
    assert Style.of(height, view_height_px=None).edge == edge


def test_labels_grow_for_a_small_view() -> None:
    """On a phone the label covers more of the picture than on a desktop."""
    frame, annotator = make_frame(width=1280, height=720), BoxAnnotator(LABELS)
    found = [make_detection((300, 300, 400, 400))]
    desktop, phone = (changed(frame, annotator.annotate(frame, found, view_height_px=view)).sum() for view in (700, 219))
    assert phone > 4 * desktop


def test_the_more_confident_of_two_boxes_is_on_top() -> None:
    """In the same place, the edge has the colour of the more confident detection, whatever the order."""
    frame = make_frame(width=640, height=480, layout=PixelLayout.BGR)
    pair = [make_detection(class_id=0, confidence=0.5), make_detection(class_id=2, confidence=0.9)]
    for found in (pair, pair[::-1]):
        drawn = BoxAnnotator(LABELS).annotate(frame, found)
        assert tuple(drawn.pixels[250, 200].tolist()) == class_colour(2).bgr


def test_one_annotator_serves_many_threads() -> None:
    """Streams that share an annotator get the pictures they would get alone."""
    annotator = BoxAnnotator(LABELS)
    frame = make_scene(width=320, height=240, layout=PixelLayout.I420)
    rounds = [[make_detection((20, 60, 200, 200), confidence=number / 100, track_id=number)] for number in range(60)]
    alone = [BoxAnnotator(LABELS).annotate(frame, found).pixels for found in rounds]
    together = threading.Barrier(4)

    def draw(_: int) -> list[npt.NDArray[np.uint8]]:
        together.wait()
        return [annotator.annotate(frame, found).pixels for found in rounds]

    with ThreadPoolExecutor(4) as threads:
        for drawn in threads.map(draw, range(4)):
            assert all(np.array_equal(one, other) for one, other in zip(drawn, alone, strict=True))
