"""The session cookie: what keeps a browser signed in, without anything kept on the server."""

import hashlib
import hmac
import time
from collections.abc import Callable

from aiohttp import web

from server.web.api_key import ApiKey, digest_of, session_token
from server.web.credentials import Keys

NAME = "sightline_session"


class SessionCookies:
    """Makes and checks session cookies.

    A cookie says when it ends, has a token that only the key gives, and a signature over both. So all cookies of a key end
    when that key is removed, they outlive a restart, any server with the same keys accepts them, and whoever reads the key
    file cannot make one: digests alone give no token. `secret` is the cluster's: where it is set nobody who knows a key alone
    can make a cookie, and another secret ends all of them.
    """

    def __init__(self, keys: Keys, *, lifetime_s: float, secret: str = "", clock: Callable[[], float] = time.time) -> None:
        self._keys = keys
        self._secret = secret
        self._lifetime_s = lifetime_s
        self._clock = clock

    def issue(self, value: str, *, key: ApiKey) -> str:
        """A cookie value for someone who has shown `value`, which is `key`."""
        signed = f"{int(self._clock() + self._lifetime_s)}.{session_token(value)}"
        return f"{signed}.{self._sign(signed, key=key)}"

    def holder(self, cookie: str) -> ApiKey | None:
        """The key that the cookie was issued for; None where that is none of the keys, or the cookie has ended."""
        signed, _, signature = cookie.rpartition(".")
        expires_s, _, token = signed.partition(".")
        token_digest, given = digest_of(token), signature.encode("utf-8", "surrogateescape")
        holders = [
            key
            for key in self._keys
            # Both are looked at, so that it takes the same time whichever is wrong.
            if hmac.compare_digest(key.session_digest, token_digest)
            & hmac.compare_digest(self._sign(signed, key=key).encode(), given)
        ]
        return holders[0] if holders and int(expires_s) > self._clock() else None

    def set(self, response: web.StreamResponse, *, value: str, secure: bool) -> None:
        """Puts the cookie into an answer; `secure` keeps it from ever travelling without https."""
        response.set_cookie(NAME, value, max_age=int(self._lifetime_s), path="/", httponly=True, samesite="Lax", secure=secure)

    def clear(self, response: web.StreamResponse) -> None:
        """Makes the browser forget the cookie."""
        response.del_cookie(NAME, path="/", httponly=True, samesite="Lax")

    def _sign(self, signed: str, *, key: ApiKey) -> str:
        signing_key = hashlib.sha256(b"sightline session\0" + key.digest + b"\0" + self._secret.encode()).digest()
        return hmac.new(signing_key, signed.encode("utf-8", "surrogateescape"), hashlib.sha256).hexdigest()
