"""Reading video files: every frame, upright, progressive, in one size, as I420 with its time."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TypeAlias, cast

import av
import cv2
import numpy as np
import numpy.typing as npt
from av.container import InputContainer
from av.sidedata.sidedata import Type as SideDataType
from av.video.stream import VideoStream

from server.domain.errors import TooLarge, Unprocessable
from server.domain.frame import Frame, PixelLayout
from server.media.continuity import Continuity
from server.media.deinterlace import Deinterlacer
from server.media.i420 import to_i420
from server.media.orientation import Orientation
from server.media.video_file import MAX_PIXELS, NO_FRAMES, TOO_LARGE, TOO_LONG, first_sound, frame_rate, open_video

VideoPacket: TypeAlias = "av.Packet[VideoStream]"
Planes = npt.NDArray[np.uint8]

# Times that some containers round to whole frames would leave no room for a frame between two others.
_LEAST_TICKS_PER_S = 1000


@dataclass(frozen=True, slots=True)
class VideoShape:
    """What all frames of one file share once the first one is decoded.

    `width` and `height` are even. `time_base` is the unit of the frames' times, `fps` their average number a second. `aspect`
    is how much wider than high a pixel is shown.
    """

    width: int
    height: int
    time_base: Fraction
    fps: Fraction
    aspect: Fraction


@dataclass(frozen=True, slots=True, eq=False)
class TimedFrame:
    """A frame and its time in units of the shape's time base, counted from the start of the file, always rising."""

    frame: Frame
    pts: int


class VideoReader:
    """Decodes one video file from its first frame to its last, and drops none.

    What is interlaced is made progressive, frame by frame. Frames are turned upright; an odd side loses its last pixel. Where
    the size changes in the middle, later frames are fitted into the first one's size, on black. Damaged packets are left out
    and counted in `skipped`. Where the file's times jump, time goes on; see `Continuity`.

    One thread at a time, never the event loop: `frames` blocks while it decodes.
    """

    def __init__(self, path: Path, *, max_pixels: int = MAX_PIXELS, max_duration_s: float | None = None) -> None:
        self._path = path
        self._max_pixels = max_pixels
        self._max_duration_s = max_duration_s
        self._last_pts = -1
        self.shape: VideoShape | None = None
        self.skipped = 0

    @property
    def opened_shape(self) -> VideoShape:
        """The shape, once there was a frame; ValueError before."""
        if self.shape is None:
            raise ValueError("no frame is decoded yet")
        return self.shape

    def frames(self) -> Iterator[TimedFrame]:
        """Yields every frame; `shape` is set before the first one comes.

        Raises UnsupportedFormat and Unprocessable as `open_video` does, Unprocessable when there is not one frame, TooLarge at
        the first frame of more than `max_pixels` or later than `max_duration_s`, whatever the header says, OSError.
        """
        with open_video(self._path) as (container, stream):
            # Threads that decode several frames at once lose those in work when one of them is damaged.
            stream.thread_type = "SLICE"
            timing = _Timing.of(container, stream)
            index = 0
            for decoded in self._progressive(container, stream):
                pixels = self._one_size(_orientation(decoded).upright(to_i420(decoded)), decoded, timing=timing)
                pts = self._rising(timing.pts(decoded, after=self._last_pts))
                pts_s = self._checked(float(pts * timing.time_base))
                yield TimedFrame(Frame(pixels, PixelLayout.I420, index=index, pts_s=pts_s), pts)
                index += 1
        if index == 0:
            raise Unprocessable(NO_FRAMES)

    def _progressive(self, container: InputContainer, stream: VideoStream) -> Iterator[av.VideoFrame]:
        deinterlacer = Deinterlacer()
        for decoded in self._decode(container, stream):
            yield from deinterlacer.put(decoded)
        yield from deinterlacer.finish()

    def _decode(self, container: InputContainer, stream: VideoStream) -> Iterator[av.VideoFrame]:
        """Every frame that can be decoded; a file that breaks off ends there."""
        packets = Continuity(container, stream, first_sound(container)).packets()
        while True:
            try:
                packet = next(packets)
            except StopIteration:
                return
            except av.FFmpegError:  # whatever the demuxer stumbles over
                self.skipped += 1
                yield from self._decode_packet(stream, None)
                return
            if packet.stream.index == stream.index:
                yield from self._decode_packet(stream, cast("VideoPacket", packet) if packet.size else None)

    def _decode_packet(self, stream: VideoStream, packet: "VideoPacket | None") -> list[av.VideoFrame]:
        try:
            frames = stream.decode(packet)
        except av.EOFError:
            return []
        except av.FFmpegError:  # damaged in one of many ways
            self.skipped += 1
            return []
        for frame in frames:
            if frame.width * frame.height > self._max_pixels:
                raise TooLarge(TOO_LARGE.format(width=frame.width, height=frame.height, limit=self._max_pixels))
        return frames

    def _one_size(self, pixels: Planes, decoded: av.VideoFrame, *, timing: "_Timing") -> Planes:
        width, height = pixels.shape[1], pixels.shape[0] * 2 // 3
        if self.shape is None:
            self.shape = timing.shape(width, height, turned=_orientation(decoded).transposed)
        if (width, height) == (self.shape.width, self.shape.height):
            return pixels
        return fitted(pixels, width=self.shape.width, height=self.shape.height)

    def _checked(self, pts_s: float) -> float:
        if self._max_duration_s is not None and pts_s > self._max_duration_s:
            raise TooLarge(TOO_LONG.format(limit=self._max_duration_s))
        return pts_s

    def _rising(self, pts: int) -> int:
        """The time, or the next one after the last frame's where it does not rise."""
        self._last_pts = max(pts, self._last_pts + 1)
        return self._last_pts


