"""Writing annotated videos: H.264 in an MP4 file that every browser plays while it is still loading."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Self

import av

from server.domain.errors import Unprocessable
from server.domain.frame import Frame
from server.media.i420 import to_video_frame
from server.media.sound import DISK_ERRORS, Sound
from server.media.video_reader import VideoShape

# A click on the timeline should not wait: the decoder starts at the key frame before it.
_KEY_FRAME_EVERY_S = 2.0
_MOST_FPS = 240
# FFmpeg's numbers of what `to_i420` makes: BT.601, limited range.
_MATRIX_SMPTE170M, _RANGE_LIMITED = 6, 1

QUALITY = {"preset": "superfast", "x264-params": "mbtree=1:rc-lookahead=10", "crf": "23"}
"""How x264 spends its time: the preset, and what it leaves out and is worth it, more bits for what later pictures are made
of. It takes 0.7 of the processor time of preset veryfast, for files an eighth larger (`encoding` in the benchmarks)."""


class VideoWriter:
    """An MP4 file with every frame that it is given, each at its own time, and the sound of `sound_from`.

    H.264 High, `yuv420p`, the index in front. Use it as a context manager; the file is complete when `finish` has returned.
    One thread, never the event loop. Raises OSError when the disk is full, Unprocessable for times that MP4 cannot hold.
    """

    def __init__(self, path: Path, *, shape: VideoShape, sound_from: Path | None, threads: int = 0) -> None:
        self._path = path
        self._closing = ExitStack()
        self._container = self._closing.enter_context(
            av.open(str(path), "w", format="mp4", options={"movflags": "+faststart"}),
        )
        self._shape = shape
        self._stream = self._container.add_stream("libx264", rate=_nominal(shape.fps), options=_options(shape, threads=threads))
        self._stream.width, self._stream.height, self._stream.pix_fmt = shape.width, shape.height, "yuv420p"
        context = self._stream.codec_context
        context.time_base = self._stream.time_base = shape.time_base
        context.sample_aspect_ratio = shape.aspect
        context.colorspace, context.color_range = _MATRIX_SMPTE170M, _RANGE_LIMITED
        self._sound = self._closing.enter_context(Sound(sound_from, self._container)) if sound_from else None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.close()

    def put(self, frame: Frame, *, pts: int) -> None:
        """Takes the next frame, I420 of the shape's size; `pts` is in the shape's time base."""
        video_frame = to_video_frame(frame.pixels)
        video_frame.pts, video_frame.time_base = pts, self._shape.time_base
        with _system_errors(self._path):
            self._container.mux(self._stream.encode(video_frame))
            if self._sound is not None:
                self._sound.write_until(frame.pts_s)

    def finish(self, *, until_s: float | None = None) -> None:
        """Writes what is left: all of the sound, or what begins before `until_s`."""
        with _system_errors(self._path):
            self._container.mux(self._stream.encode(None))
            if self._sound is not None:
                self._sound.write_until(float("inf") if until_s is None else until_s)
                self._sound.finish()
            self._container.close()


@contextmanager
def _system_errors(path: Path) -> Iterator[None]:
    """Turns what FFmpeg says of a full disk into the OSError that it was, and the rest into words."""
    try:
        yield
    except av.FFmpegError as exc:
        if exc.errno is not None and exc.errno in DISK_ERRORS:
            raise OSError(exc.errno, os.strerror(exc.errno), str(path)) from exc
        raise Unprocessable("The file is damaged: its sound or times cannot be written again. Export it again.") from exc


def _nominal(fps: Fraction) -> Fraction:
    """The frame rate as the encoder takes it: its rate control needs a sane one, the times are the frames' own."""
    return min(max(fps, Fraction(1)), Fraction(_MOST_FPS)).limit_denominator(1001)


def _options(shape: VideoShape, *, threads: int) -> dict[str, str]:
    key_frames = max(1, round(_nominal(shape.fps) * Fraction(_KEY_FRAME_EVERY_S)))
    return {**QUALITY, "g": str(key_frames), "profile": "high", "threads": str(threads)}
