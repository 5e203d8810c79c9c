"""Path check: whether UDP finds its way between a browser and us, tried with nothing but a data channel."""

import asyncio
import logging

from aiortc import RTCDataChannel, RTCPeerConnection, RTCSessionDescription
from aiortc.exceptions import InvalidAccessError, InvalidStateError, OperationError

from server.domain.errors import Busy, Unprocessable
from server.transports.ice import MAX_CANDIDATES, rtc_configuration
from server.transports.ice_servers import IceServers
from server.transports.sdp import announce_address, read_data_offer

logger = logging.getLogger(__name__)

# A check takes a second where the path is free; then the page says so and leaves.
LIFETIME_S = 12.0
# Each takes a few sockets for its lifetime; a person checks once.
MOST_AT_ONCE = 4
MOST_MESSAGE_BYTES = 1024


class PathChecks:
    """Answers offers that have a data channel only, and sends back what comes on it until LIFETIME_S have passed."""

    def __init__(
        self,
        *,
        ice_servers: IceServers,
        public_address: str,
        max_candidates: int = MAX_CANDIDATES,
        lifetime_s: float = LIFETIME_S,
    ) -> None:
        self._ice_servers = ice_servers
        self._public_address = public_address
        self._max_candidates = max_candidates
        self._lifetime_s = lifetime_s
        self._running: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        return len(self._running)

    async def answer(self, offer_sdp: str) -> str:
        """The SDP answer; InvalidRequest for what is no SDP, Unprocessable without a data channel, Busy when too many run."""
        offer = read_data_offer(offer_sdp, max_candidates=self._max_candidates)
        if len(self._running) >= MOST_AT_ONCE:
            raise Busy(f"{MOST_AT_ONCE} connections are being checked already", retry_after_s=int(self._lifetime_s))
        pc = RTCPeerConnection(rtc_configuration(self._ice_servers.current()))
        pc.on("datachannel", _echo)
        task = asyncio.create_task(self._hold(pc), name="check a path")
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        try:
            await pc.setRemoteDescription(RTCSessionDescription(offer, "offer"))
            await pc.setLocalDescription(await pc.createAnswer())
        except (InvalidAccessError, InvalidStateError, OperationError, ValueError) as exc:
            task.cancel()
            raise Unprocessable(f"the offer cannot be answered: {exc}") from exc
        return announce_address(pc.localDescription.sdp, self._public_address)

    async def aclose(self) -> None:
        """Ends all of them."""
        running = list(self._running)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    async def _hold(self, pc: RTCPeerConnection) -> None:
        """Keeps a connection until its time is over, or the browser has left."""
        ended = asyncio.Event()
        pc.on("connectionstatechange", lambda: ended.set() if pc.connectionState in ("closed", "failed") else None)
        try:
            async with asyncio.timeout(self._lifetime_s):
                await ended.wait()
        except TimeoutError:
            pass
        finally:
            await pc.close()


def _echo(channel: RTCDataChannel) -> None:
    """Sends each message back, so that the browser can measure the way there and back."""

    def send_back(message: str | bytes) -> None:
        if len(message) <= MOST_MESSAGE_BYTES:
            channel.send(message)

    channel.on("message", send_back)