@dataclass(frozen=True, slots=True)
class _Timing:
    """How the times of a stream's frames become times from the start of its file."""

    source_base: Fraction
    time_base: Fraction
    start: Fraction
    """When the file starts, in seconds: the earliest of sound and picture."""
    fps: Fraction
    aspect: Fraction

    @classmethod
    def of(cls, container: InputContainer, stream: VideoStream) -> "_Timing":
        source_base = stream.time_base or Fraction(1, 90_000)
        finer = -(-_LEAST_TICKS_PER_S // max(1, int(1 / source_base)))
        fps = frame_rate(container, stream) or Fraction(25)
        start = Fraction(container.start_time or 0, av.time_base)
        return cls(source_base, source_base / finer, start, fps, Fraction(stream.sample_aspect_ratio or 1) or Fraction(1))

    def pts(self, decoded: av.VideoFrame, *, after: int) -> int:
        """The frame's time; where it has none, one frame interval after the last."""
        if decoded.pts is None:
            return 0 if after < 0 else after + max(1, round(1 / (self.fps * self.time_base)))
        return round((decoded.pts * (decoded.time_base or self.source_base) - self.start) / self.time_base)

    def shape(self, width: int, height: int, *, turned: bool) -> VideoShape:
        return VideoShape(width, height, self.time_base, self.fps, 1 / self.aspect if turned else self.aspect)


def fitted(pixels: Planes, *, width: int, height: int) -> Planes:
    """The I420 picture resized into `width` x `height`, its sides in proportion, in the middle of black."""
    own_width, own_height = pixels.shape[1], pixels.shape[0] * 2 // 3
    gain = min(width / own_width, height / own_height)
    inner_width, inner_height = max(2, round(own_width * gain / 2) * 2), max(2, round(own_height * gain / 2) * 2)
    left, top = (width - inner_width) // 4 * 2, (height - inner_height) // 4 * 2
    made = np.full((height * 3 // 2, width), 128, np.uint8)
    made[:height] = 16
    targets = (made[:height], *made[height:].reshape(2, height // 2, width // 2))
    sources = (pixels[:own_height], *pixels[own_height:].reshape(2, own_height // 2, own_width // 2))
    for number, (source, target) in enumerate(zip(sources, targets, strict=True)):
        part = 1 if number == 0 else 2
        size = (inner_width // part, inner_height // part)
        x, y = left // part, top // part
        target[y : y + size[1], x : x + size[0]] = cv2.resize(source, size, interpolation=cv2.INTER_AREA)
    return made


def _orientation(decoded: av.VideoFrame) -> Orientation:
    """How the frame is to be turned, as its display matrix says."""
    if SideDataType.DISPLAYMATRIX not in decoded.side_data:
        return Orientation()
    data = decoded.side_data[SideDataType.DISPLAYMATRIX]  # type: ignore[typeddict-item]  # the stubs know motion vectors alone
    matrix = np.frombuffer(data, np.int32)
    return Orientation.of_matrix(tuple(matrix[:9].tolist()))
