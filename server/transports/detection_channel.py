"""The data channel `detections`: results to the viewer, controls from the viewer."""

import time
from collections.abc import Callable

import msgspec
from aiortc import RTCDataChannel

from server.domain.live import LiveResult
from server.domain.model import ModelInfo
from server.pipeline.freshness import FreshnessMeter
from server.pipeline.stream import Stream
from server.transports.controls import CONTROLS_PER_S, ControlIntake
from server.transports.messages import DrainingMessage, ErrorMessage, detection_message

LABEL = "detections"
# About half a second of messages with twenty boxes at 30 a second: more is waiting for a peer that cannot keep up.
MOST_BUFFERED_BYTES = 32 * 1024
NO_CONTROLS = "this viewer does not control the stream"


class DetectionChannel:
    """A sink of results that sends each as one JSON message, and applies the controls that come in.

    While the peer takes in nothing, only the newest result waits. `meter` is that of the peer's pictures, the stream's own if
    nothing else is said. Where `controls` is false they are refused.
    """

    def __init__(
        self,
        channel: RTCDataChannel,
        *,
        stream: Stream,
        model: ModelInfo,
        meter: FreshnessMeter | None = None,
        controls: bool = True,
        max_controls_per_s: float = CONTROLS_PER_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._channel = channel
        self._stream = stream
        self._model = model
        self._meter = meter or stream.meter
        self._clock = clock
        self._encode = msgspec.json.Encoder().encode
        self._waiting: LiveResult | None = None
        refusal = None if controls else NO_CONTROLS
        self._controls = ControlIntake(stream, model=model, refusal=refusal, most_per_s=max_controls_per_s, clock=clock)
        channel.bufferedAmountLowThreshold = MOST_BUFFERED_BYTES // 2
        channel.on("bufferedamountlow", self._send_waiting)
        channel.on("message", self._take_control)
        channel.on("close", self.close)
        stream.results.subscribe(self)

    @property
    def closed(self) -> bool:
        """Whether nothing can be sent any more."""
        return self._channel.readyState in ("closing", "closed")

    def put(self, item: LiveResult) -> None:
        """Sends a result now, or keeps it as the newest while the peer is behind."""
        if self._channel.readyState != "open":
            return
        if self._channel.bufferedAmount > MOST_BUFFERED_BYTES:
            self._waiting = item
            return
        self._waiting = None
        self._send_result(item)

    def announce_draining(self, grace_s: float) -> None:
        """Tells the viewer that the session ends in `grace_s` seconds."""
        self._send(DrainingMessage(grace_s=grace_s))

    def close(self) -> None:
        """Takes the channel off the stream; may be called again."""
        self._stream.results.unsubscribe(self)
        self._waiting = None

    def _send_waiting(self) -> None:
        if self._waiting is not None:
            item, self._waiting = self._waiting, None
            self._send_result(item)

    def _send_result(self, result: LiveResult) -> None:
        meter = self._meter
        age_ms = (self._clock() - result.frame.received_at) * 1000
        message = detection_message(
            result,
            labels=self._model.labels,
            received=self._stream.received,
            dropped=self._stream.dropped,
            age_ms=age_ms,
            box_age_ms=meter.last_box_age_ms,
        )
        if self._send(message):
            meter.record_age(age_ms)

    def _send(self, message: msgspec.Struct) -> bool:
        if self._channel.readyState != "open":
            return False
        self._channel.send(self._encode(message).decode())
        return True

    def _take_control(self, text: str | bytes) -> None:
        """Applies a control at once, or answers why not."""
        refusal = self._controls.take(text)
        if refusal is not None:
            self._send(ErrorMessage(error=refusal))
