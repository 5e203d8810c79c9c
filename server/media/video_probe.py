"""Probing: what a video file says of itself, before a frame of it is decoded."""

from pathlib import Path

import av
from av.container import InputContainer
from av.video.stream import VideoStream

from server.domain.errors import Unprocessable
from server.domain.video import VideoInfo
from server.media.orientation import Orientation, mp4_orientation
from server.media.video_file import NO_FRAMES, frame_rate, open_video


def probe_video(path: Path) -> VideoInfo:
    """Reads headers and the times of packets. Blocks: never on the event loop.

    Only a file whose header has no duration is read to its end, for the times alone. Raises UnsupportedFormat for what
    is no video, Unprocessable for one without a picture, without a frame or with a damaged header, OSError when it cannot be
    read.
    """
    with open_video(path) as (container, stream):
        orientation = mp4_orientation(path) if "mp4" in container.format.name else Orientation()
        width, height = stream.codec_context.width, stream.codec_context.height
        if not _has_packet(container, stream):
            raise Unprocessable(NO_FRAMES)
        if width < 1 or height < 1:
            raise Unprocessable("The file is damaged: its header gives the picture no size.")
        duration_s = _claimed_duration_s(container, stream)
        frames = stream.frames or None
        if duration_s is None:
            counted, duration_s = _read_times(path)
            frames = frames or counted
        fps = _average_fps(container, stream, frames=frames, duration_s=duration_s)
        return VideoInfo(
            width_px=height if orientation.transposed else width,
            height_px=width if orientation.transposed else height,
            duration_s=duration_s,
            frames=frames or (round(duration_s * fps) if fps else None),
            fps=fps,
            rotation_deg=orientation.rotation_deg,
        )


def _has_packet(container: InputContainer, stream: VideoStream) -> bool:
    try:
        return any(packet.size for packet in container.demux(stream))
    except av.FFmpegError:
        return False


def _claimed_duration_s(container: InputContainer, stream: VideoStream) -> float | None:
    if stream.duration and stream.time_base:
        return float(stream.duration * stream.time_base)
    return container.duration / av.time_base if container.duration else None


def _read_times(path: Path) -> tuple[int, float]:
    """Number of packets, and the time from the first to the end of the last, as a browser's recordings need it.

    From the start: raw H.264 cannot go back to it.
    """
    with open_video(path) as (container, stream):
        count, spanned_s = _count(container, stream)
        return count, spanned_s or count / float(frame_rate(container, stream) or 25)


def _count(container: InputContainer, stream: VideoStream) -> tuple[int, float]:
    """Number of packets, and the seconds that their times span, 0 where they have none."""
    count, first, last = 0, None, None
    try:
        for packet in container.demux(stream):
            if packet.pts is None or packet.time_base is None:
                count += packet.size > 0
                continue
            count += 1
            start = packet.pts * packet.time_base
            end = start + (packet.duration or 0) * packet.time_base
            first = start if first is None else min(first, start)
            last = end if last is None else max(last, end)
    except av.FFmpegError:
        pass  # what was read so far is an estimate
    return count, float(last - first) if first is not None and last is not None else 0.0


def _average_fps(container: InputContainer, stream: VideoStream, *, frames: int | None, duration_s: float) -> float | None:
    rate = frame_rate(container, stream)
    if rate:
        return float(rate)
    return frames / duration_s if frames and duration_s > 0 else None
