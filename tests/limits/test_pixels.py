"""Tests of the pixels that a picture may have: its header decides, before anything makes room for them."""

import re
import tracemalloc

import pytest

from server.domain.errors import TooLarge
from server.media.jpeg import decode_i420
from server.media.picture import probe
from tests.limits.claimed_pictures import CLAIMING, jpeg_claiming


@pytest.mark.parametrize("kind", CLAIMING)
def test_a_small_file_that_claims_much_is_refused_by_its_header(kind: str) -> None:
    """Less than a kilobyte that says 50,000 x 50,000: the sentence names both and the setting, and no room was made."""
    data = CLAIMING[kind](50_000, 50_000)
    assert len(data) < 1024
    tracemalloc.start()
    with pytest.raises(TooLarge) as refused:
        probe(data, max_pixels=50_000_000, setting="predict.max_pixels")
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert re.fullmatch(
        r"the picture has 50000x50000 pixels, more than the limit of 50,000,000 \(predict.max_pixels\)", str(refused.value)
    )
    assert most < 2_000_000


@pytest.mark.parametrize("kind", CLAIMING)
def test_the_same_files_are_read_where_they_claim_little(kind: str) -> None:
    """So that it is the size alone that was refused."""
    assert probe(CLAIMING[kind](64, 48), max_pixels=64 * 48).width == 64


def test_a_frame_of_live_video_has_a_limit_of_its_own() -> None:
    """The sentence names its setting."""
    with pytest.raises(TooLarge, match=r"50000x50000 .* \(live.max_frame_pixels\)"):
        decode_i420(jpeg_claiming(50_000, 50_000), max_pixels=8_847_360)
