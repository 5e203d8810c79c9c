"""Videos drawn for the tests of the place Video: what is in them at which second is known to the frame."""

from collections.abc import Iterable
from fractions import Fraction
from functools import lru_cache
from pathlib import Path

import av

from tests.drawing import Image
from tests.scenes import draw_empty, draw_firearm, draw_room

FPS = 15
SEEN_S = ((2.0, 4.0), (6.0, 7.0))
"""When the firearm is in the picture of `write_table`: from its first frame to the one where it is gone."""
LENGTH_S = 8.0


def write_video(path: Path, pictures: Iterable[Image], *, fps: int = FPS) -> Path:
    """An H.264 video of BGR pictures of one size; what the suffix says is its container."""
    shots = list(pictures)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=fps, options={"preset": "ultrafast", "crf": "20", "threads": "1"})
        stream.height, stream.width = shots[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        for index, picture in enumerate(shots):
            frame = av.VideoFrame.from_ndarray(picture, format="bgr24")
            frame.pts, frame.time_base = index, Fraction(1, fps)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def write_table(path: Path, *, times: int = 1) -> Path:
    """A firearm on a table in the seconds of `SEEN_S`, a room without one at all other times, and all that so often."""
    return write_video(path, [picture for _ in range(times) for picture in _table()])


def write_empty_table(path: Path, *, seconds: int = 1) -> Path:
    """A table on which no firearm lies."""
    return write_video(path, [draw_empty().bgr] * (seconds * FPS))


@lru_cache(maxsize=1)
def _table() -> list[Image]:
    # a room between: the detector half takes things on the table for firearms, which holds a track together
    firearm, nothing = draw_firearm().bgr, draw_room().bgr
    times = [index / FPS for index in range(round(LENGTH_S * FPS))]
    return [firearm if any(start <= t < end for start, end in SEEN_S) else nothing for t in times]
