"""Near-duplicates: pictures of one split that are in the other too, a little cropped, scaled, recoded or mirrored.

A difference hash says of each of 8x8 places whether the picture gets brighter there, once to the right and once downwards
(https://www.hackerfactor.com/blog/index.php?/archives/529-Kind-of-Like-That.html). Both must be alike: one alone takes pictures
for alike that merely have their sky above.
"""

from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

Fingerprint = tuple[int, int]
"""The two hashes of a picture, 64 bits each: to the right, downwards."""

MOST_BITS = 10
"""Bits of the 128 in which two pictures may differ and still be taken for one."""

_CHUNK = 64
"""Pictures compared at once with all of the others: with 10,000 others it takes 20 MB."""


class Pair(NamedTuple):
    """Two pictures by their numbers, and in how many of the 128 bits they differ."""

    train: int
    val: int
    bits: int


def fingerprint(pixels: npt.NDArray[np.uint8]) -> Fingerprint:
    """The hashes of a `(height, width, 3) uint8` picture. Any thread."""
    grey = cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY)
    across = np.asarray(cv2.resize(grey, (9, 8), interpolation=cv2.INTER_AREA), np.int16)
    down = np.asarray(cv2.resize(grey, (8, 9), interpolation=cv2.INTER_AREA), np.int16)
    return _bits(across[:, 1:] > across[:, :-1]), _bits(down[1:] > down[:-1])


def mirrored(pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """The picture as in a mirror, which training shows as often as the picture itself."""
    return np.ascontiguousarray(pixels[:, ::-1])


def near_duplicates(train: npt.NDArray[np.uint64], val: npt.NDArray[np.uint64]) -> list[Pair]:
    """For each picture of `val` that is also in `train` the one that is most alike. Any thread; blocks.

    `train` is `(n, 2) uint64`, a fingerprint for each picture; `val` `(m, 2, 2) uint64`, that of the picture and of its
    mirrored one.
    """
    pairs = []
    for start in range(0, len(val) if len(train) else 0, _CHUNK):
        chunk = val[start : start + _CHUNK]
        bits = np.full((len(chunk), len(train)), 128, np.uint8)
        for way in range(2):
            differing = chunk[:, None, way] ^ train[None]
            np.minimum(bits, np.bitwise_count(differing).sum(axis=2, dtype=np.uint8), out=bits)
        nearest = bits.argmin(axis=1)
        for number, other in enumerate(nearest):
            if bits[number, other] <= MOST_BITS:
                pairs.append(Pair(int(other), start + number, int(bits[number, other])))
    return pairs


def _bits(flags: npt.NDArray[np.bool_]) -> int:
    return int.from_bytes(np.packbits(flags).tobytes(), "big")
