"""H.264 as it comes: Annex B or length-prefixed (ISO/IEC 14496-15), and its parameter sets."""

from collections.abc import Iterator

from server.domain.encoded import EncodedPacket

START_CODE = b"\0\0\0\1"
_SPS, _PPS = 7, 8


def to_annex_b(packet: EncodedPacket) -> bytes:
    """The data of a packet with start codes (H.264, Annex B); damaged parts are left out."""
    if packet.codec.extradata[:1] != b"\1":
        return packet.data
    return b"".join(START_CODE + unit for unit in _prefixed_units(packet.data, length_bytes=_length_bytes(packet)))


def parameter_sets(packets: list[EncodedPacket]) -> list[bytes]:
    """The different parameter sets that the packets carry, or their codec's extradata, in their order."""
    found: dict[bytes, None] = {}
    for packet in packets:
        extradata = packet.codec.extradata
        units = _avcc_units(extradata) if extradata[:1] == b"\1" else split_annex_b(extradata)
        for unit in units:
            found.setdefault(unit)
        if packet.keyframe:
            for unit in split_annex_b(to_annex_b(packet)):
                if unit and unit[0] & 0x1F in (_SPS, _PPS):
                    found.setdefault(unit)
    return [unit for unit in found if unit and unit[0] & 0x1F in (_SPS, _PPS)]


def sequence_sets(units: list[bytes]) -> list[bytes]:
    """The sequence parameter sets among them: more than one tells that size or profile changes in the middle."""
    return [unit for unit in units if unit[0] & 0x1F == _SPS]


def split_annex_b(data: bytes) -> list[bytes]:
    """The units of Annex B data, without start codes and trailing zeros."""
    return [unit.rstrip(b"\0") for unit in data.split(b"\0\0\1")[1:]]


def _length_bytes(packet: EncodedPacket) -> int:
    return (packet.codec.extradata[4] & 3) + 1 if len(packet.codec.extradata) > 4 else 4


def _prefixed_units(data: bytes, *, length_bytes: int) -> Iterator[bytes]:
    at = 0
    while at + length_bytes <= len(data):
        length = int.from_bytes(data[at : at + length_bytes])
        at += length_bytes
        if not 0 < length <= len(data) - at:
            return
        yield data[at : at + length]
        at += length


def _avcc_units(extradata: bytes) -> list[bytes]:
    """The parameter sets of an AVCDecoderConfigurationRecord."""
    units: list[bytes] = []
    at = 5
    for mask in (0x1F, 0xFF):
        if at >= len(extradata):
            break
        count, at = extradata[at] & mask, at + 1
        for _ in range(count):
            length = int.from_bytes(extradata[at : at + 2])
            units.append(extradata[at + 2 : at + 2 + length])
            at += 2 + length
    return units
