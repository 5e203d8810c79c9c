"""A session of one peer connection: answered, watched, and ended so that nothing of it stays."""

import asyncio
import ipaddress
import secrets
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any

from aiortc import RTCDataChannel
from aiortc.mediastreams import MediaStreamTrack

from server.domain.errors import Outdated, SettingsError, Unprocessable
from server.logs import log_context
from server.transports.controls import CONTROLS_PER_S
from server.transports.h264 import in_offered_words
from server.transports.ice import MAX_CANDIDATES, check_candidates, parse_fragment
from server.transports.ice_servers import IceServers
from server.transports.peer import Peer
from server.transports.sdp import Offer, announce_address, with_one_fingerprint, with_unused


@dataclass(frozen=True, slots=True)
class WebrtcLimits:
    """How long a peer may keep us waiting, how much it may send, and how we are reached.

    `public_address` stands in the answer in place of private addresses, where it is not empty; SettingsError if it is none.
    """

    connect_timeout_s: float = 15.0
    media_timeout_s: float = 10.0
    max_pixels: int = 3840 * 2160
    max_candidates: int = MAX_CANDIDATES
    max_controls_per_s: float = CONTROLS_PER_S
    public_address: str = ""
    ice_servers: IceServers = field(default_factory=IceServers)

    def __post_init__(self) -> None:
        try:
            ipaddress.ip_address(self.public_address or "::")
        except ValueError as exc:
            raise SettingsError(f"webrtc.public_address: {exc}") from exc


class PeerSession(ABC):
    """What publishers and viewers share: the connection, its address, and its end.

    `answer_sdp` answers the client's offer, `etag` names its ICE session. `receives` tells whether its video is wanted.
    """

    def __init__(
        self,
        offer: Offer,
        *,
        id: str,  # noqa: A002 - the field's name in the contract
        limits: WebrtcLimits,
        receives: bool,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.id = id
        self.etag = f'"{secrets.token_hex(8)}"'
        self.answer_sdp = ""
        self._offer = offer
        self._candidates = offer.candidates
        self._limits = limits
        self._clock = clock
        self._peer = Peer(
            ice_servers=limits.ice_servers.current(),
            on_state=self._note_state,
            on_channel=self._take_channel,
            receives=receives,
        )
        self._task: asyncio.Task[None] | None = None
        self._ended = asyncio.Event()
        self._reason = "the server ends"
        self._released = False
        self._opened_at = clock()
        self._connected_at: float | None = None
        self._on_closed: list[Callable[[], None]] = []

    @property
    def closed(self) -> bool:
        """Whether nothing of the session is left."""
        return self._released

    def on_closed(self, callback: Callable[[], None]) -> None:
        """Has `callback` called once nothing of the session is left, at once if that is so already."""
        if self._released:
            callback()
        else:
            self._on_closed.append(callback)

    async def add_candidates(self, fragment: str, etag: str | None) -> None:
        """Adds the candidates that a client found after its offer.

        Raises InvalidRequest for a malformed fragment, Outdated where `etag` names another ICE session than the present
        one, Unprocessable for an ICE restart, TooLarge for more candidates than a connection may have in all. None and `*`
        stand for the present one.
        """
        if etag not in (None, "*", self.etag):
            raise Outdated(f"the session's ICE session is {self.etag}, not {etag}")
        parsed = parse_fragment(fragment)
        if parsed.username not in (None, self._offer.ice_username):
            raise Unprocessable("ICE restarts are not supported: end this session and open a new one")
        check_candidates(self._candidates + len(parsed.candidates), most=self._limits.max_candidates)
        self._candidates += len(parsed.candidates)
        for candidate in parsed.candidates:
            await self._peer.add_candidate(candidate)

    def end(self, reason: str) -> None:
        """Begins to end the session; the first `reason` goes to the log."""
        if not self._ended.is_set():
            self._reason = reason
            self._ended.set()

    async def aclose(self, reason: str) -> None:
        """Ends the session and returns when nothing of it is left; may be called again."""
        self.end(reason)
        if self._task is None:
            await self._release([])
        else:
            await asyncio.wait([self._task])  # which, unlike awaiting it, leaves it alone when our caller is cancelled

    @abstractmethod
    def _take_channel(self, channel: RTCDataChannel) -> None:
        """Takes a data channel that the client has opened."""

    @abstractmethod
    def _detach(self) -> None:
        """Takes everything off the stream that the session has put there."""

    @abstractmethod
    def _work(self) -> Mapping[str, Coroutine[Any, Any, None]]:
        """What runs as long as the session, each under a name."""

    @abstractmethod
    def _log_opened(self) -> None:
        """Writes the line of the beginning."""

    @abstractmethod
    def _log_ended(self, reason: str, after_s: float) -> None:
        """Writes the line of the end."""

    async def _answer(self, *, returned: MediaStreamTrack | None) -> None:
        """Answers the offer; `aclose()` must follow where this raises."""
        answer = await self._peer.answer(self._offer, returned=returned)
        answer = with_one_fingerprint(in_offered_words(answer, self._offer.h264_formats))
        self.answer_sdp = with_unused(announce_address(answer, self._limits.public_address), self._offer.unused)

    def _start(self) -> None:
        self._task = asyncio.create_task(self._live(), name=f"session {self.id}")

    def _note_state(self, state: str) -> None:
        if state == "connected" and self._connected_at is None:
            self._connected_at = self._clock()
        elif state in ("closed", "failed"):
            self.end("the connection failed" if self._connected_at is None else "the peer left")

    async def _live(self) -> None:
        """Runs the session until something ends it, then leaves nothing behind."""
        with log_context(session=self.id):
            self._log_opened()
            work = {"connect": self._watch_connecting(), **self._work()}
            tasks = [asyncio.create_task(one, name=f"{name} {self.id}") for name, one in work.items()]
            try:
                await self._ended.wait()
            finally:
                await self._release(tasks)
                self._log_ended(self._reason, self._clock() - self._opened_at)

    async def _watch_connecting(self) -> None:
        """Ends the session of a peer that does not connect."""
        timeout_s = self._limits.connect_timeout_s
        while self._connected_at is None:
            if self._clock() - self._opened_at >= timeout_s:
                self.end(f"not connected within {timeout_s:g} s")
                return
            await asyncio.sleep(min(1.0, timeout_s / 4))

    async def _release(self, tasks: "list[asyncio.Task[None]]") -> None:
        """Ends all that the session has; whatever goes wrong there, its place is free afterwards."""
        if self._released:
            return
        try:
            for task in tasks:
                task.cancel()
            if tasks:
                await asyncio.wait(tasks)
            self._detach()
            await self._peer.close()
        finally:
            self._released = True
            for callback in self._on_closed:
                callback()
