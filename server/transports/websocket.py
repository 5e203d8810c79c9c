"""WebSocket sessions: JPEG frames in, results and annotated JPEGs out, for networks that let no UDP through."""

import asyncio
import enum
import logging
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from server.domain.alert import SourceKind
from server.domain.errors import InvalidRequest
from server.domain.live import StreamOptions
from server.domain.model import ModelInfo
from server.domain.protocols import Annotator
from server.logs import log_context
from server.pipeline.packet_ring import PacketRing
from server.pipeline.stream import Stream
from server.transports.controls import CONTROLS_PER_S, ControlIntake
from server.transports.messages import DrainingMessage, ErrorMessage, FrameErrorMessage, OpenedMessage
from server.transports.registry import NewRing, SessionRegistry, no_ring
from server.transports.webrtc import StreamFactory
from server.transports.websocket_answers import Receiver, WebsocketAnswers
from server.transports.websocket_source import WebsocketSource

logger = logging.getLogger(__name__)

# A camera that breaks a frame now and then goes on; a client that sends something else all the time has mistaken the address.
MOST_DAMAGED_IN_A_ROW = 10


class CloseCode(enum.IntEnum):
    """How a session ended (RFC 6455, 7.4.1)."""

    NORMAL = 1000
    GOING_AWAY = 1001
    INVALID_DATA = 1007
    POLICY = 1008
    INTERNAL = 1011


@dataclass(frozen=True, slots=True)
class Ending:
    """Why a session ends, for the log and for the client."""

    code: CloseCode
    reason: str


class Socket(Receiver, Protocol):
    """An open WebSocket; `web` brings one."""

    async def receive(self) -> str | bytes:
        """The next message; ConnectionError when the client has closed, is gone, or sent what is no message."""

    async def close(self, *, code: int, reason: str) -> None:
        """Ends the connection, within seconds whatever the client does; may be called again."""


@dataclass(frozen=True, slots=True)
class WebsocketLimits:
    """How long a client may send or take in nothing, how large a frame may be, and how many controls come a second."""

    media_timeout_s: float = 10.0
    max_pixels: int = 8_847_360
    max_controls_per_s: float = CONTROLS_PER_S


