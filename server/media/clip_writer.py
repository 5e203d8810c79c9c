"""Writing clips: encoded pictures as they came become an MP4 file with H.264, copied where they are H.264 already.

It opens what strangers have sent: only the process that is made for that calls it (jobs/child.py).
"""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
from av.video.codeccontext import VideoCodecContext

from server.domain.encoded import EncodedPacket
from server.domain.errors import Unprocessable
from server.domain.frame import Frame, PixelLayout
from server.media.h264_stream import START_CODE, parameter_sets, sequence_sets, to_annex_b
from server.media.i420 import to_i420
from server.media.video_reader import VideoShape
from server.media.video_writer import VideoWriter

TIME_BASE = Fraction(1, 90_000)
# The last picture stays this long where nothing says how long.
_LAST_S = 0.04
_DAMAGED = "the held video is damaged"


@dataclass(frozen=True, slots=True)
class WrittenClip:
    """A clip; `first_received_at` is the clock reading of its first picture."""

    first_received_at: float
    duration_s: float


def write_clip(packets: list[EncodedPacket], out: Path) -> WrittenClip:
    """Writes an MP4 file; its first packet is a key frame. Blocks; raises Unprocessable, and OSError for a full disk."""
    if not packets or not packets[0].keyframe:
        raise Unprocessable("the held video has no key frame")
    try:
        if packets[0].codec.name == "h264" and len(sequence_sets(parameter_sets(packets))) == 1:
            return _copy(packets, out)
        return _transcode(packets, out)
    except av.FFmpegError as exc:
        raise Unprocessable(_DAMAGED) from exc


def _copy(packets: list[EncodedPacket], out: Path) -> WrittenClip:
    """Copies H.264 with one set of parameters; a picture's time is its own."""
    sets = b"".join(START_CODE + unit for unit in parameter_sets(packets))
    times = _times(packets)
    with (
        av.open(io.BytesIO(sets + to_annex_b(packets[0])), format="h264") as sample,
        av.open(str(out), "w", format="mp4", options={"movflags": "+faststart"}) as container,
    ):
        if not sample.streams.video or not sample.streams.video[0].codec_context.width:
            raise Unprocessable(_DAMAGED)
        stream = container.add_stream_from_template(sample.streams.video[0])
        stream.time_base = TIME_BASE
        for packet, pts, dts in zip(packets, times, _decoding_times(times), strict=True):
            copied = av.Packet(to_annex_b(packet))
            copied.stream, copied.time_base = stream, TIME_BASE
            copied.pts, copied.dts, copied.is_keyframe = pts, dts, packet.keyframe
            container.mux(copied)
    return _written(packets, times)


def _transcode(packets: list[EncodedPacket], out: Path) -> WrittenClip:
    """Decodes and encodes; pictures of another size than the first are brought to it."""
    shape: VideoShape | None = None
    writer: VideoWriter | None = None
    last = -1
    try:
        for frame, pts in _decoded(packets):
            if shape is None or writer is None:
                if min(frame.width, frame.height) < 2:
                    raise Unprocessable(_DAMAGED)
                shape = VideoShape(frame.width & ~1, frame.height & ~1, TIME_BASE, _fps(packets), Fraction(1))
                writer = VideoWriter(out, shape=shape, sound_from=None, threads=1).__enter__()
            if pts <= last:
                continue
            last = pts
            fitting = frame if (frame.width, frame.height) == (shape.width, shape.height) else _resized(frame, shape)
            pixels = to_i420(fitting)
            writer.put(Frame(pixels, PixelLayout.I420, pts_s=float(pts * TIME_BASE)), pts=pts)
        if writer is None:
            raise Unprocessable(_DAMAGED)
        writer.finish()
    finally:
        if writer is not None:
            writer.__exit__(None, None, None)
    return _written(packets, _times(packets))


def _decoded(packets: list[EncodedPacket]) -> Iterator[tuple[av.VideoFrame, int]]:
    """The pictures with their times; what is damaged is left out."""
    decoder = av.CodecContext.create(packets[0].codec.name, "r")
    if not isinstance(decoder, VideoCodecContext):
        raise Unprocessable(_DAMAGED)
    if packets[0].codec.extradata:
        decoder.extradata = packets[0].codec.extradata
    for packet, pts in zip(packets, _times(packets), strict=True):
        coded = av.Packet(packet.data)
        coded.pts, coded.time_base = pts, TIME_BASE
        try:
            frames = decoder.decode(coded)
        except av.InvalidDataError:
            continue
        for frame in frames:
            yield frame, pts if frame.pts is None else frame.pts
    for frame in decoder.decode(None):
        if frame.pts is not None:
            yield frame, frame.pts


def _resized(frame: av.VideoFrame, shape: VideoShape) -> av.VideoFrame:
    return frame.reformat(width=shape.width, height=shape.height, format="yuv420p")


def _times(packets: list[EncodedPacket]) -> list[int]:
    """Times of presentation from 0 on; where a sender's clock stands or jumps, those of receipt take its place."""
    own = [packet.time_s - packets[0].time_s for packet in packets]
    received = [packet.received_at - packets[0].received_at for packet in packets]
    trusted = all(abs(mine - theirs) < 2.0 for mine, theirs in zip(received, own, strict=True))
    chosen = own if trusted else received
    times = [round((second - min(chosen)) / TIME_BASE) for second in chosen]
    last = -1
    for place in sorted(range(len(times)), key=times.__getitem__):  # no two pictures have one time
        last = times[place] = max(times[place], last + 1)
    return times


def _decoding_times(times: list[int]) -> list[int]:
    """Times of decoding, rising in the order of the packets and never behind those of presentation (B-frames)."""
    ordered = sorted(times)
    delay = max(dts - pts for dts, pts in zip(ordered, times, strict=True))
    return [dts - delay for dts in ordered]


def _written(packets: list[EncodedPacket], times: list[int]) -> WrittenClip:
    last_s = float(max(times) * TIME_BASE)
    return WrittenClip(packets[0].received_at, round(last_s + (last_s / (len(times) - 1) if len(times) > 1 else _LAST_S), 3))


def _fps(packets: list[EncodedPacket]) -> Fraction:
    span_s = packets[-1].received_at - packets[0].received_at
    return Fraction(max(1, round((len(packets) - 1) / span_s))) if len(packets) > 1 and span_s > 0.1 else Fraction(15)
