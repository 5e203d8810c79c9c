"""The bound on messages of data channels that aiortc has begun to receive."""

import logging
from collections.abc import Awaitable, Callable

from aiortc.rtcsctptransport import DataChunk, RTCSctpTransport

logger = logging.getLogger(__name__)

# What aiortc's answers announce as the largest message (max-message-size).
MOST_UNFINISHED_BYTES = 64 * 1024
# Some fifty fragments are a message of that size; each new one is compared with all that wait.
MOST_UNFINISHED_FRAGMENTS = 1024
# What aiortc's window holds while nothing is unfinished.
WHOLE_WINDOW_BYTES = 1024 * 1024

Receive = Callable[[RTCSctpTransport, DataChunk], Awaitable[None]]


def bounded(receive: Receive) -> Receive:
    """Returns what receives a piece of a message, but aborts the association of a peer whose messages do not end."""

    async def receive_bounded(transport: RTCSctpTransport, chunk: DataChunk) -> None:
        if transport._association_state is RTCSctpTransport.State.CLOSED:  # noqa: SLF001 - a peer that goes on all the same
            return
        await receive(transport, chunk)
        stream = transport._inbound_streams.get(chunk.stream_id)  # noqa: SLF001 - aiortc has no other way in
        unfinished_bytes = WHOLE_WINDOW_BYTES - transport._advertised_rwnd  # noqa: SLF001 - likewise
        fragments = len(stream.reassembly) if stream else 0
        # RFC 9260, 6.2: a chunk without data ends the association; here many would cost memory that no window counts.
        if unfinished_bytes > MOST_UNFINISHED_BYTES or fragments > MOST_UNFINISHED_FRAGMENTS or not chunk.user_data:
            logger.warning("a peer sends messages that are too large: its data channels are closed")
            transport._inbound_streams.clear()  # noqa: SLF001 - likewise
            await transport._abort()  # noqa: SLF001 - likewise
            transport._set_state(RTCSctpTransport.State.CLOSED)  # noqa: SLF001 - likewise

    return receive_bounded
