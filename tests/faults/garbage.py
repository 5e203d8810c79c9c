"""What broken and hostile programs send: datagrams that look like something in their first bytes."""

import random
import struct

_STUN_ATTRIBUTES = (0x0006, 0x0008, 0x0009, 0x0020, 0x0024, 0x0025, 0x8028, 0x802A)
_STUN_COOKIE = 0x2112A442


def datagram(dice: random.Random) -> bytes:
    """Something like STUN, DTLS, RTP or RTCP, or like nothing; empty at times."""
    body = dice.randbytes(dice.choice((0, 1, 3, 11, 60, 400, 1200)))
    kinds = (
        _stun(dice),
        bytes([dice.randrange(20, 64)]) + b"\xfe\xfd" + body,
        bytes([0x80, 96]) + body,
        bytes([0x80, dice.randrange(192, 224)]) + body,
        b"",
        body,
    )
    return dice.choice(kinds)


def _stun(dice: random.Random) -> bytes:
    """A message with the cookie and its right length, whose attributes have sizes that theirs cannot be."""
    attributes = b""
    for _ in range(3):
        value = dice.randbytes(dice.choice((0, 1, 4, 5, 20)))
        attributes += struct.pack("!HH", dice.choice(_STUN_ATTRIBUTES), len(value)) + value + bytes(-len(value) % 4)
    kind = dice.choice((0x0001, 0x0101, 0x0111, 0x0011, 0x3FFF))
    return struct.pack("!HHI", kind, len(attributes), _STUN_COOKIE) + dice.randbytes(12) + attributes


def rtp(dice: random.Random, *, ssrc: int, payload_type: int, number: int) -> bytes:
    """A packet with the right header and a payload that no codec makes."""
    marker = dice.randrange(2) << 7
    head = struct.pack("!BBHII", 0x80 | dice.choice((0, 0, 0, 0x20)), marker | payload_type, number & 0xFFFF, number * 90, ssrc)
    return head + dice.randbytes(dice.choice((0, 1, 2, 5, 40, 900)))


def rtcp(dice: random.Random, *, ssrc: int) -> bytes:
    """A packet of each kind that there is but goodbyes, and some more: a right length at times, contents of chance."""
    body = dice.randbytes(4 * dice.randrange(12))
    length = dice.choice((len(body) // 4 + 1, dice.randrange(0, 40), 0))
    head = struct.pack("!BBHI", 0x80 | dice.randrange(32), dice.choice((199, 200, 201, 202, 204, 205, 206, 207)), length, ssrc)
    return head + body
