"""The child's pipe: what is sent how often, and that a reader who takes nothing slows nobody."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from server.jobs.messages import HEADER, KIND_PICTURE, Finished, Progressed, Report, decode_report
from server.jobs.report_pipe import PREVIEW_WIDTH_PX, UNWATCHED_INTERVAL_S, WATCHED_INTERVAL_S, ReportPipe
from server.media.jpeg import decode_i420
from tests.builders import make_frame
from tests.transports.set_clock import SetClock

LAST = Finished(200, detections=0, tracks=0)


@pytest.fixture
def ends() -> Iterator[tuple[int, int]]:
    """A pipe, to read from and to write to."""
    reading, writing = os.pipe()
    yield reading, writing
    os.close(reading)
    os.close(writing)


def read_block(reading: int) -> tuple[bytes, bytes]:
    """Kind and content of the next block."""
    kind, length = HEADER.unpack(_read(reading, HEADER.size))
    return kind, _read(reading, length)


def _read(reading: int, length: int) -> bytes:
    data = b""
    while len(data) < length:
        data += os.read(reading, length - len(data))
    return data


def test_previews_come_often_while_somebody_watches_and_seldom_else(ends: tuple[int, int]) -> None:
    """The first one at once; it is at most 960 pixels wide."""
    clock = SetClock()
    pipe = ReportPipe(ends[1], clock=clock)
    for step in range(20):
        clock.now = step * 0.5
        pipe.show(make_frame(width=1920, height=1080))
        if clock.now % UNWATCHED_INTERVAL_S == 0:
            kind, picture = read_block(ends[0])
            assert kind == KIND_PICTURE
            assert decode_i420(picture, max_pixels=10**7).shape[1] == PREVIEW_WIDTH_PX
    pipe.watched = True
    for step in range(20):
        clock.now = 20.0 + step / 16
        pipe.show(make_frame(width=64, height=48))
        if step % 2 == 0:
            assert WATCHED_INTERVAL_S < 2 / 16
            assert read_block(ends[0])[0] == KIND_PICTURE
    pipe.finish(LAST)
    # Nothing stands between the last preview and the end, so there were no others.
    assert decode_report(read_block(ends[0])[1]) == LAST


def test_a_reader_that_takes_nothing_slows_nobody(ends: tuple[int, int]) -> None:
    """The pipe is full at once; what is reported then waits in place of what was before, and the last report is not lost."""
    clock = SetClock()
    pipe = ReportPipe(ends[1], clock=clock)
    pipe.watched = True
    for number in range(500):
        clock.now = float(number)
        pipe.report(Progressed(number, 500, fps=1.0))
        pipe.show(make_frame(width=1280, height=720, value=number % 256))
    blocks: list[Report | None] = []
    while not blocks or blocks[-1] != Progressed(499, 500, fps=1.0):
        kind, content = read_block(ends[0])
        blocks.append(None if kind == KIND_PICTURE else decode_report(content))
    assert len(blocks) < 500
    pipe.finish(LAST)
    while kind == KIND_PICTURE or decode_report(content) != LAST:
        kind, content = read_block(ends[0])


def test_the_first_preview_is_kept(ends: tuple[int, int], tmp_path: Path) -> None:
    """As a file, for the list of videos."""
    clock = SetClock()
    pipe = ReportPipe(ends[1], poster=tmp_path / "poster.jpg", clock=clock)
    pipe.show(make_frame(width=320, height=240, value=50))
    _, first = read_block(ends[0])
    clock.now = 100.0
    pipe.show(make_frame(width=320, height=240, value=200))
    _, second = read_block(ends[0])
    assert (tmp_path / "poster.jpg").read_bytes() == first != second
    pipe.finish(LAST)
