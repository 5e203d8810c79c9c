"""Encoders: live video at picture sizes (processor time, bitrate, likeness), PNG files beside OpenCV's writer, and video files.

Video files are encoded with our settings of x264, and at the same quality (crf) with three of its presets.
"""

import fractions
import io
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import numpy.typing as npt

from benchmarks.report.results import summary, write_result
from server.media.png import encode_png
from server.media.video_writer import QUALITY
from server.transports.encoders import Bitrates, create_encoder
from tests.server_process import REPOSITORY

Pixels = npt.NDArray[np.uint8]

CLIPS = REPOSITORY.parent / "shared" / "data" / "clips"
CLIP = "codeproject_highway_640x360.mp4"  # traffic: of the four the one that takes the most bits
PNG_CLIP = "sofwerx_hall_aiming_720p.mp4"
SIZES = ((320, 240), (640, 480), (1280, 720), (1920, 1080))
FILE_CLIPS = (PNG_CLIP, CLIP, "roboflow_night_street_people_426x240.mp4")
FILE_QUALITIES = {"sightline": QUALITY} | {
    preset: {"preset": preset, "crf": QUALITY["crf"]} for preset in ("veryfast", "superfast", "ultrafast")
}
CODECS = {"h264": "video/H264", "vp8": "video/VP8"}
BITRATES = Bitrates(2_500_000)
FPS = 30
# The first pictures come from a bad guess at the bitrate.
SETTLED = 15


def run(*, frames: int = 90, pictures: int = 15, rounds: int = 3) -> None:
    """Encodes a clip at each size with what the settings give; nothing without the clips in ../shared."""
    if not CLIPS.is_dir():
        print("encoding: needs the clips in ../shared; left out", flush=True)
        return
    figures: dict[str, Any] = {"start_bitrate_bps": BITRATES.start_bps, "clip": CLIP}
    for width, height in SIZES:
        film = [np.asarray(cv2.resize(one, (width, height)), np.uint8) for one in _read(CLIPS / CLIP, frames)]
        for codec, mime_type in CODECS.items():
            figures[f"{codec} {width}x{height}"] = _encode(film, mime_type)
    figures["png 1280x720"] = _png(_read(CLIPS / PNG_CLIP, pictures))
    figures |= {f"file of {clip}": _files(_read(CLIPS / clip, frames), rounds=rounds) for clip in FILE_CLIPS}
    write_result("encoding", figures)


def _read(clip: Path, count: int) -> list[Pixels]:
    """The first pictures, blue first."""
    with av.open(str(clip)) as container:
        found = (frame.to_ndarray(format="bgr24") for frame in container.decode(video=0))
        return [np.asarray(picture, np.uint8) for picture, _ in zip(found, range(count), strict=False)]


def _encode(film: Sequence[Pixels], mime_type: str) -> dict[str, Any]:
    encoder = create_encoder(mime_type, bitrates=BITRATES)
    assert encoder is not None
    decoder = av.CodecContext.create("h264" if mime_type == "video/H264" else "libvpx", "r")
    milliseconds, bits, likeness = list[float](), 0, list[float]()
    for number, picture in enumerate(film):
        planes = cv2.cvtColor(picture, cv2.COLOR_BGR2YUV_I420).astype(np.uint8, copy=False)
        frame = av.VideoFrame.from_ndarray(planes, format="yuv420p")
        frame.pts, frame.time_base = number * 3000, fractions.Fraction(1, 90_000)
        began = time.process_time()
        data = encoder.encode_data(frame, key=False)
        milliseconds.append((time.process_time() - began) * 1000)
        bits += 8 * len(data)
        for decoded in decoder.decode(av.Packet(data)):
            assert isinstance(decoded, av.VideoFrame)
            likeness.append(_psnr_db(planes, np.asarray(decoded.to_ndarray(), np.uint8), height=picture.shape[0]))
    return {
        "processor ms": summary(milliseconds[SETTLED:]),
        "Mbit/s": round(bits / len(film) * FPS / 1e6, 2),
        "PSNR dB": summary(likeness[SETTLED:]),
    }


def _files(film: Sequence[Pixels], *, rounds: int) -> dict[str, Any]:
    """A file of the film with each of FILE_QUALITIES, in turns."""
    planes = [cv2.cvtColor(picture, cv2.COLOR_BGR2YUV_I420).astype(np.uint8, copy=False) for picture in film]
    milliseconds: dict[str, list[float]] = {name: [] for name in FILE_QUALITIES}
    files: dict[str, bytes] = {}
    for _ in range(rounds):
        for name, options in FILE_QUALITIES.items():
            began = time.process_time()
            files[name] = _write(planes, options)
            milliseconds[name].append((time.process_time() - began) * 1000 / len(planes))
    return {
        name: {
            "processor ms": summary(milliseconds[name]),
            "kB": round(len(file) / 1000),
            "PSNR dB": round(statistics.mean(_likeness(planes, file)), 2),
        }
        for name, file in files.items()
    }


def _write(planes: Sequence[Pixels], options: dict[str, str]) -> bytes:
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=FPS, options={"g": str(2 * FPS), "profile": "high", **options})
        stream.height, stream.width, stream.pix_fmt = planes[0].shape[0] * 2 // 3, planes[0].shape[1], "yuv420p"
        for number, picture in enumerate(planes):
            frame = av.VideoFrame.from_ndarray(picture, format="yuv420p")
            frame.pts = number
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return file.getvalue()


def _likeness(planes: Sequence[Pixels], file: bytes) -> list[float]:
    with av.open(io.BytesIO(file), "r") as container:
        decoded = (np.asarray(frame.to_ndarray(format="yuv420p"), np.uint8) for frame in container.decode(video=0))
        pairs = zip(planes, decoded, strict=True)
        return [_psnr_db(one, other, height=one.shape[0] * 2 // 3) for one, other in pairs]


def _psnr_db(one: Pixels, other: Pixels, *, height: int) -> float:
    """How alike the luma of two I420 pictures is; from 40 dB on hardly anybody sees a difference."""
    error = float(np.square(one[:height].astype(np.int32) - other[:height]).mean())
    return 10 * float(np.log10(255**2 / max(error, 1e-3)))


def _png(pictures: Sequence[Pixels]) -> dict[str, Any]:
    """Ours, and OpenCV's defaults, in turn."""
    writers: dict[str, Callable[[Pixels], bytes]] = {
        "sightline": encode_png,
        "opencv": lambda picture: cv2.imencode(".png", picture)[1].tobytes(),
    }
    milliseconds: dict[str, list[float]] = {name: [] for name in writers}
    sizes: dict[str, list[int]] = {name: [] for name in writers}
    for picture in pictures:
        for name, write in writers.items():
            began = time.thread_time()
            sizes[name].append(len(write(picture)))
            milliseconds[name].append((time.thread_time() - began) * 1000)
    return {
        name: {"processor ms": summary(milliseconds[name]), "kB": round(statistics.median(sizes[name]) / 1000)}
        for name in writers
    }
