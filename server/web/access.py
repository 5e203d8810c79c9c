"""Access: who may use the server."""

import base64
import binascii
from dataclasses import dataclass

from aiohttp import hdrs, web

from server.web import session_cookie
from server.web.credentials import Keys
from server.web.origin import host_name, is_from_another_site
from server.web.problems import Problem
from server.web.session_cookie import SessionCookies

# Pages of other sites may call these, with a key of their own: a cookie counts only for pages of ours.
CROSS_SITE_PATHS = frozenset({"/predict", "/api/predict"})


@dataclass(frozen=True, slots=True)
class Access:
    """What is asked of each request before its handler runs.

    `hosts` are the host names that are answered, None answers to all: with a key a foreign name is no danger, as the cookie
    belongs to the right one. Pages of `own_hosts` count as ours, whatever host name a proxy passes on.
    """

    keys: Keys
    cookies: SessionCookies
    hosts: frozenset[str] | None
    own_hosts: frozenset[str] = frozenset()

    @property
    def required(self) -> bool:
        """Whether a key is asked for."""
        return bool(self.keys)

    def permits(self, request: web.Request) -> bool:
        """Whether the request carries a valid key, or none is needed."""
        if not self.required:
            return True
        shown = key_in_header(request.headers.get(hdrs.AUTHORIZATION, ""))
        if shown is not None:
            return self.keys.find(shown) is not None
        cookie = request.cookies.get(session_cookie.NAME)
        return cookie is not None and not self._is_foreign(request) and self.cookies.accepts(cookie)

    def check_host(self, request: web.Request) -> None:
        """Raises a 403 problem when the request names a host that is not ours."""
        name = host_name(request.headers.get(hdrs.HOST, ""))
        if self.hosts is not None and name not in self.hosts:
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
