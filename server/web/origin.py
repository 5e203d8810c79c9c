"""Where a request comes from: refuses what another web site makes a browser send."""

from collections.abc import Collection, Mapping
from urllib.parse import urlsplit

from aiohttp import hdrs

from server.config.settings import Settings
from server.web.credentials import is_loopback

_SAFE_METHODS = frozenset({hdrs.METH_GET, hdrs.METH_HEAD})
_DEFAULT_PORTS = {"http": 80, "https": 443}


def is_from_another_site(method: str, headers: Mapping[str, str], *, own_hosts: Collection[str] = ()) -> bool:
    """Whether a page of another site makes this request, and the request could change something.

    Reading needs no such check: a browser lets no other site see the answer. A WebSocket is opened by GET, and browsers let
    any site do so. Programs send neither header. Pages of `own_hosts` are ours beside those of the requested host.

    Where the browser itself says whether the page is ours (Sec-Fetch-Site, over https and on localhost) this decides: a proxy
    may put a name of its own in place of the host that the browser asked for.
    """
    if method in _SAFE_METHODS and headers.get(hdrs.UPGRADE, "").lower() != "websocket":
        return False
    said = headers.get("Sec-Fetch-Site")
    origin = headers.get(hdrs.ORIGIN)
    if said in ("same-origin", "none"):
        return False
    if origin is not None and _is_page_of(origin, own_hosts):
        return False
    return said is not None or (origin is not None and not _is_own(origin, host=headers.get(hdrs.HOST, "")))


def allowed_hosts(settings: Settings) -> frozenset[str]:
    """The host names that are answered while no key is set and only this machine can connect.

    Others are names that point to this machine in somebody's DNS, by which a web page would reach it (DNS rebinding).
    """
    bound = {"localhost", "127.0.0.1", "::1"} if is_loopback(settings.server.host) else set()
    return frozenset(_plain(name) for name in (*bound, settings.server.host)) | own_hosts(settings)


def own_hosts(settings: Settings) -> frozenset[str]:
    """The host names that the settings call this server's: behind a proxy, those that browsers know."""
    return frozenset(_plain(name) for name in settings.auth.allowed_hosts)


def host_name(host: str) -> str:
    """The name in a Host header, in lower case, without port and brackets; empty where there is none."""
    try:
        return (urlsplit(f"//{host}").hostname or "").rstrip(".")
    except ValueError:
        return ""


def _plain(name: str) -> str:
    return name.lower().strip("[]")


def _is_page_of(origin: str, hosts: Collection[str]) -> bool:
    try:
        page = urlsplit(origin)
    except ValueError:
        return False
    return page.scheme in _DEFAULT_PORTS and page.hostname in hosts


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
