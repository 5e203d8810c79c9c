"""Video files of every kind that people bring, drawn and coded by the tests: a red square that wanders over grey."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import numpy.typing as npt

SIZE = (160, 120)
FPS = 15
SOUND_RATE = 44_100
FRAMES = 20
SIDE_PX = 32


def square_at(index: int, size: tuple[int, int] = SIZE) -> tuple[int, int]:
    """Left and top of the red square in a picture of width and height `size`."""
    return (8 + 4 * index) % (size[0] - SIDE_PX) // 2 * 2, size[1] // 4 // 2 * 2


def draw(index: int, size: tuple[int, int] = SIZE) -> npt.NDArray[np.uint8]:
    """The clip's picture, BGR."""
    picture = np.full((size[1], size[0], 3), 110, np.uint8)
    left, top = square_at(index, size)
    cv2.rectangle(picture, (left, top), (left + SIDE_PX - 1, top + SIDE_PX - 1), (0, 0, 255), -1)
    return picture


def make_clip(
    path: Path,
    *,
    frames: int = FRAMES,
    size: tuple[int, int] = SIZE,
    fps: int = FPS,
    codec: str = "libx264",
    pix_fmt: str = "yuv420p",
    options: dict[str, str] | None = None,
    container: dict[str, str] | None = None,
    times_ms: Sequence[int] | None = None,
    rotation_deg: int = 0,
    sound: str | None = None,
    sound_form: tuple[int, str] = (SOUND_RATE, "stereo"),
    first: int = 0,
    drawn_from: int = 0,
) -> Path:
    """Writes a clip; the suffix of `path` says in which container. `times_ms` makes the frame rate vary.

    `first` is when it begins, in frames, and `drawn_from` which of the drawn pictures it begins with.
    """
    with av.open(str(path), "w", options=container or {}) as output:
        video = output.add_stream(codec, rate=fps, options=options or {})
        assert isinstance(video, av.VideoStream)
        video.width, video.height, video.pix_fmt = *size, pix_fmt
        if times_ms is not None:
            video.codec_context.time_base = video.time_base = Fraction(1, 1000)
        if rotation_deg:
            video.set_display_rotation(rotation_deg)
        audio = output.add_stream(sound, rate=sound_form[0], layout=sound_form[1]) if sound else None
        for index in range(frames):
            frame = av.VideoFrame.from_ndarray(draw(drawn_from + index, size), format="bgr24").reformat(format=pix_fmt)
            frame.time_base = Fraction(1, 1000) if times_ms is not None else Fraction(1, fps)
            frame.pts = first + (index if times_ms is None else times_ms[index])
            output.mux(video.encode(frame))
        output.mux(video.encode(None))
        if audio is not None:
            assert isinstance(audio, av.AudioStream)
            _sing(output, audio, seconds=frames / fps, begin_s=first / fps)
    return path


def join(path: Path, parts: Sequence[Path]) -> Path:
    """Writes transport streams one after the other into a file, as recorders do and `cat` does, and removes them."""
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    for part in parts:
        part.unlink()
    return path


def make_joined(path: Path, *, firsts: Sequence[int], frames: int = FRAMES // 2, **clip: Any) -> Path:
    """Writes a transport stream of several clips; each begins at the time of its own of `firsts`, in frames."""
    return join(
        path,
        [
            make_clip(path.with_name(f"{number}.ts"), frames=frames, first=first, drawn_from=number * frames, **clip)
            for number, first in enumerate(firsts)
        ],
    )


def make_sound(path: Path, *, codec: str = "aac", seconds: float = 1.0) -> Path:
    """Writes a file with sound alone."""
    with av.open(str(path), "w") as output:
        audio = output.add_stream(codec, rate=SOUND_RATE)
        assert isinstance(audio, av.AudioStream)
        _sing(output, audio, seconds=seconds)
    return path


def make_empty(path: Path) -> Path:
    """Writes a container that promises a picture and holds none."""
    with av.open(str(path), "w") as output:
        video = output.add_stream("libx264", rate=FPS)
        assert isinstance(video, av.VideoStream)
        video.width, video.height, video.pix_fmt = *SIZE, "yuv420p"
        output.start_encoding()
    return path


def make_changing(path: Path, *, frames: int = FRAMES) -> Path:
    """Writes a transport stream whose picture changes its size after half of the frames."""
    half = frames // 2
    return join(
        path,
        [
            make_clip(
                path.with_name(f"{path.stem}-{number}.ts"), frames=half, size=size, first=number * half, options={"bf": "0"}
            )
            for number, size in enumerate((SIZE, (240, 120)))
        ],
    )


def cut(path: Path, *, share: float) -> Path:
    """Cuts a file off after a share of its bytes."""
    data = path.read_bytes()
    path.write_bytes(data[: round(len(data) * share)])
    return path


def frame_times(path: Path) -> list[float]:
    """The time of each frame that PyAV alone decodes, in seconds from the first; without a time it counts 1/FPS a frame."""
    times: list[float] = []
    with av.open(str(path)) as container:
        video = container.streams.video[0]
        try:
            for packet in container.demux(video):
                for frame in _decoded(packet):
                    times.append(len(times) / FPS if frame.pts is None else frame.time)
        except av.InvalidDataError:
            pass
    return [time - times[0] for time in times]


def _decoded(packet: "av.Packet[av.VideoStream]") -> list[av.VideoFrame]:
    try:
        return packet.decode()
    except av.InvalidDataError:
        return []


def _sing(output: av.container.OutputContainer, audio: av.AudioStream, *, seconds: float, begin_s: float = 0.0) -> None:
    """A tone of 440 Hz."""
    layout, rate = audio.codec_context.layout.name, audio.codec_context.sample_rate
    total, begin = round(rate * seconds), round(rate * begin_s)
    wave = (8000 * np.sin(2 * np.pi * 440 * np.arange(total) / rate)).astype(np.int16)
    for start in range(0, total, 1024):
        piece = np.repeat(wave[start : start + 1024], audio.codec_context.channels)[None]
        frame = av.AudioFrame.from_ndarray(piece, format="s16", layout=layout)
        frame.sample_rate, frame.pts, frame.time_base = rate, begin + start, Fraction(1, rate)
        output.mux(audio.encode(frame))
    output.mux(audio.encode(None))
