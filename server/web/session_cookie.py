"""The session cookie: what keeps a browser signed in, without anything kept on the server."""

import hashlib
import hmac
import time
from collections.abc import Callable

from aiohttp import web

from server.web.credentials import Keys

NAME = "sightline_session"


class SessionCookies:
    """Makes and checks session cookies.

    A cookie says when it ends, signed with a secret that follows from the key it was given for. So all cookies of a key end
    when that key is removed, they outlive a restart, and any server with the same keys accepts them. `secret` is the
    cluster's: where it is set nobody who knows a key alone can make a cookie, and another secret ends all of them.
    """

    def __init__(self, keys: Keys, *, lifetime_s: float, secret: str = "", clock: Callable[[], float] = time.time) -> None:
        self._keys = keys
        self._secret = secret
        self._lifetime_s = lifetime_s
        self._clock = clock

    def issue(self, key: str) -> str:
        """A cookie value for someone who has shown `key`."""
        expires_s = str(int(self._clock() + self._lifetime_s))
        return f"{expires_s}.{_sign(expires_s, key=key, secret=self._secret)}"

    def accepts(self, value: str) -> bool:
        """Whether the value was issued for one of the keys and has not ended."""
        expires_s, _, signature = value.partition(".")
        given = signature.encode("utf-8", "surrogateescape")
        signed = [
            hmac.compare_digest(_sign(expires_s, key=key, secret=self._secret).encode(), given) for key in self._keys.values
        ]
        return any(signed) and int(expires_s) > self._clock()

    def set(self, response: web.StreamResponse, *, value: str, secure: bool) -> None:
        """Puts the cookie into an answer; `secure` keeps it from ever travelling without https."""
        response.set_cookie(NAME, value, max_age=int(self._lifetime_s), path="/", httponly=True, samesite="Lax", secure=secure)

    def clear(self, response: web.StreamResponse) -> None:
        """Makes the browser forget the cookie."""
        response.del_cookie(NAME, path="/", httponly=True, samesite="Lax")


def _sign(expires_s: str, *, key: str, secret: str) -> str:
    # No key holds a zero byte, so no pair of the two stands for another.
    signing_key = hashlib.sha256(b"sightline session\0" + key.encode() + b"\0" + secret.encode()).digest()
    return hmac.new(signing_key, expires_s.encode("utf-8", "surrogateescape"), hashlib.sha256).hexdigest()
