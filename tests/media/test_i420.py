"""Pixels come out of a video frame in one canonical form, whatever range, matrix and size it had."""

import av
import cv2
import numpy as np
import numpy.typing as npt
import pytest
from av.video.reformatter import ColorRange, Colorspace

from server.media.i420 import is_i420, to_i420, to_video_frame


def make_bgr(*, width: int = 64, height: int = 48) -> npt.NDArray[np.uint8]:
    """Colour patches that BT.601 and BT.709, limited and full range all store differently."""
    bgr = np.empty((height, width, 3), np.uint8)
    bgr[:] = (40, 90, 200)
    bgr[: height // 2] = (250, 250, 250)
    bgr[:, : width // 4] = (0, 200, 30)
    return bgr


def make_video_frame(*, matrix: int, color_range: int, pixel_format: str = "yuv420p") -> av.VideoFrame:
    """The patches stored with the given matrix and range, labelled so."""
    bgr = av.VideoFrame.from_ndarray(make_bgr(), format="bgr24")
    return bgr.reformat(format=pixel_format, dst_colorspace=matrix, dst_color_range=color_range)


def make_i420() -> npt.NDArray[np.uint8]:
    """The patches as OpenCV stores them: limited range, BT.601."""
    return np.asarray(cv2.cvtColor(make_bgr(), cv2.COLOR_BGR2YUV_I420), np.uint8)


def patch_colours(pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Y, U, V in the middle of the three patches, `(3, 3)`; edges are left out, where resampled chroma is blurred."""
    y, chroma = pixels[:48], pixels[48:].reshape(2, 24, 32)
    return np.array([[y[r, c], chroma[0, r // 2, c // 2], chroma[1, r // 2, c // 2]] for r, c in ((12, 40), (36, 40), (36, 6))])


def largest_difference(left: npt.NDArray[np.uint8], right: npt.NDArray[np.uint8]) -> int:
    """The largest difference of two arrays in grey levels."""
    return int(np.abs(left.astype(int) - right.astype(int)).max())


@pytest.mark.parametrize("matrix", [Colorspace.ITU601, Colorspace.ITU709], ids=["bt601", "bt709"])
@pytest.mark.parametrize("color_range", [ColorRange.MPEG, ColorRange.JPEG], ids=["limited", "full"])
def test_every_range_and_matrix_becomes_limited_bt601(matrix: int, color_range: int) -> None:
    """The colours equal those that OpenCV makes of the same picture, within rounding."""
    pixels = to_i420(make_video_frame(matrix=matrix, color_range=color_range))

    assert largest_difference(patch_colours(pixels), patch_colours(make_i420())) <= 2


@pytest.mark.parametrize("pixel_format", ["yuvj420p", "nv12", "yuv422p", "yuyv422"])
def test_other_pixel_formats_become_i420(pixel_format: str) -> None:
    """Formats of cameras and of JPEG come out with the same colours."""
    bgr = av.VideoFrame.from_ndarray(make_bgr(), format="bgr24")

    pixels = to_i420(bgr.reformat(format=pixel_format))

    assert pixels.shape == (72, 64)
    assert largest_difference(patch_colours(pixels), patch_colours(make_i420())) <= 2


def test_rgb_is_converted_with_bt601() -> None:
    """A frame of RGB pixels comes out as limited BT.601."""
    pixels = to_i420(av.VideoFrame.from_ndarray(make_bgr(), format="bgr24"))

    assert largest_difference(patch_colours(pixels), patch_colours(make_i420())) <= 2


@pytest.mark.parametrize(
    ("width", "height", "shape"), [(65, 48, (72, 64)), (64, 49, (72, 64)), (65, 49, (72, 64)), (3, 3, (3, 2))]
)
def test_an_odd_side_loses_its_last_pixel(width: int, height: int, shape: tuple[int, int]) -> None:
    """Odd sizes come out even."""
    frame = av.VideoFrame(width, height, "yuv420p")

    assert to_i420(frame).shape == shape


def test_the_pixels_are_a_copy_of_a_canonical_frame() -> None:
    """What is returned equals the planes, is contiguous, and writing to it does not reach the frame."""
    frame = make_video_frame(matrix=Colorspace.ITU601, color_range=ColorRange.MPEG)

    pixels = to_i420(frame)
    before = pixels.copy()
    pixels[:] = 0

    assert pixels.flags.c_contiguous
    assert np.array_equal(to_i420(frame), before)


def test_a_width_that_ffmpeg_pads_keeps_its_rows_straight() -> None:
    """Rows that are padded in memory come out without the padding."""
    bgr = cv2.resize(make_bgr(), (426, 240), interpolation=cv2.INTER_NEAREST)
    frame = av.VideoFrame.from_ndarray(np.asarray(bgr, np.uint8), format="bgr24").reformat(format="yuv420p")

    pixels = to_i420(frame)

    assert pixels.shape == (360, 426)
    assert largest_difference(pixels[:240], np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2YUV_I420), np.uint8)[:240]) <= 8


def test_pixels_survive_the_way_into_a_video_frame_and_back() -> None:
    """A frame made of I420 pixels gives the same pixels again and is labelled limited range."""
    pixels = make_i420()

    frame = to_video_frame(pixels)

    assert (frame.width, frame.height, frame.format.name) == (64, 48, "yuv420p")
    assert frame.color_range == ColorRange.MPEG
    assert np.array_equal(to_i420(frame), pixels)


@pytest.mark.parametrize(
    ("matrix", "color_range", "canonical"),
    [(5, 1, True), (6, 1, True), (2, 0, True), (1, 1, False), (5, 2, False), (9, 1, False)],
)
def test_a_frame_says_whether_it_needs_only_a_copy(matrix: int, color_range: int, *, canonical: bool) -> None:
    """Limited BT.601 and what is not said are taken as they are, everything else is converted."""
    frame = av.VideoFrame(64, 48, "yuv420p")
    frame.colorspace, frame.color_range = matrix, color_range

    assert is_i420(frame) is canonical


@pytest.mark.parametrize(("width", "pixel_format"), [(63, "yuv420p"), (64, "nv12"), (64, "yuvj420p")])
def test_other_sizes_and_formats_need_more_than_a_copy(width: int, pixel_format: str) -> None:
    """An odd side, other planes and full range are converted."""
    assert not is_i420(av.VideoFrame(width, 48, pixel_format))
