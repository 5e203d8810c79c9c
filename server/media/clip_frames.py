"""Clip frames: every frame of a video file, one after the other, on the thread that asks."""

from collections.abc import Generator
from pathlib import Path

import av
from av.error import FFmpegError

from server.domain.errors import Unprocessable, UnsupportedFormat
from server.domain.frame import Frame, PixelLayout
from server.media.i420 import to_i420


def clip_frames(path: Path) -> Generator[Frame]:
    """Yields the frames of a file's first video stream as I420; `pts_s` counts from the first one. Blocks.

    Raises UnsupportedFormat for what is no video, Unprocessable where decoding fails.
    """
    try:
        with av.open(str(path)) as container:
            if not container.streams.video:
                raise UnsupportedFormat(f"{path}: has no video")
            first_s: float | None = None
            for index, decoded in enumerate(container.decode(container.streams.video[0])):
                time_s = decoded.time or 0.0
                first_s = time_s if first_s is None else first_s
                yield Frame(to_i420(decoded), PixelLayout.I420, index=index, pts_s=time_s - first_s)
    except FFmpegError as exc:
        raise Unprocessable(f"{path}: cannot be read as video: {exc.strerror}") from exc
