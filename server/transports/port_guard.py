"""The guard of the media ports: what does not come from a session's peer, or is none of its protocols, goes no further."""

import logging
import struct
import time
from collections.abc import Callable
from typing import Any

from aioice.ice import StunProtocol
from aioice.stun import parse_message

logger = logging.getLogger(__name__)

# RFC 7983, section 7: the first byte of a datagram tells what it is.
_STUN_BELOW = 4
_LOG_INTERVAL_S = 60.0
# A peer has a handful of addresses; each costs checks for as long as its session lasts.
MOST_REMOTE_CANDIDATES = 128
# What aioice's parser and its checks let out on a message that is malformed or lacks something.
_MALFORMED = (ValueError, KeyError, struct.error, AssertionError)

Address = tuple[Any, ...]
Receive = Callable[[StunProtocol, bytes, Address], None]


class PortGuard:
    """Stands before what receives datagrams on the ports of all sessions; on the event loop.

    aioice hands everything on that is no STUN, whoever sent it: an empty datagram of a stranger ended a session, and others
    filled its memory until it was connected. Malformed STUN raised in the event loop, a traceback in the log for each.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.dropped = 0
        self._clock = clock
        self._logged_at = float("-inf")

    def guarded(self, receive: Receive) -> Receive:
        """Returns `receive` with the guard before it."""

        def datagram_received(protocol: StunProtocol, *datagram: Any) -> None:
            data, addr = datagram
            if not data:
                self._drop()
            elif data[0] < _STUN_BELOW:
                self._check(receive, protocol, data=data, addr=addr)
            elif _is_of_peer(protocol, addr):
                protocol.receiver.data_received(data, protocol.local_candidate.component)
            else:
                self._drop()

        return datagram_received

    def _check(self, receive: Receive, protocol: StunProtocol, *, data: bytes, addr: Address) -> None:
        """Lets STUN through, whose requests aioice authenticates (RFC 8445, 7.3)."""
        remote = protocol.receiver._remote_candidates  # noqa: SLF001 - aioice has no other way in
        if len(remote) >= MOST_REMOTE_CANDIDATES and not _is_of_peer(protocol, addr):
            self._drop()
            return
        try:
            parse_message(data)  # aioice takes what cannot be read for data
            receive(protocol, data, addr)
        except _MALFORMED:
            self._drop()

    def _drop(self) -> None:
        self.dropped += 1
        now = self._clock()
        if now - self._logged_at >= _LOG_INTERVAL_S:
            self._logged_at = now
            logger.warning("datagrams that came from no peer, or are malformed, were dropped: %d so far", self.dropped)


def _is_of_peer(protocol: StunProtocol, addr: Address) -> bool:
    """Whether the address is one that the peer was found at."""
    pairs = protocol.receiver._check_list  # noqa: SLF001 - aioice has no other way in
    return any(pair.remote_addr == addr[:2] for pair in pairs)
