"""Sound: takes a video's sound over into its annotated MP4, untouched where browsers play it."""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Self

import av
from av.audio.stream import AudioStream
from av.container import InputContainer, OutputContainer

from server.media.video_file import open_video

# What both MP4 and browsers take. AC-3 fits into MP4 too, but most browsers are silent then.
COPIED = frozenset({"aac", "mp3", "opus", "flac"})
_MOST_CHANNELS = 2
_AAC_RATES = (96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000, 7_350)
_UNUSABLE = (av.InvalidDataError, av.EOFError, av.PatchWelcomeError, av.ArgumentError, av.UnknownError)


class Sound:
    """The first sound track of a file, written into `output` bit by bit as the pictures come; one thread.

    It reads the file apart from whoever decodes the pictures. Damaged sound is left out. Everything is timed from the start of the
    file, as the frames of `VideoReader` are. Use it as a context manager: it closes the file.
    """

    def __init__(self, source: Path, output: OutputContainer) -> None:
        self._opened = open_video(source)
        container, _ = self._opened.__enter__()
        self._output = output
        self._start = Fraction(container.start_time or 0, av.time_base)
        self._last_dts: int | None = None
        self._source = _first_sound(container)
        self._ahead: av.Packet | None = None
        if self._source is not None:
            self._copies = self._source.codec_context.name in COPIED
            self._target = self._copied_stream(self._source) if self._copies else self._aac_stream(self._source)
            self._packets = _readable(container, self._source)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._opened.__exit__(None, None, None)

    def write_until(self, time_s: float) -> None:
        """Writes the sound that begins before `time_s`."""
        if self._source is None:
            return
        while (packet := self._ahead or next(self._packets, None)) is not None:
            self._ahead = packet
            if packet.pts is not None and float(packet.pts * packet.time_base - self._start) >= time_s:
                return
            self._ahead = None
            self._write(packet)

    def finish(self) -> None:
        """Writes what the encoder still holds."""
        if self._source is not None and not self._copies:
            self._encode(None)

    def _copied_stream(self, source: AudioStream) -> AudioStream:
        target = self._output.add_stream_from_template(source)
        target.time_base = source.time_base
        return target

    def _aac_stream(self, source: AudioStream) -> AudioStream:
        context = source.codec_context
        rate = min(_AAC_RATES, key=lambda known: abs(known - context.sample_rate))
        target = self._output.add_stream("aac", rate=rate)
        target.layout = "mono" if context.channels == 1 else "stereo"
        target.bit_rate = 64_000 * min(context.channels, _MOST_CHANNELS)
        self._resampler = av.AudioResampler(format=target.format, layout=target.layout, rate=rate)
        return target

    def _write(self, packet: av.Packet) -> None:
        if self._copies:
            self._copy(packet)
            return
        assert self._source is not None
        try:
            frames = self._source.decode(packet)
        except _UNUSABLE:
            return
        for frame in frames:
            if frame.pts is not None and frame.time_base:
                frame.pts -= round(self._start / frame.time_base)
            for resampled in self._resampler.resample(frame):
                self._encode(resampled)

    def _copy(self, packet: av.Packet) -> None:
        if packet.dts is None or packet.pts is None or (self._last_dts is not None and packet.dts <= self._last_dts):
            return  # MP4 takes rising times only
        self._last_dts = packet.dts
        shift = round(self._start / packet.time_base)
        packet.pts -= shift
        packet.dts -= shift
        packet.stream = self._target
        self._output.mux(packet)

    def _encode(self, frame: av.AudioFrame | None) -> None:
        self._output.mux(self._target.encode(frame))


def _first_sound(container: InputContainer) -> AudioStream | None:
    """The first sound track that can be decoded or copied."""
    for stream in container.streams.audio:
        if stream.codec_context is not None and stream.codec_context.sample_rate and stream.codec_context.channels:
            return stream
    return None


def _readable(container: InputContainer, stream: AudioStream) -> Iterator[av.Packet]:
    """The packets up to the end, or to where the file breaks off."""
    try:
        for packet in container.demux(stream):
            if packet.size and packet.time_base:
                yield packet
    except _UNUSABLE:
        return
