"""The data channel: results that never pile up, and controls that never flood."""

import json
from typing import Any, cast

import pytest
from aiortc import RTCDataChannel
from pyee.base import EventEmitter

from server.domain.detection import Timing
from server.domain.live import LiveResult
from server.pipeline.stream import Stream
from server.transports.controls import CONTROLS_PER_S
from server.transports.detection_channel import MOST_BUFFERED_BYTES, DetectionChannel
from tests.builders import make_frame, make_options
from tests.transports.rig import MODEL
from tests.transports.set_clock import SetClock


class SlowChannel(EventEmitter):
    """A data channel of aiortc's form that keeps what it is given and takes in as much as the test says."""

    readyState = "open"  # noqa: N815 - aiortc's name
    bufferedAmountLowThreshold = 0  # noqa: N815 - aiortc's name

    def __init__(self) -> None:
        super().__init__()
        self.bufferedAmount = 0
        self.sent: list[dict[str, Any]] = []

    def send(self, text: str) -> None:
        """Keeps a message."""
        self.sent.append(json.loads(text))


def open_channel(stream: Stream, clock: SetClock | None = None) -> tuple[SlowChannel, DetectionChannel]:
    """A channel on the stream, and its far end."""
    far = SlowChannel()
    return far, DetectionChannel(cast("RTCDataChannel", far), stream=stream, model=MODEL, clock=clock or SetClock())


def make_live_result(index: int, *, received_at: float = 0.0) -> LiveResult:
    """A result without objects."""
    return LiveResult(make_frame(index=index, received_at=received_at), (), Timing(0, 0, 0, 0), make_options(), 320)


def test_each_result_is_sent_with_its_age(stream: Stream) -> None:
    """The age runs from the receipt of the frame to the sending, and is metered."""
    clock = SetClock()
    far, _ = open_channel(stream, clock)
    clock.now = 2.0
    stream.results.publish(make_live_result(1, received_at=1.9))
    assert far.sent[0]["age_ms"] == pytest.approx(100)
    assert stream.meter.age.last_ms == pytest.approx(100)


def test_a_peer_that_is_behind_gets_the_newest_later(stream: Stream) -> None:
    """While too much is buffered only the newest result waits; it goes out when there is room, with its true age."""
    clock = SetClock()
    far, _ = open_channel(stream, clock)
    far.bufferedAmount = MOST_BUFFERED_BYTES + 1
    for index in range(10):
        stream.results.publish(make_live_result(index))
    assert far.sent == []
    far.bufferedAmount, clock.now = 0, 0.5
    far.emit("bufferedamountlow")
    assert [(message["frame"], message["age_ms"]) for message in far.sent] == [(9, 500.0)]


def test_a_newer_result_replaces_the_one_that_waits(stream: Stream) -> None:
    """A result that can be sent at once does not leave an older one behind it."""
    far, _ = open_channel(stream)
    far.bufferedAmount = MOST_BUFFERED_BYTES + 1
    stream.results.publish(make_live_result(1))
    far.bufferedAmount = 0
    stream.results.publish(make_live_result(2))
    far.emit("bufferedamountlow")
    assert [message["frame"] for message in far.sent] == [2]


def test_nothing_is_sent_on_a_channel_that_is_not_open(stream: Stream) -> None:
    """A closing channel takes nothing, and counts nothing."""
    far, channel = open_channel(stream)
    far.readyState = "closing"
    stream.results.publish(make_live_result(1))
    channel.announce_draining(5)
    assert far.sent == []
    assert stream.meter.age.last_ms is None


def test_a_closed_channel_leaves_the_stream(stream: Stream) -> None:
    """Results are no longer made into messages for a viewer that has gone."""
    far, _ = open_channel(stream)
    far.emit("close")
    assert len(stream.results) == 0


def test_a_control_acts_at_once(stream: Stream) -> None:
    """The stream has the new options when the control has been taken."""
    far, _ = open_channel(stream)
    far.emit("message", '{"conf":0.7}')
    assert stream.options.confidence == 0.7
    assert far.sent == []


def test_a_flood_of_controls_is_refused_once(stream: Stream) -> None:
    """Controls above the rate are not taken and answered with one error; after a pause they are taken again."""
    clock = SetClock()
    far, _ = open_channel(stream, clock)
    for number in range(1000):
        far.emit("message", json.dumps({"conf": number / 1000}))
    assert stream.options.confidence == (2 * CONTROLS_PER_S - 1) / 1000
    assert len(far.sent) == 1
    assert "too many controls" in far.sent[0]["error"]
    clock.now = 1.0
    far.emit("message", '{"conf":0.9}')
    assert stream.options.confidence == 0.9


def test_an_unbroken_flood_of_controls_is_refused_once(stream: Stream) -> None:
    """A flood that goes on is not told of again each time that one of its controls is taken."""
    clock = SetClock()
    far, _ = open_channel(stream, clock)
    for number in range(1000):
        clock.now = number / 500
        far.emit("message", '{"conf":0.5}')
    assert len(far.sent) == 1


def test_another_flood_after_a_pause_is_told_of_again(stream: Stream) -> None:
    """Once a second's worth of controls is allowed again, the next flood is a new one."""
    clock = SetClock()
    far, _ = open_channel(stream, clock)
    for now in (0.0, 10.0):
        clock.now = now
        for _ in range(1000):
            far.emit("message", '{"conf":0.5}')
    assert len(far.sent) == 2


def test_a_picture_without_boxes_has_no_box_age(stream: Stream) -> None:
    """The age of boxes that were shown earlier is not told again when none are shown."""
    far, _ = open_channel(stream)
    stream.meter.record_picture(20.0)
    stream.results.publish(make_live_result(1))
    stream.meter.record_picture(None)
    stream.results.publish(make_live_result(2))
    assert [message["box_age_ms"] for message in far.sent] == [20.0, None]
