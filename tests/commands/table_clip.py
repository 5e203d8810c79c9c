"""The drawn scene as a short video file, for commands that take clips."""

from pathlib import Path

import av

from tests.scenes import clip

CLIP_FPS = 15
CLIP_FRAMES = 4 * CLIP_FPS


def write_table_clip(path: Path) -> Path:
    """Writes the scene up to where the camera turns back: the pistol is wholly in the picture from about 1.9 s on."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=CLIP_FPS)
        stream.width, stream.height, stream.pix_fmt = 640, 480, "yuv420p"
        for shot in list(clip(fps=CLIP_FPS))[:CLIP_FRAMES]:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(shot.bgr, format="bgr24")))
        container.mux(stream.encode())
    return path
