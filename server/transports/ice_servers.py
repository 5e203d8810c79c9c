"""ICE servers: those that stand in the settings, and TURN with credentials that end soon, made anew for each use."""

import base64
import hmac
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from server.domain.errors import SettingsError
from server.transports.ice import IceServer


@dataclass(frozen=True, slots=True)
class TurnAccess:
    """TURN servers that share a secret with us (draft-uberti-behave-turn-rest-00, coturn's `use-auth-secret`).

    Raises SettingsError for what is no address of a TURN server, and for addresses without a secret.
    """

    urls: tuple[str, ...]
    secret: str = field(repr=False)
    ttl_s: int

    def __post_init__(self) -> None:
        if self.urls and not self.secret:
            raise SettingsError("webrtc.turn_urls needs webrtc.turn_secret, which the TURN server has, too")
        for url in self.urls:
            if not url.startswith(("turn:", "turns:")):
                raise SettingsError(f"webrtc.turn_urls: {url!r} is not the address of a TURN server")

    def credentials(self, now_s: float) -> tuple[str, str]:
        """A user name that ends `ttl_s` after `now_s` (Unix time), and the password that proves that we have made it."""
        username = f"{int(now_s) + self.ttl_s}:{secrets.token_hex(8)}"
        digest = hmac.digest(self.secret.encode(), username.encode(), "sha1")  # the protocol's choice
        return username, base64.b64encode(digest).decode()


class IceServers:
    """All ICE servers of the settings; `clock` tells the Unix time at which credentials begin."""

    def __init__(
        self, fixed: tuple[IceServer, ...] = (), *, turn: TurnAccess | None = None, clock: Callable[[], float] = time.time
    ) -> None:
        self._fixed = fixed
        self._turn = turn
        self._clock = clock
        self.current()  # a mistake in an address ends the start, not a session

    def current(self) -> tuple[IceServer, ...]:
        """The servers as they are used now: for one session or one client, not to be kept."""
        if self._turn is None or not self._turn.urls:
            return self._fixed
        username, credential = self._turn.credentials(self._clock())
        return (*self._fixed, IceServer(self._turn.urls, username=username, credential=credential))
