"""Continuity: lets time go on where the times of a file jump, as they do where recordings stand one after the other."""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import TypeAlias

import av
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.stream import Stream
from av.video.stream import VideoStream

from server.media.video_file import frame_rate

MediaPacket: TypeAlias = "av.Packet[Stream]"

# FFmpeg's AVFMT_TS_DISCONT: transport and program streams, whose times may jump by their own rules.
_MAY_JUMP = 0x200
# Bounds in seconds. Packets of one stream never go back; half a second is what a damaged file may shake. Forward, ten seconds
# are FFmpeg's own bound for streams that may jump; elsewhere a gap is meant, as in recordings that begin when something moves,
# unless it is of hours.
_BACK_S = Fraction(1, 2)
_FORWARD_S = Fraction(10)
_GAP_S = Fraction(3600)


class Continuity:
    """The packets of a file's picture and sound, with times that go on where they jumped.

    The picture decides: where its time steps back or far ahead, it goes on one frame interval later, and so does the sound
    that comes with it. Whoever reads the file with the same streams gets the same times, so that readers agree without talking.
    """

    def __init__(self, container: InputContainer, video: VideoStream, sound: AudioStream | None) -> None:
        self._container = container
        self._video = video
        self._sound = sound
        self._forward_s = _FORWARD_S if container.format.flags & _MAY_JUMP else _GAP_S
        self._frame_s = 1 / (frame_rate(container, video) or Fraction(25))
        self._video_shift_s = self._sound_shift_s = Fraction(0)
        self._next_video_s: Fraction | None = None
        self._next_sound_s: Fraction | None = None

    def packets(self) -> Iterator[MediaPacket]:
        """Both streams' packets in the order of the file, and an empty one for each at its end; FFmpegError where it breaks."""
        streams: Sequence[Stream] = [one for one in (self._video, self._sound) if one is not None]
        for packet in self._container.demux(*streams):
            if not packet.size or self._mended(packet):
                yield packet

    def _mended(self, packet: MediaPacket) -> bool:
        """Whether the packet, whose times are set, has a place; sound between two jumps has none."""
        is_video = packet.stream.index == self._video.index
        if packet.time_base is None:
            return True
        if packet.dts is not None:
            raw_s, lasts_s = packet.dts * packet.time_base, (packet.duration or 0) * packet.time_base
            if is_video:
                self._follow_video(raw_s, lasts_s=lasts_s or self._frame_s)
            elif not self._follow_sound(raw_s, lasts_s=lasts_s):
                return False
        _move(packet, round((self._video_shift_s if is_video else self._sound_shift_s) / packet.time_base))
        return True

    def _follow_video(self, raw_s: Fraction, *, lasts_s: Fraction) -> None:
        if self._jumps(raw_s + self._video_shift_s, self._next_video_s):
            self._video_shift_s = (self._next_video_s or Fraction(0)) - raw_s
        self._next_video_s = raw_s + self._video_shift_s + lasts_s

    def _follow_sound(self, raw_s: Fraction, *, lasts_s: Fraction) -> bool:
        """Whether the sound goes on, as before or as the picture does; if neither, the picture's jump is still to come."""
        # A parser may hold sound back until the picture has jumped: what goes on exactly still belongs to what was before.
        if self._next_sound_s is None or abs(raw_s + self._sound_shift_s - self._next_sound_s) > _BACK_S:
            time_s = raw_s + self._video_shift_s
            if self._jumps(time_s, self._next_sound_s) and self._jumps(time_s, self._next_video_s):
                return False
            self._sound_shift_s = self._video_shift_s
        self._next_sound_s = raw_s + self._sound_shift_s + lasts_s
        return True

    def _jumps(self, time_s: Fraction, expected_s: Fraction | None) -> bool:
        return expected_s is not None and not -_BACK_S <= time_s - expected_s <= self._forward_s


def _move(packet: MediaPacket, ticks: int) -> None:
    if packet.dts is not None:
        packet.dts += ticks
    if packet.pts is not None:
        packet.pts += ticks
