"""Near-duplicates: what counts as the same picture."""

import cv2
import numpy as np
import numpy.typing as npt

from server.training.near_duplicates import MOST_BITS, fingerprint, mirrored, near_duplicates
from tests.scenes import draw_empty, draw_firearm, draw_room
from tests.training.planted import make_picture


def both_ways(picture: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint64]:
    """`(1, 2, 2)`."""
    return np.array([[fingerprint(picture), fingerprint(mirrored(picture))]], np.uint64)


def test_a_recoded_and_scaled_picture_is_the_same() -> None:
    """JPEG at low quality and another size change a few bits at most."""
    picture = draw_room().bgr
    smaller = cv2.imdecode(cv2.imencode(".jpg", cv2.resize(picture, (300, 225)), [cv2.IMWRITE_JPEG_QUALITY, 40])[1], 1)
    train = np.array([fingerprint(make_picture(1)), fingerprint(picture)], np.uint64)
    (pair,) = near_duplicates(train, both_ways(np.asarray(smaller, np.uint8)))
    assert (pair.train, pair.val) == (1, 0)
    assert pair.bits <= MOST_BITS


def test_a_mirrored_picture_is_the_same() -> None:
    """Training mirrors half of all pictures."""
    picture = draw_room().bgr
    train = np.array([fingerprint(mirrored(picture))], np.uint64)
    assert [pair.bits for pair in near_duplicates(train, both_ways(picture))] == [0]


def test_other_pictures_are_others() -> None:
    """Among a hundred pictures of patches none is like the room or the table."""
    train = np.array([fingerprint(make_picture(seed)) for seed in range(100)], np.uint64)
    val = np.concatenate([both_ways(picture) for picture in (draw_room().bgr, draw_empty().bgr, draw_firearm().bgr)])
    assert near_duplicates(train, val) == []


def test_every_picture_of_a_long_list_is_compared() -> None:
    """Also beyond the first chunk; without any picture to compare with there is no pair."""
    hashes = np.array([fingerprint(make_picture(seed)) for seed in range(150)], np.uint64)
    val = np.stack([hashes, hashes], axis=1)
    assert [(pair.train, pair.val) for pair in near_duplicates(hashes, val)] == [(number, number) for number in range(150)]
    assert near_duplicates(hashes[:0], val) == []
