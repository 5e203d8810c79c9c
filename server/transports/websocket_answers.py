"""What goes back over a WebSocket: for each processed frame its result and its annotated JPEG; and notices between them."""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor
from functools import partial
from typing import Protocol

import msgspec

from server.domain.live import LiveResult
from server.domain.model import ModelInfo
from server.domain.protocols import Annotator
from server.media.jpeg import encode_i420
from server.pipeline.stream import Stream
from server.transports.messages import detection_message

# A client that takes in nothing learns of no more errors than these; each is a sentence.
MOST_NOTICES = 16


class Receiver(Protocol):
    """The client's end of the connection, as far as sending to it."""

    async def send_text(self, text: str) -> None:
        """Sends a text message; returns when there is room for the next, raises ConnectionError when the client is gone."""

    async def send_bytes(self, data: bytes) -> None:
        """Sends a binary message, likewise."""


class WebsocketAnswers:
    """A sink of results that answers each with a text message and, where `pictures` is true, a JPEG of that very frame.

    While one answer is being made or sent, only the newest result waits. The picture
    is made before its text is sent: both go out together, with an age that holds for both. `renderer` draws and encodes.
    """

    def __init__(
        self,
        *,
        stream: Stream,
        model: ModelInfo,
        annotator: Annotator,
        renderer: Executor,
        pictures: bool,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._stream = stream
        self._model = model
        self._annotator = annotator
        self._renderer = renderer
        self._pictures = pictures
        self._clock = clock
        self._encode = msgspec.json.Encoder().encode
        self._newest: LiveResult | None = None
        self._notices: deque[msgspec.Struct] = deque(maxlen=MOST_NOTICES)
        self._wake = asyncio.Event()
        stream.results.subscribe(self)

    def put(self, item: LiveResult) -> None:
        """Takes a result to answer with as soon as the client is ready for it."""
        self._newest = item
        self._wake.set()

    def notify(self, message: msgspec.Struct) -> None:
        """Has a message sent that belongs to no picture, before the next answer."""
        self._notices.append(message)
        self._wake.set()

    def close(self) -> None:
        """Takes the sink off the stream; may be called again."""
        self._stream.results.unsubscribe(self)

    async def send_to(self, client: Receiver, *, timeout_s: float) -> None:
        """Sends for ever; TimeoutError when the client takes in nothing for `timeout_s`, ConnectionError when it is gone."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._notices or self._newest is not None:
                await self._send_next(client, timeout_s=timeout_s)

    async def _send_next(self, client: Receiver, *, timeout_s: float) -> None:
        if self._notices:
            notice = self._notices.popleft()
            async with asyncio.timeout(timeout_s):
                await client.send_text(self._encode(notice).decode())
        elif self._newest is not None:
            result, self._newest = self._newest, None
            picture = await self._picture(result) if self._pictures else None
            async with asyncio.timeout(timeout_s):
                await client.send_text(self._text(result, with_picture=picture is not None))
                if picture is not None:
                    await client.send_bytes(picture)

    async def _picture(self, result: LiveResult) -> bytes:
        draw = partial(self._draw, result)
        return await asyncio.get_running_loop().run_in_executor(self._renderer, draw)

    def _draw(self, result: LiveResult) -> bytes:
        options, frame = self._stream.options, result.frame
        if options.annotate:
            frame = self._annotator.annotate(frame, result.detections, view_height_px=options.view_height_px)
        return encode_i420(frame.pixels)

    def _text(self, result: LiveResult, *, with_picture: bool) -> str:
        """The message of a result, which is sent now: its age is measured here."""
        meter = self._stream.meter
        age_ms = (self._clock() - result.frame.received_at) * 1000
        meter.record_age(age_ms)
        if with_picture:
            meter.record_picture(age_ms if self._stream.options.annotate else None)
        message = detection_message(
            result,
            labels=self._model.labels,
            received=self._stream.received,
            dropped=self._stream.dropped,
            age_ms=age_ms,
            box_age_ms=meter.last_box_age_ms,
        )
        return self._encode(message).decode()
