"""Film: drawn pictures encoded once, for publishers that send packets and encode nothing."""

from collections.abc import Iterator
from pathlib import Path

import av
import cv2
import numpy as np

from tests.drawing import Image
from tests.scenes import clip, draw_empty, draw_firearm

DURATION_S, STILL_S = 10.0, 4.0
# What a browser sends of a webcam: 0.9 Mbit/s of 640x480 at 15 frames a second.
BITS_A_PIXEL = 0.2
# A viewer that has lost pictures waits for the next key frame: nobody here can be asked for one.
KEY_FRAME_EVERY_S = 2


def write_film(path: Path, *, width: int, height: int, fps: int, objects: int | None = None) -> Path:
    """Writes H.264 as a camera of that size would send it; the first picture follows well on the last.

    A firearm comes into the picture, crosses it and leaves again; with `objects` so many lie still in all pictures instead.
    """
    with av.open(str(path), "w", format="h264") as file:
        stream = file.add_stream("libx264", rate=fps)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.bit_rate = round(BITS_A_PIXEL * width * height * fps)
        stream.gop_size = KEY_FRAME_EVERY_S * fps
        stream.codec_context.profile = "Baseline"
        stream.options = {"preset": "veryfast", "tune": "zerolatency", "sc_threshold": "0"}
        for picture in _pictures((width, height), fps=fps, objects=objects):
            for packet in stream.encode(av.VideoFrame.from_ndarray(picture, format="bgr24")):
                file.mux(packet)
        for packet in stream.encode():
            file.mux(packet)
    return path


def read_film(path: Path) -> list[bytes]:
    """The encoded pictures, in order."""
    with av.open(str(path), "r", format="h264") as file:
        return [bytes(packet) for packet in file.demux(video=0) if packet.size]


def still(objects: int, size: tuple[int, int]) -> Image:
    """A table with so many firearms, in rows and columns."""
    width, height = size
    picture = np.asarray(cv2.resize(draw_empty().bgr, size), np.uint8)
    columns = next(count for count in range(1, objects + 2) if count * count >= objects)
    cell = (width // columns, height // columns)
    shot = np.asarray(cv2.resize(draw_firearm().bgr, cell, interpolation=cv2.INTER_AREA), np.uint8)
    for number in range(objects):
        top, left = number // columns * cell[1], number % columns * cell[0]
        picture[top : top + cell[1], left : left + cell[0]] = shot
    return picture


def _pictures(size: tuple[int, int], *, fps: int, objects: int | None) -> Iterator[Image]:
    if objects is None:
        yield from (shot.bgr for shot in clip(size, fps=fps, duration_s=DURATION_S))
        return
    picture = still(objects, size)
    noise = np.random.default_rng(3)
    for _ in range(round(STILL_S * fps)):
        # A little of a sensor's noise: a still picture would be nothing to encode.
        grain = noise.normal(0, 2, picture.shape[:2]).astype(np.int16)[..., None]
        yield np.asarray(np.clip(picture.astype(np.int16) + grain, 0, 255), np.uint8)
