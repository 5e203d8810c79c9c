"""What server and child say to each other."""

import msgspec
import pytest

from server.jobs.messages import (
    HEADER,
    KIND_JSON,
    CheckOrder,
    Finished,
    ProbeOrder,
    Progressed,
    Refused,
    Report,
    decode_order,
    decode_report,
    encode_order,
    encode_report,
)
from tests.jobs.conftest import LIMITS, MODEL


def test_an_order_is_one_line() -> None:
    """Whatever the file is called."""
    check = CheckOrder(
        "s\n",
        "n\u2028",
        out="o",
        every=2,
        confidence=0.5,
        classes=("a",),
        max_pixels=9,
        max_duration_s=9.0,
        model=MODEL,
        limits=LIMITS,
    )
    for order in (check, ProbeOrder("/a b", "b.mov", LIMITS)):
        line = encode_order(order)
        assert line.count(b"\n") == 1
        assert decode_order(line) == order


@pytest.mark.parametrize("report", [Progressed(3, None, fps=None), Finished(9, detections=2, tracks=1), Refused("No.")])
def test_a_report_is_a_block(report: Report) -> None:
    """Its header tells kind and length."""
    block = encode_report(report)
    kind, length = HEADER.unpack(block[: HEADER.size])
    assert (kind, length) == (KIND_JSON, len(block) - HEADER.size)
    assert decode_report(block[HEADER.size :]) == report


@pytest.mark.parametrize("content", [b"", b"{}", b'{"type":"finished","frames":"x"}', b"\xff"])
def test_nonsense_is_refused(content: bytes) -> None:
    """A child that is no longer itself cannot make the server believe it."""
    with pytest.raises((msgspec.DecodeError, UnicodeDecodeError)):
        decode_report(content)
