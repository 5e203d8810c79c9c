"""Makes the clip behind "Try the sample clip": `python -m tests.e2e.sample_clip` writes static/sample.webm."""

from pathlib import Path

import av

from tests.scenes import CLIP_S, draw_frame

FILE = Path(__file__).resolve().parents[2] / "static" / "sample.webm"
SIZE = (960, 540)
FPS = 15
SECONDS = 20
"""Twice as long as the drawn pan: slow enough to read the label."""


def write(path: Path) -> None:
    """Encodes the drawn table as VP9, which every browser that can show the page plays."""
    with av.open(str(path), "w") as container:
        options = {"crf": "33", "b": "0", "deadline": "good", "cpu-used": "3", "row-mt": "1"}
        stream = container.add_stream("libvpx-vp9", rate=FPS, options=options)
        stream.width, stream.height = SIZE
        stream.pix_fmt = "yuv420p"
        stream.bit_rate = 0
        for index in range(FPS * SECONDS):
            shot = draw_frame(index / (FPS * SECONDS) * CLIP_S, SIZE)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(shot.bgr, format="bgr24")))
        container.mux(stream.encode(None))


if __name__ == "__main__":
    write(FILE)
