"""A video file whose pictures carry their number (`tests.marked_video`)."""

from fractions import Fraction
from pathlib import Path

import av

from tests.marked_video import marked_picture


def write_marked_clip(path: Path, *, frames: int, width: int = 640, height: int = 480, fps: int = 30) -> Path:
    """Writes H.264 in MP4; returns the path."""
    with av.open(str(path), "w") as output:
        stream = output.add_stream("libx264", rate=fps, options={"preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for number in range(frames):
            picture = av.VideoFrame.from_ndarray(marked_picture(number, width=width, height=height), format="yuv420p")
            picture.pts, picture.time_base = number, Fraction(1, fps)
            output.mux(stream.encode(picture))
        output.mux(stream.encode())
    return path
