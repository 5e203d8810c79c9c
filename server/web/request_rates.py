"""Request rates: how many requests a second one key may make, or one client where no key is shown."""

import logging
import time
from collections import OrderedDict
from collections.abc import Callable

from server.domain.allowance import Allowance
from server.domain.errors import TooMany

logger = logging.getLogger(__name__)

# A few hundred bytes each. Whoever is forgotten begins with a full allowance, which he had, unless thousands came in between.
MOST_CLIENTS = 4096


class RequestRates:
    """Counts the requests of each client, and refuses those above `rate_per_s`; 0 refuses none. On the event loop.

    A flood is written to the log when it begins, not at each request.
    """

    def __init__(self, rate_per_s: float, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate_per_s = rate_per_s
        self._clock = clock
        self._allowances: OrderedDict[str, Allowance] = OrderedDict()
        self._flooding: set[str] = set()

    def check(self, client: str) -> None:
        """Counts one request; raises TooMany where the client has made too many."""
        if not self._rate_per_s:
            return
        allowance = self._allowance(client)
        if not allowance.take():
            if client not in self._flooding:
                self._flooding.add(client)
                logger.warning("requests of %s are refused: more than %g a second come", client, self._rate_per_s)
            sentence = f"one key or client may make {self._rate_per_s:g} requests a second (server.max_requests_per_s)"
            raise TooMany(sentence, retry_after_s=allowance.wait_s)
        if allowance.is_half_full:
            self._flooding.discard(client)

    def _allowance(self, client: str) -> Allowance:
        """The allowance of a client; the one that has asked least recently makes room for a new one."""
        allowance = self._allowances.get(client)
        if allowance is None:
            allowance = self._allowances[client] = Allowance(rate_per_s=self._rate_per_s, clock=self._clock)
            if len(self._allowances) > MOST_CLIENTS:
                forgotten, _ = self._allowances.popitem(last=False)
                self._flooding.discard(forgotten)
        else:
            self._allowances.move_to_end(client)
        return allowance
