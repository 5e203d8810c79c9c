"""Back-off: whoever shows wrong keys waits longer and longer before another one is looked at."""

import ipaddress
import logging
import math
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

logger = logging.getLogger(__name__)

LONGEST_S = 60.0
# Whoever has shown no wrong key for this long begins anew.
FORGOTTEN_AFTER_S = 600.0
# About a megabyte; above it the address that failed longest ago is forgotten.
MOST_ADDRESSES = 4096
# A provider gives each customer at least this much of IPv6.
_IPV6_PREFIX = 64


@dataclass(slots=True)
class _Failures:
    count: int = 0
    last_at: float = 0.0
    until: float = 0.0


class BackOff:
    """Counts wrong keys by client address: after `free` of them each further one doubles a wait that begins with a second."""

    def __init__(self, *, free: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._free = free
        self._clock = clock
        self._failures: OrderedDict[str, _Failures] = OrderedDict()

    def __len__(self) -> int:
        return len(self._failures)

    def wait_s(self, address: str | None) -> int:
        """Whole seconds that this address has to wait, 0 where it has not."""
        found = self._failures.get(_client(address))
        return max(0, math.ceil(found.until - self._clock())) if found is not None else 0

    def count_failure(self, address: str | None) -> None:
        """Notes a wrong key."""
        client, now = _client(address), self._clock()
        found = self._failures.pop(client, None)
        if found is None or now - found.last_at > FORGOTTEN_AFTER_S:
            found = _Failures()
        found.count, found.last_at = found.count + 1, now
        if found.count >= self._free:
            # The exponent is bounded, as a count may grow for ever.
            found.until = now + min(LONGEST_S, 2.0 ** min(found.count - self._free, 10))
            logger.warning("%d wrong keys from %s: the next one is looked at in %g s", found.count, client, found.until - now)
        self._failures[client] = found
        if len(self._failures) > MOST_ADDRESSES:
            self._failures.popitem(last=False)


def _client(address: str | None) -> str:
    """What stands for the client: its IPv4 address, or its network of IPv6; what is neither shares one place."""
    try:
        ip = ipaddress.ip_address(address or "")
    except ValueError:
        return "an unknown address"
    plain = getattr(ip, "ipv4_mapped", None) or ip
    if plain.version == 4:
        return str(plain)
    return str(ipaddress.ip_network((int(plain), _IPV6_PREFIX), strict=False))
