"""Sound: takes a video's sound over into its annotated MP4, untouched where browsers play it."""

import errno
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Self, TypeAlias, cast

import av
from av.audio.stream import AudioStream
from av.container import OutputContainer

from server.media.continuity import Continuity
from server.media.video_file import first_sound, open_video

SoundPacket: TypeAlias = "av.Packet[AudioStream]"

DISK_ERRORS = frozenset({errno.ENOSPC, errno.EFBIG, errno.EDQUOT, errno.EIO, errno.EROFS})
"""What the system says when a file cannot be written; everything else is about what is in it."""

# What both MP4 and browsers take. AC-3 fits into MP4 too, but most browsers are silent then.
COPIED = frozenset({"aac", "mp3", "opus", "flac"})
_MOST_CHANNELS = 2
_AAC_RATES = (96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000, 7_350)


class Sound:
    """The first sound track of a file, written into `output` bit by bit as the pictures come; one thread.

    It reads the file apart from whoever decodes the pictures. Damaged sound is left out. Everything is timed from the start of
    the file, as the frames of `VideoReader` are. Use it as a context manager: it closes the file.
    """

    def __init__(self, source: Path, output: OutputContainer) -> None:
        self._closing = ExitStack()
        container, video = self._closing.enter_context(open_video(source))
        start = Fraction(container.start_time or 0, av.time_base)
        stream = first_sound(container)
        self._start = start
        self._packets: Iterator[SoundPacket] = iter(())
        if stream is not None:
            self._packets = _readable(Continuity(container, video, stream), stream)
        self._ahead: SoundPacket | None = None
        self._track: _Copied | _Transcoded | None = None
        if stream is not None:
            kind = _Copied if stream.codec_context.codec.canonical_name in COPIED else _Transcoded
            self._track = kind(stream, output, start=start)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.close()

    def write_until(self, time_s: float) -> None:
        """Writes the sound that begins before `time_s`."""
        while self._track is not None and (packet := self._ahead or next(self._packets, None)) is not None:
            self._ahead = packet
            if packet.pts is not None and float(packet.pts * packet.time_base - self._start) >= time_s:
                return
            self._ahead = None
            self._track.put(packet)

    def finish(self) -> None:
        """Writes what an encoder still holds."""
        if self._track is not None:
            self._track.finish()


class _Copied:
    """A sound track whose packets go over as they are."""

    def __init__(self, source: AudioStream, output: OutputContainer, *, start: Fraction) -> None:
        self._rising = _Rising(output)
        self._target = output.add_stream_from_template(source)
        self._start = start

    def put(self, packet: SoundPacket) -> None:
        """Writes one packet."""
        if packet.dts is None or packet.pts is None:
            return
        shift = round(self._start / packet.time_base)
        packet.pts -= shift
        packet.dts -= shift
        packet.stream = self._target
        self._rising.mux(packet)

    def finish(self) -> None:
        """Nothing is held back."""


class _Transcoded:
    """A sound track that becomes AAC, with two channels at most."""

    def __init__(self, source: AudioStream, output: OutputContainer, *, start: Fraction) -> None:
        context = source.codec_context
        rate = min(_AAC_RATES, key=lambda known: abs(known - context.sample_rate))
        layout = "mono" if context.channels == 1 else "stereo"
        self._source = source
        self._rising = _Rising(output)
        self._start = start
        self._target = output.add_stream("aac", rate=rate, layout=layout)
        self._target.bit_rate = 64_000 * min(context.channels, _MOST_CHANNELS)
        self._form: _Form | None = None
        self._resampler = self._make_resampler()

    def put(self, packet: SoundPacket) -> None:
        """Decodes one packet and encodes what was in it; nothing where it is damaged."""
        try:
            frames = self._source.decode(packet)
        except av.FFmpegError:
            return
        for frame in frames:
            if frame.pts is not None and frame.time_base:
                frame.pts -= round(self._start / frame.time_base)
            self._follow(_Form.of(frame))
            self._encode(self._resampled(frame))

    def finish(self) -> None:
        """Writes what resampler and encoder still hold."""
        self._encode(self._resampled(None))
        for packet in self._target.encode(None):
            self._rising.mux(packet)

    def _follow(self, form: "_Form") -> None:
        """Takes another resampler where the sound changes its form in the middle: each takes one form, or fails."""
        if self._form not in (None, form):
            self._encode(self._resampled(None))
            self._resampler = self._make_resampler()
        self._form = form

    def _resampled(self, frame: av.AudioFrame | None) -> list[av.AudioFrame]:
        """What the resampler has ready; None takes the rest out of it."""
        try:
            # One that has nothing to do hands on what it gets, and None too.
            return [one for one in self._resampler.resample(frame) if one is not None]  # type: ignore[redundant-expr]  # as said
        except (av.FFmpegError, ValueError):  # a form that nobody has a name for
            return []

    def _encode(self, frames: list[av.AudioFrame]) -> None:
        for frame in frames:
            # Resamplers have time bases of their own, and the encoder keeps to that of its first frame.
            if frame.pts is not None and frame.time_base:
                frame.pts, frame.time_base = (
                    round(frame.pts * frame.time_base * self._target.rate),
                    Fraction(1, self._target.rate),
                )
            for packet in self._target.encode(frame):
                self._rising.mux(packet)

    def _make_resampler(self) -> av.AudioResampler:
        return av.AudioResampler(format=self._target.format, layout=self._target.layout, rate=self._target.rate)


@dataclass(frozen=True, slots=True)
class _Form:
    """What all frames of one resampler share."""

    samples: str
    layout: str
    rate: int

    @classmethod
    def of(cls, frame: av.AudioFrame) -> "_Form":
        return cls(frame.format.name, frame.layout.name, frame.sample_rate)


class _Rising:
    """Writes packets of one track whose times rise, as MP4 asks, and leaves out those that it refuses: damaged ones."""

    def __init__(self, output: OutputContainer) -> None:
        self._output = output
        self._last_dts: int | None = None

    def mux(self, packet: SoundPacket) -> None:
        """Writes one packet; FFmpegError when the disk takes no more."""
        if packet.dts is None or (self._last_dts is not None and packet.dts <= self._last_dts):
            return
        self._last_dts = packet.dts
        try:
            self._output.mux(packet)
        except av.FFmpegError as exc:
            if exc.errno in DISK_ERRORS:
                raise


def _readable(continuity: Continuity, stream: AudioStream) -> Iterator[SoundPacket]:
    """The sound's packets up to the end, or to where the file breaks off."""
    try:
        for packet in continuity.packets():
            if packet.stream.index == stream.index and packet.size and packet.time_base:
                yield cast("SoundPacket", packet)
    except av.FFmpegError:
        return
