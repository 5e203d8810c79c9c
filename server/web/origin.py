"""Where a request comes from: refuses what another web site makes a browser send."""

from collections.abc import Mapping
from urllib.parse import urlsplit

from aiohttp import hdrs

from server.config import Settings
from server.web.credentials import is_loopback

_SAFE_METHODS = frozenset({hdrs.METH_GET, hdrs.METH_HEAD})
_DEFAULT_PORTS = {"http": 80, "https": 443}


def is_from_another_site(method: str, headers: Mapping[str, str]) -> bool:
    """Whether a page of another site makes this request, and the request could change something.

    Reading needs no such check: a browser lets no other site see the answer. A WebSocket is opened by GET, and browsers let
    any site do so. Programs send neither header.
    """
    if method in _SAFE_METHODS and headers.get(hdrs.UPGRADE, "").lower() != "websocket":
        return False
    if headers.get("Sec-Fetch-Site", "none") not in ("same-origin", "none"):
        return True
    origin = headers.get(hdrs.ORIGIN)
    return origin is not None and not _is_own(origin, host=headers.get(hdrs.HOST, ""))


def allowed_hosts(settings: Settings) -> frozenset[str]:
    """The host names that are answered while no key is set and only this machine can connect.

    Others are names that point to this machine in somebody's DNS, by which a web page would reach it (DNS rebinding).
    """
    bound = {"localhost", "127.0.0.1", "::1"} if is_loopback(settings.server.host) else set()
    return frozenset(name.lower().strip("[]") for name in {*bound, settings.server.host, *settings.auth.allowed_hosts})


def host_name(host: str) -> str:
    """The name in a Host header, in lower case, without port and brackets; empty where there is none."""
    try:
        return (urlsplit(f"//{host}").hostname or "").rstrip(".")
    except ValueError:
        return ""


def _is_own(origin: str, *, host: str) -> bool:
    # The scheme is not compared: behind a proxy that ends https the page's is https and ours is not.
    try:
        page = urlsplit(origin)
        own = urlsplit(f"//{host}")
        default = _DEFAULT_PORTS.get(page.scheme)
        same_port = (page.port or default) == (own.port or default)
    except ValueError:
        return False
    return default is not None and same_port and page.hostname == own.hostname
