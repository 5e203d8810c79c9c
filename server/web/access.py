"""Access: who may use the server."""

import base64
import binascii
from dataclasses import dataclass

from aiohttp import hdrs, web

from server.web import session_cookie
from server.web.api_key import ApiKey, Right
from server.web.back_off import BackOff
from server.web.credentials import Keys
from server.web.origin import host_name, is_from_another_site
from server.web.problems import Problem
from server.web.session_cookie import SessionCookies

# Pages of other sites may call these, with a key of their own: a cookie counts only for pages of ours.
CROSS_SITE_PATHS = frozenset({"/predict", "/api/predict"})
# A key of so many characters is looked at however many wrong ones came before: guessing it is hopeless, and whoever shares an
# address with somebody who guesses is not locked out. Keys that are made here are longer.
UNGUESSABLE_CHARACTERS = 32
# Who makes the request, where a key is asked for.
HOLDER = web.RequestKey("holder", ApiKey)


@dataclass(frozen=True, slots=True)
class Access:
    """What is asked of each request before its handler runs.

    `hosts` are the host names that are answered while no key is asked for, None answers to all: with a key a foreign name is
    no danger, as the cookie belongs to the right one. Pages of `own_hosts` count as ours, whatever host name a proxy passes on.
    """

    keys: Keys
    cookies: SessionCookies
    back_off: BackOff
    hosts: frozenset[str] | None
    own_hosts: frozenset[str] = frozenset()

    @property
    def required(self) -> bool:
        """Whether a key is asked for."""
        return bool(self.keys)

    def admit(self, request: web.Request, *, right: Right) -> None:
        """Raises a 401 problem for who shows no key, a 403 one for a key without that right, and what `find` does."""
        if self.is_guest(request):
            raise unauthorized(request)
        key = request.get(HOLDER)
        if key is not None and not key.right.covers(right):
            detail = f"this needs a key with the right {right.value!r}; yours, {key.name!r}, has {key.right.value!r}"
            raise Problem(403, detail, members={"right": right.value})

    def is_guest(self, request: web.Request) -> bool:
        """Whether the request shows no key where one is asked for; whose it is, is noted. Raises as `find`."""
        key = self._shown_key(request) if self.required else None
        if key is not None:
            request[HOLDER] = key
        return self.required and key is None

    def find(self, shown: str, *, client: str | None) -> ApiKey | None:
        """The key that `shown` is; a wrong one counts against the client's address, and raises a 429 problem after too many."""
        if not shown:  # none, rather than a wrong one
            return None
        wait_s = self.back_off.wait_s(client)
        key = self.keys.find(shown) if not wait_s or len(shown) >= UNGUESSABLE_CHARACTERS else None
        if key is None and wait_s:
            raise _too_many_wrong_keys(wait_s)
        if key is None:
            self.back_off.count_failure(client)
        return key

    def _shown_key(self, request: web.Request) -> ApiKey | None:
        shown = key_in_header(request.headers.get(hdrs.AUTHORIZATION, ""))
        if shown is not None:
            return self.find(shown, client=request.remote)
        cookie = request.cookies.get(session_cookie.NAME)
        return self.cookies.holder(cookie) if cookie is not None and not self._is_foreign(request) else None

    def check_host(self, request: web.Request) -> None:
        """Raises a 403 problem when the request names a host that is not ours."""
        name = host_name(request.headers.get(hdrs.HOST, ""))
        if self.hosts is not None and not self.required and name not in self.hosts:
            raise Problem(403, f"this server does not answer to the host name {name!r}; auth.allowed_hosts can add it")

    def check_origin(self, request: web.Request) -> None:
        """Raises a 403 problem when a page of another site makes a request that could change something."""
        if request.path not in CROSS_SITE_PATHS and self._is_foreign(request):
            raise Problem(403, "pages of other sites are refused; auth.allowed_hosts can add a host name of this one")

    def _is_foreign(self, request: web.Request) -> bool:
        return is_from_another_site(request.method, request.headers, own_hosts=self.own_hosts)


def unauthorized(request: web.Request) -> Problem:
    """The 401 problem, with the ways to show a key."""
    challenges = ['Bearer realm="Sightline"']
    # A browser would open its own sign-in window over the page at the sight of Basic. Simple viewers wait for it, and
    # some of them read one challenge a header line only.
    if not request.headers.get(hdrs.USER_AGENT, "").startswith("Mozilla/"):
        challenges.append('Basic realm="Sightline", charset="UTF-8"')
    return Problem(401, "this needs an API key", headers=[(hdrs.WWW_AUTHENTICATE, challenge) for challenge in challenges])


def _too_many_wrong_keys(wait_s: int) -> Problem:
    detail = f"too many wrong keys came from this address: the next one is looked at in {wait_s} s"
    return Problem(429, detail, headers={hdrs.RETRY_AFTER: str(wait_s)})


def key_in_header(authorization: str) -> str | None:
    """The key in an Authorization header: the Bearer token or the password of Basic; None where there is neither."""
    scheme, _, value = authorization.partition(" ")
    if scheme.lower() == "bearer":
        return value.strip()
    if scheme.lower() == "basic":
        return _password(value.strip())
    return None


def _password(encoded: str) -> str:
    """The password in Basic credentials (RFC 7617); malformed ones have an empty password, which no key is."""
    try:
        return base64.b64decode(encoded, validate=True).decode().partition(":")[2]
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return ""
