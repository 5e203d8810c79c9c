"""An event loop that takes UDP ports for media from a given range, so that a firewall has to open only that."""

import asyncio
import errno
import random
from collections.abc import Callable
from typing import Any

from server.domain.errors import SettingsError


class PortRangeEventLoop(asyncio.SelectorEventLoop):
    """The standard event loop, except that a UDP endpoint bound to port 0 gets a port of `first`..`last`.

    aioice binds every ICE socket to port 0 and offers no setting. Endpoints that name a port or connect to a remote
    address, such as the resolver's, are left alone. A used-up range raises OSError with EADDRINUSE, as the system does.
    """

    def __init__(self, *, first: int, last: int) -> None:
        super().__init__()
        self._first = first
        self._last = last

    async def create_datagram_endpoint(  # type: ignore[override]  # the protocol's type variable is passed through as it is
        self,
        protocol_factory: Callable[[], asyncio.DatagramProtocol],
        local_addr: tuple[str, int] | str | None = None,
        remote_addr: tuple[str, int] | str | None = None,
        **options: Any,
    ) -> tuple[asyncio.DatagramTransport, asyncio.DatagramProtocol]:
        """Creates a UDP endpoint, on a port of the range where the caller leaves the port open."""
        if isinstance(local_addr, str) or local_addr is None or local_addr[1] != 0 or remote_addr is not None:
            return await super().create_datagram_endpoint(protocol_factory, local_addr, remote_addr, **options)
        for port in self._shuffled_ports():
            try:
                return await super().create_datagram_endpoint(protocol_factory, (local_addr[0], port), **options)
            except OSError as exc:
                if exc.errno != errno.EADDRINUSE:
                    raise
        raise OSError(errno.EADDRINUSE, f"all UDP ports from {self._first} to {self._last} are in use")

    def _shuffled_ports(self) -> list[int]:
        """All ports of the range in random order: a session does not get the port that another has just left."""
        ports = range(self._first, self._last + 1)
        return random.sample(ports, len(ports))


def event_loop_factory(*, first: int, last: int) -> Callable[[], asyncio.AbstractEventLoop]:
    """What `asyncio.Runner` takes as its loop_factory; 0 and 0 give the standard loop; SettingsError for what is no range."""
    if first == 0 and last == 0:
        return asyncio.new_event_loop
    if not 0 < first <= last <= 65535:
        raise SettingsError(f"webrtc: no range of UDP ports: {first} to {last}")
    return lambda: PortRangeEventLoop(first=first, last=last)