class WebsocketService:
    """Opens WebSocket sessions and enters them into the registry. `renderer` decodes, draws and encodes."""

    def __init__(
        self,
        *,
        registry: SessionRegistry,
        create_stream: StreamFactory,
        model: ModelInfo,
        annotator: Annotator,
        renderer: Executor,
        limits: WebsocketLimits | None = None,
        new_ring: NewRing = no_ring,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._new_ring = new_ring
        self._registry = registry
        self._create_stream = create_stream
        self._model = model
        self._annotator = annotator
        self._renderer = renderer
        self._limits = limits or WebsocketLimits()
        self._clock = clock

    def open(self, *, name: str, options: StreamOptions, pictures: bool, client: str | None = None) -> "WebsocketSession":
        """Takes a place for a session, which `run()` then serves; `aclose()` must follow in any case.

        `pictures` asks for the annotated pictures. Raises AtCapacity, TooMany and Draining.
        """
        with self._registry.reserve(client=client) as place:
            stream = self._create_stream(id=self._registry.new_id(), name=name, options=options)
            answers = WebsocketAnswers(
                stream=stream,
                model=self._model,
                annotator=self._annotator,
                renderer=self._renderer,
                pictures=pictures,
                clock=self._clock,
            )
            session = WebsocketSession(
                stream=stream,
                answers=answers,
                controls=ControlIntake(
                    stream, model=self._model, most_per_s=self._limits.max_controls_per_s, clock=self._clock
                ),
                renderer=self._renderer,
                limits=self._limits,
                packets=self._new_ring(SourceKind.WEBCAM),
                draining=lambda: self._registry.draining,
                clock=self._clock,
            )
            place.fill(session)
        session.on_closed(partial(self._registry.remove, session))
        return session


class WebsocketSession:
    """One client: a source, its stream, and the answers. `draining` tells whether the server is about to end."""

    def __init__(
        self,
        *,
        stream: Stream,
        answers: WebsocketAnswers,
        controls: ControlIntake,
        renderer: Executor,
        limits: WebsocketLimits,
        draining: Callable[[], bool],
        packets: PacketRing | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.stream = stream
        self.kind = SourceKind.WEBCAM
        self.packets = packets
        self._answers = answers
        self._controls = controls
        self._limits = limits
        self._clock = clock
        self._source = WebsocketSource(
            converter=renderer, max_pixels=limits.max_pixels, on_damaged=self._note_damaged, packets=packets, clock=clock
        )
        self._ending: Ending | None = None
        self._ended = asyncio.Event()
        self._running = False
        self._released = asyncio.Event()
        self._draining = draining
        self._opened_at = clock()
        self._on_closed: list[Callable[[], None]] = []

    @property
    def id(self) -> str:
        """Unguessable name in addresses, the same as the stream's."""
        return self.stream.id

    @property
    def closed(self) -> bool:
        """Whether nothing of the session is left."""
        return self._released.is_set()

    def on_closed(self, callback: Callable[[], None]) -> None:
        """Has `callback` called once nothing of the session is left, at once if that is so already."""
        if self.closed:
            callback()
        else:
            self._on_closed.append(callback)

    def announce_id(self) -> None:
        """Tells the client the id of its stream, which no browser can read from the handshake."""
        self._answers.notify(OpenedMessage(id=self.id))

    def announce_draining(self, grace_s: float) -> None:
        """Tells the client that the session ends in `grace_s` seconds."""
        self._answers.notify(DrainingMessage(grace_s=grace_s))

    async def aclose(self, reason: str) -> None:
        """Ends the session and returns when nothing of it is left; may be called again."""
        self._end(Ending(CloseCode.GOING_AWAY if self._draining() else CloseCode.NORMAL, reason))
        if self._running:
            await self._released.wait()
        else:
            self._release()

    async def run(self, socket: Socket) -> None:
        """Serves the client until something ends the session, then leaves nothing behind; to be called once."""
        self._running = True
        with log_context(session=self.id):
            logger.info("session opened: %s, over a WebSocket", self.stream.name)
            tasks = [
                asyncio.create_task(self._read(socket), name=f"read {self.id}"),
                asyncio.create_task(self._send(socket), name=f"send {self.id}"),
                asyncio.create_task(self.stream.run(self._source), name=f"stream {self.id}"),
                asyncio.create_task(self._watch(), name=f"watch {self.id}"),
                asyncio.create_task(self._wait_for_end(), name=f"end {self.id}"),
            ]
            try:
                done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
                self._note_failure(done)
            finally:
                self._end(Ending(CloseCode.GOING_AWAY, "the server ends"))  # our task was cancelled
                await self._close(socket, tasks)

    def _end(self, ending: Ending) -> None:
        if self._ending is None:
            self._ending = ending
            self._ended.set()

    async def _wait_for_end(self) -> None:
        await self._ended.wait()

    async def _read(self, socket: Socket) -> None:
        try:
            while True:
                message = await socket.receive()
                if isinstance(message, bytes):
                    self._source.put(message)
                elif (refusal := self._controls.take(message)) is not None:
                    self._answers.notify(ErrorMessage(error=refusal))
        except ConnectionError as exc:
            self._end(Ending(CloseCode.NORMAL, str(exc) or "the client left"))

    async def _send(self, socket: Socket) -> None:
        timeout_s = self._limits.media_timeout_s
        try:
            await self._answers.send_to(socket, timeout_s=timeout_s)
        except TimeoutError:
            self._end(Ending(CloseCode.POLICY, f"nothing of what is sent was taken in for {timeout_s:g} s"))
        except ConnectionError as exc:
            self._end(Ending(CloseCode.NORMAL, str(exc) or "the client left"))

    async def _watch(self) -> None:
        """Ends the session of a client that sends no frames."""
        timeout_s = self._limits.media_timeout_s
        while True:
            await asyncio.sleep(min(1.0, timeout_s / 4))
            if self._clock() - (self._source.last_frame_at or self._opened_at) >= timeout_s:
                self._end(Ending(CloseCode.POLICY, f"no frame for {timeout_s:g} s"))

    def _note_damaged(self, index: int, error: InvalidRequest) -> None:
        self._answers.notify(FrameErrorMessage(error=str(error), frame=index))
        in_a_row = self._source.damaged_in_a_row
        if in_a_row >= MOST_DAMAGED_IN_A_ROW:
            self._end(Ending(CloseCode.INVALID_DATA, f"{in_a_row} frames in a row could not be used: {error}"))

    def _note_failure(self, done: "Iterable[asyncio.Task[None]]") -> None:
        """Ends the session where a part of it failed: that ends this session only."""
        for task in done:
            if (failure := task.exception()) is not None:
                logger.error("the %s failed", task.get_name(), exc_info=failure)
                self._end(Ending(CloseCode.INTERNAL, "the stream failed"))

    async def _close(self, socket: Socket, tasks: "list[asyncio.Task[None]]") -> None:
        """Ends all that the session has; whatever goes wrong there, its place is free afterwards."""
        try:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
            if self._ending is not None:
                await socket.close(code=self._ending.code, reason=self._ending.reason)
        finally:
            self._release()
            self._log_end()

    def _release(self) -> None:
        if not self.closed:
            self._answers.close()
            self._released.set()
            for callback in self._on_closed:
                callback()

    def _log_end(self) -> None:
        reason = self._ending.reason if self._ending else "the server ends"
        after_s = self._clock() - self._opened_at
        logger.info("session ended: %s, after %.1f s: %s", reason, after_s, self.stream.stats().in_words)
