"""I420 planes as numpy arrays: the one form in which live video travels from the decoder to the encoder."""

import av
import numpy as np
import numpy.typing as npt
from av.video.reformatter import ColorRange

from server.media.colour import BT601, to_limited_bt601

_LUMA_WEIGHTS = {1: (0.2126, 0.0722), 4: (0.30, 0.11), 7: (0.212, 0.087), 9: (0.2627, 0.0593)}
"""Weights of red and blue by FFmpeg's `AVCOL_SPC_*`: BT.709, FCC, SMPTE 240M, BT.2020. All others, unspecified too, are read as
BT.601, as swscale and the VP8 bitstream (RFC 6386, 9.2) do."""


def to_i420(video_frame: av.VideoFrame) -> npt.NDArray[np.uint8]:
    """Returns a copy of the frame's pixels as limited-range BT.601 I420, `(height * 3 // 2, width)`.

    Full range and other matrices are converted, because a detector that reads them as limited BT.601 sees wrong colours. An odd
    side loses its last pixel. A frame that is already so costs one copy. Never call this on two threads for the same
    frame: PyAV's scaler belongs to the frame and is not locked.
    """
    width, height = _even_size(video_frame)
    full_range, luma_weights = _is_full_range(video_frame), _luma_weights(video_frame)
    if not _has_planes(video_frame, width=width, height=height):
        # swscale only reorders and resizes here: without a change of range it leaves the levels alone.
        same = ColorRange.JPEG if full_range else ColorRange.MPEG
        video_frame = video_frame.reformat(
            width=width,
            height=height,
            format="yuv420p",
            src_color_range=same,
            dst_color_range=same,
            threads=1,  # a pool of threads per frame costs more than the conversion
        )
    pixels: npt.NDArray[np.uint8] = np.ascontiguousarray(video_frame.to_ndarray(), dtype=np.uint8)
    if full_range or luma_weights != BT601:
        return to_limited_bt601(pixels, luma_weights=luma_weights, full_range=full_range)
    return pixels


def is_i420(video_frame: av.VideoFrame) -> bool:
    """Whether the frame's planes are what `to_i420` returns: then it only copies, which is cheap enough for the event loop."""
    width, height = _even_size(video_frame)
    canonical = not _is_full_range(video_frame) and _luma_weights(video_frame) == BT601
    return canonical and _has_planes(video_frame, width=width, height=height)


def to_video_frame(pixels: npt.NDArray[np.uint8]) -> av.VideoFrame:
    """Returns a new frame for an encoder with a copy of I420 `pixels`, `(height * 3 // 2, width)`; its times are unset."""
    frame = av.VideoFrame.from_ndarray(pixels, format="yuv420p")
    frame.color_range = ColorRange.MPEG
    return frame


def _even_size(frame: av.VideoFrame) -> tuple[int, int]:
    """Width and height without a last odd pixel."""
    return max(2, frame.width & ~1), max(2, frame.height & ~1)


def _has_planes(frame: av.VideoFrame, *, width: int, height: int) -> bool:
    """Whether the frame has three planes of the right size, whatever their levels mean."""
    return frame.format.name in ("yuv420p", "yuvj420p") and (frame.width, frame.height) == (width, height)


def _luma_weights(frame: av.VideoFrame) -> tuple[float, float]:
    """The weights of red and blue in the frame's luma; swscale makes BT.601 of RGB."""
    return BT601 if frame.format.is_rgb else _LUMA_WEIGHTS.get(int(frame.colorspace), BT601)


def _is_full_range(frame: av.VideoFrame) -> bool:
    """Whether black is 0; the `yuvj` formats mean it whatever the field says."""
    return frame.format.name.startswith("yuvj") or frame.color_range == ColorRange.JPEG
