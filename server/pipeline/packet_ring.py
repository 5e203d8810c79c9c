"""Packet ring: the encoded video of the last seconds of a stream, from which clips are made without encoding anything again."""

import threading
from collections import deque

from server.domain.encoded import EncodedPacket, VideoCodec

# What Python itself takes for a packet: a flood of empty ones must not pass the bound.
PACKET_BYTES = 300


class PacketRing:
    """Holds `seconds` of packets and the group of pictures in which they begin, at most `max_bytes`; any thread.

    It begins with a key frame. What goes, goes with all that depends on it: up to the next key frame. A group of pictures that
    outgrows the bytes, or twice the seconds, is dropped, and nothing is held until the next key frame.
    """

    def __init__(self, *, seconds: float, max_bytes: int) -> None:
        self._seconds = seconds
        self._max_bytes = max_bytes
        self._groups: deque[list[EncodedPacket]] = deque()
        self._bytes = 0
        self._lock = threading.Lock()

    def put(self, packet: EncodedPacket) -> None:
        """Takes the next packet; one that has no key frame before it is of no use and is left out."""
        with self._lock:
            if self._groups and _differs(self._groups[-1][-1].codec, packet.codec):
                self._clear()
            if packet.keyframe:
                self._groups.append([packet])
            elif self._groups:
                self._groups[-1].append(packet)
            else:
                return
            self._bytes += len(packet.data) + PACKET_BYTES
            self._trim(packet.received_at)

    def since(self, received_at: float) -> list[EncodedPacket]:
        """The packets from the last key frame at or before that time on, from the first one held where there is none."""
        with self._lock:
            begin = 0
            for number, group in enumerate(self._groups):
                if group[0].received_at <= received_at:
                    begin = number
            return [packet for group in list(self._groups)[begin:] for packet in group]

    def keyframe_age_s(self, now: float) -> float | None:
        """How long ago the newest key frame was received; None while there is none."""
        with self._lock:
            return now - self._groups[-1][0].received_at if self._groups else None

    def _trim(self, now: float) -> None:
        """Drops whole groups from the front, as long as what is left still spans the time."""
        while len(self._groups) > 1 and self._groups[1][0].received_at <= now - self._seconds:
            self._drop_first()
        while self._groups and (self._bytes > self._max_bytes or self._groups[0][0].received_at < now - 2 * self._seconds):
            self._drop_first()

    def _drop_first(self) -> None:
        self._bytes -= sum(len(packet.data) + PACKET_BYTES for packet in self._groups.popleft())

    def _clear(self) -> None:
        self._groups.clear()
        self._bytes = 0


def _differs(one: VideoCodec, other: VideoCodec) -> bool:
    """Whether a decoder would have to be told: a camera that comes back may send otherwise than before."""
    return (one.name, one.extradata) != (other.name, other.extradata)
