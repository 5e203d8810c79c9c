"""The annotated track: newest picture, its own clock, and the age of what was sent."""

import asyncio
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from aiortc.mediastreams import MediaStreamError

from server.domain.live import AnnotatedFrame
from server.pipeline.stream import Stream
from server.transports.annotated_track import AnnotatedVideoTrack
from server.transports.encoding_turns import EncodingTurns
from tests.builders import make_frame
from tests.transports.set_clock import SetClock


def make_picture(index: int, *, boxes_received_at: float | None = None) -> AnnotatedFrame:
    """A picture whose brightness is its number."""
    return AnnotatedFrame(make_frame(index=index, value=index), boxes_received_at)


async def test_the_newest_picture_is_sent(stream: Stream) -> None:
    """Pictures that came before it are dropped."""
    track = AnnotatedVideoTrack(stream)
    for index in (10, 20, 30):
        stream.pictures.publish(make_picture(index))
    frame = await track.recv()
    assert np.asarray(frame.to_ndarray())[0, 0] == 30
    track.stop()


async def test_times_are_the_source_s_on_the_rtp_clock(stream: Stream) -> None:
    """The first picture is at zero, the others as far apart as at the source."""
    track = AnnotatedVideoTrack(stream)
    times = []
    for index in (60, 61, 63):
        stream.pictures.publish(make_picture(index))
        times.append((await track.recv()).pts)
    assert times == [0, 3000, 9000]
    track.stop()


async def test_times_never_go_back_or_leap(stream: Stream) -> None:
    """When the source's clock is set the track goes on one frame later."""
    track = AnnotatedVideoTrack(stream)
    times = []
    for index, pts_s in enumerate([3.0, 1.0, 1.0, 100.0]):
        stream.pictures.publish(AnnotatedFrame(replace(make_frame(index=index), pts_s=pts_s), None))
        times.append((await track.recv()).pts)
    assert all(later > earlier for earlier, later in pairwise(times) if earlier is not None and later)
    track.stop()


async def test_an_older_picture_than_the_last_is_not_sent(stream: Stream) -> None:
    """A picture that comes late, because its own boxes had to be found first, does not turn the video back."""
    track = AnnotatedVideoTrack(stream)
    stream.pictures.publish(make_picture(8))
    await track.recv()
    stream.pictures.publish(make_picture(7))
    waiting = asyncio.ensure_future(track.recv())
    await asyncio.sleep(0)
    stream.pictures.publish(make_picture(9))
    assert np.asarray((await waiting).to_ndarray())[0, 0] == 9
    track.stop()


async def test_the_age_of_boxes_is_measured_when_the_picture_was_sent(stream: Stream) -> None:
    """Asking for the next picture means that the one before was sent: then its age counts."""
    clock = SetClock()
    track = AnnotatedVideoTrack(stream, clock=clock)
    clock.now = 1.0
    stream.pictures.publish(make_picture(1, boxes_received_at=0.9))
    await track.recv()
    assert stream.meter.box_age.last_ms is None
    clock.now = 1.05
    stream.pictures.publish(make_picture(2))
    await track.recv()
    assert stream.meter.box_age.last_ms == pytest.approx(150)
    assert stream.meter.delivered == 1
    track.stop()


async def test_a_stopped_track_leaves_the_stream(stream: Stream) -> None:
    """After stopping nothing is drawn for it, and whoever waits for a picture is told."""
    track = AnnotatedVideoTrack(stream)
    assert len(stream.pictures) == 1
    track.stop()
    assert len(stream.pictures) == 0
    with pytest.raises(MediaStreamError):
        await track.recv()


async def test_waits_for_a_turn_and_then_takes_the_newest(stream: Stream) -> None:
    """While another encodes nothing is sent; what came meanwhile takes the place of the older picture."""
    turns = EncodingTurns(processors=1.0)
    track = AnnotatedVideoTrack(stream, turns=turns)
    other = await turns.take()
    stream.pictures.publish(make_picture(10))
    waiting = asyncio.create_task(track.recv())
    await asyncio.sleep(0.01)
    assert not waiting.done()
    stream.pictures.publish(make_picture(20))
    turns.give_back(other)
    frame = await asyncio.wait_for(waiting, 5)
    assert np.asarray(frame.to_ndarray())[0, 0] == 20
    track.stop()


async def test_a_track_that_ends_gives_its_turn_back(stream: Stream) -> None:
    """Ended while its picture is being encoded, it holds up nobody."""
    turns = EncodingTurns(processors=1.0)
    track = AnnotatedVideoTrack(stream, turns=turns)
    stream.pictures.publish(make_picture(1))
    await track.recv()
    track.stop()
    track.stop()
    await asyncio.wait_for(turns.take(), 5)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(turns.take(), 0.05)
