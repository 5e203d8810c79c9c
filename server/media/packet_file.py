"""Packet files: encoded pictures on their way to the process that makes a clip of them; nothing in them is parsed here."""

from pathlib import Path

import msgspec

from server.domain.encoded import EncodedPacket, VideoCodec
from server.domain.errors import Unprocessable


class _Codec(msgspec.Struct, frozen=True, array_like=True):
    name: str
    extradata: bytes
    width: int
    height: int


class _Packet(msgspec.Struct, frozen=True, array_like=True):
    data: bytes
    codec: int
    keyframe: bool
    received_at: float
    time_s: float


class _File(msgspec.Struct, frozen=True, array_like=True):
    codecs: list[_Codec]
    packets: list[_Packet]


def pack(packets: list[EncodedPacket]) -> bytes:
    """The packets as MessagePack, each codec once."""
    places: dict[int, int] = {}
    codecs: list[_Codec] = []
    rows: list[_Packet] = []
    for packet in packets:
        codec = packet.codec
        if id(codec) not in places:
            places[id(codec)] = len(codecs)
            codecs.append(_Codec(codec.name, codec.extradata, codec.width, codec.height))
        rows.append(_Packet(packet.data, places[id(codec)], packet.keyframe, packet.received_at, packet.time_s))
    return msgspec.msgpack.encode(_File(codecs, rows))


def read_packets(path: Path) -> list[EncodedPacket]:
    """The packets of a file; raises Unprocessable for one that is damaged, and OSError. Blocks."""
    try:
        found = msgspec.msgpack.decode(path.read_bytes(), type=_File)
        codecs = [VideoCodec(one.name, one.extradata, one.width, one.height) for one in found.codecs]
        return [EncodedPacket(one.data, codecs[one.codec], one.keyframe, one.received_at, one.time_s) for one in found.packets]
    except (msgspec.DecodeError, IndexError) as exc:
        raise Unprocessable("the held video is damaged") from exc
